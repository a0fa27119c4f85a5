"""Time for what a test waits for: as much as any machine needs, and never a part of its verdict.

A limit of `PATIENCE` seconds is only a net against waiting for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import uvicorn.server

from booking_system.notifications.adapters import documents
from booking_system.notifications.adapters.words import sandbox
from booking_system.platform.http import entrance
from booking_system.platform.postgres import leases, retry, transaction

PATIENCE = 120.0
TURNS = 200
Result = TypeVar("Result")


class _Prompt:
    """`asyncio` for uvicorn, which looks every tenth of a second whether it should end."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 10)


@contextmanager
def patient() -> Iterator[None]:
    """Deadlines of the program in this process that no slow machine meets by itself.

    And servers in this process that end as soon as they are told.

    A test of a deadline sets one of its own. Programs in other processes keep theirs: whoever asks
    them may be told `503`, and asks again.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module, names in (
            (entrance, ("WAIT_SECONDS", "DEADLINE_SECONDS")),
            (leases, ("WAIT_SECONDS",)),
            (retry, ("DEADLINE_SECONDS",)),
            (documents, ("SECONDS",)),
            (sandbox, ("SECONDS",)),
        ):
            for name in names:
                patch.setattr(module, name, PATIENCE)
        usual = transaction.Deadlines(connect=PATIENCE, command=PATIENCE)
        patch.setattr(transaction, "USUAL", usual)
        milliseconds = str(int(PATIENCE * 1000))
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            patch.setitem(transaction.SERVER_SETTINGS, name, milliseconds)
        patch.setattr(uvicorn.server, "asyncio", _Prompt())
        yield


async def turns(count: int = TURNS) -> None:
    """Let everybody go on who can, however long that takes; no clock is asked."""
    for _ in range(count):
        await asyncio.sleep(0)


async def at_once(work: Awaitable[Result]) -> Result:
    """Return what it comes to without waiting for anything: neither for time nor for others."""
    task = asyncio.ensure_future(work)
    await turns()
    assert task.done(), "it waits"
    return task.result()


async def soon(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
