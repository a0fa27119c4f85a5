"""A process that does one thing of payments, and is killed at a step of it by SIGKILL.

A step is a statement for PostgreSQL, a request to a provider, or the answer to it. Run by a
`tests.nursery`, with two arguments: what to do, as JSON, and where it dies, as `statement 3`; with
`nowhere` it prints its steps.
"""

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import uvloop
from asyncpg.connection import Connection
from asyncpg.prepared_stmt import PreparedStatement

from booking_system.bootstrap.container import Container, build, close
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.feed import Relay

ASKS = (
    (Connection, "execute"),
    (Connection, "_do_execute"),
    (PreparedStatement, "_PreparedStatement__do_execute"),
)


class Steps:
    """Counts, and dies."""

    def __init__(self, last: str) -> None:
        self.done: list[str] = []
        self._last = last

    def one(self, kind: str) -> None:
        number = 1 + sum(step.startswith(kind) for step in self.done)
        self.done.append(f"{kind} {number}")
        if self.done[-1] == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_statements(self, owner: type, name: str) -> None:
        ask: Callable[..., Awaitable[Any]] = getattr(owner, name)

        async def counted(*given: Any, **named: Any) -> Any:
            self.one("statement")
            return await ask(*given, **named)

        setattr(owner, name, counted)

    def around_providers(self) -> None:
        send = httpx.AsyncHTTPTransport.handle_async_request

        async def counted(*given: Any) -> httpx.Response:
            self.one("request")
            answer = await send(*given)
            self.one("answer")
            return answer

        httpx.AsyncHTTPTransport.handle_async_request = counted  # type: ignore[method-assign]


async def _work(container: Container) -> None:
    await Relay(database=container.database()).once()
    await container.payments.consumer().once()
    await container.payments.job().once()


async def _ask(container: Container, asked: dict[str, Any]) -> None:
    transport = httpx.ASGITransport(app=create_app(container))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        body = asked["content"].encode("latin-1")
        answer = await client.post(asked["path"], content=body, headers=asked["headers"])
    assert answer.is_success, answer.text


async def _do(what: dict[str, Any] | None, last: str) -> None:
    container, steps = build(Settings()), Steps(last)
    for owner, name in ASKS:
        steps.before_statements(owner, name)
    steps.around_providers()
    if what is None:
        await _work(container)
    else:
        await _ask(container, what)
    sys.stdout.write(f"\n{json.dumps(steps.done)}\n")
    await close(container)


def main() -> None:
    what, last = sys.argv[1:]
    uvloop.run(_do(json.loads(what), last))
