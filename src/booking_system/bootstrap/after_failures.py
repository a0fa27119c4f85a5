"""Commands for what was given up, and for a plan that has to be made anew."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from booking_system.bootstrap import up
from booking_system.bootstrap.chosen_database import database_for
from booking_system.bootstrap.settings import Settings
from booking_system.notifications.adapters import dead_messages
from booking_system.platform.postgres import dead_events

if TYPE_CHECKING:
    from booking_system.bootstrap.container import Container

MOST = 500
NOTHING = UUID(int=0)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """What was given up: lines to be read, and how many were begun anew."""

    lines: list[str]
    retried: int


def dead_letters(settings: Settings, *, retry: bool) -> DeadLetters:
    """List dead events and messages, and have them tried again. Raises as `up` does."""
    return _with_container(settings, lambda container: _dead_letters(container, retry=retry))


def replan(settings: Settings) -> int:
    """Plan the messages of all appointments that will take place; return how many these are."""
    return _with_container(settings, _replan)


async def _replan(container: "Container") -> int:
    count: int = await container.notifications.planner().plan_all()
    return count


def _with_container(settings: Settings, work: "Callable[[Container], Awaitable[Found]]") -> Found:
    async def run(ready: Settings) -> Found:
        await up.refuse_unfit(ready)
        async with up.container_of(ready) as container:
            return await work(container)

    with database_for(settings) as ready:
        return asyncio.run(run(ready))


async def _dead_letters(container: "Container", *, retry: bool) -> DeadLetters:
    database, now = container.database(), container.clock().now()
    lines, retried = [], 0
    async with database.driver_transaction() as connection:
        for row in await dead_events.DEAD.fetch(connection, after=0, most=MOST):
            lines.append(_event_line(row))
            if retry:
                key = {"consumer": row["consumer"], "seq": row["seq"]}
                await dead_events.WANT_AGAIN.fetchval(connection, **key)
                retried += 1
        for row in await dead_messages.DEAD.fetch(connection, after=NOTHING, most=MOST):
            lines.append(_message_line(row))
            if retry:
                again = dead_messages.SEND_AGAIN
                found = await again.fetchval(connection, id=row["id"], now=now)
                retried += found is not None
    return DeadLetters(lines=lines, retried=retried)


def _event_line(row: Any) -> str:
    what = f"event {row['seq']} {row['name']} of {row['consumer']}"
    return f"{row['died_at']:%Y-%m-%d %H:%M} {what}: {row['error']}"


def _message_line(row: Any) -> str:
    why = " ".join(filter(None, [row["reason"], row["error_code"]]))
    return f"{row['ended_at']:%Y-%m-%d %H:%M} {row['kind']} {row['id']} by {row['channel']}: {why}"
