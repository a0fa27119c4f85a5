"""The bus between processes: what it carries, and what all its kinds have in common.

It wakes, and it carries what is never stored: signalling from one page to another, and who types.
What is lost on it costs nothing that lasts. Each process looks at its rooms by itself as well, and
pages send again what nobody answered.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import UUID

import structlog

from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId

MOST_WAITING = 10_000
"""Messages that are kept while nobody takes them; then the oldest are lost."""

log = structlog.get_logger("booking_system.consultations")


@dataclass(frozen=True, slots=True, kw_only=True)
class BusMessage:
    """A room that something happened in; with a `frame`, what its pages are to be sent.

    `to` is the connection that the frame is for, by its epoch; None: all but `sender`'s. The bus
    itself says by which process it was sent, and as which of all that this one has sent.
    """

    room_id: AppointmentId
    to: int | None = None
    sender: int | None = None
    frame: dict[str, Any] | None = None
    process: str = ""
    number: int = 0

    def text(self) -> str:
        """Return it as it goes out: one line of ASCII."""
        about = {
            "r": str(self.room_id),
            "t": self.to,
            "s": self.sender,
            "f": self.frame,
            "p": self.process,
            "n": self.number,
        }
        return json.dumps(about, separators=(",", ":"), default=str)

    @classmethod
    def of(cls, text: str | bytes) -> "BusMessage":
        """Return what came in. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        told = json.loads(text)
        return cls(
            room_id=AppointmentId(UUID(told["r"])),
            to=told["t"],
            sender=told["s"],
            frame=told["f"],
            process=told["p"],
            number=told["n"],
        )


Heard = Callable[[BusMessage], None]
Resumed = Callable[[], None]


class Bus(Protocol):
    """Carries messages to all other processes; at most once, in the order of their sender."""

    def tell(self, message: BusMessage) -> None:
        """Send it soon; never waits, never fails."""
        ...

    def running(self, heard: Heard, resumed: Resumed) -> AbstractAsyncContextManager[None]:
        """Listen and tell for as long as the block lasts.

        `heard` is called for each message of another process, `resumed` whenever listening has
        begun, because until then anything may have been missed.
        """
        ...


@dataclass(slots=True)
class Outgoing:
    """What this process has to tell, until somebody takes it."""

    process: str
    _waiting: list[BusMessage] = field(default_factory=list, init=False)
    _something: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _number: int = field(default=0, init=False)

    def add(self, message: BusMessage) -> None:
        """Put it behind what waits; what has a number keeps it."""
        if len(self._waiting) >= MOST_WAITING:
            del self._waiting[: MOST_WAITING // 2]
        if not message.number:
            self._number += 1
            message = replace(message, process=self.process, number=self._number)
        self._waiting.append(message)
        self._something.set()

    async def taken(self) -> Sequence[BusMessage]:
        """Wait until there is something; return all of it, each room woken once."""
        await self._something.wait()
        self._something.clear()
        waiting, self._waiting = self._waiting, []
        return _without_repeats(waiting)


def _without_repeats(messages: Sequence[BusMessage]) -> Sequence[BusMessage]:
    """Wake each room once: the last of several wake-ups says all."""
    kept, woken = [], set()
    for one in reversed(messages):
        if one.frame is None:
            if one.room_id in woken:
                continue
            woken.add(one.room_id)
        kept.append(one)
    return kept[::-1]


@dataclass(slots=True)
class Outage:
    """Says once that something does not work, and once that it does again."""

    about: str
    is_on: bool = field(default=False, init=False)

    def began(self, error: BaseException) -> None:
        """Note a failure."""
        if not self.is_on:
            log.warning(self.about, error=type(error).__name__)
        self.is_on = True

    def ended(self) -> None:
        """Note that it works."""
        if self.is_on:
            log.info("works_again", it=self.about)
        self.is_on = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waker:
    """Wakes a room from outside of it, behind the end of the caller's transaction."""

    database: Database
    bus: Bus
    here: Callable[[AppointmentId], None]

    async def __call__(self, room_id: AppointmentId) -> None:
        """Wake it here and elsewhere."""

        async def wake() -> None:
            self.here(room_id)
            self.bus.tell(BusMessage(room_id=room_id))

        await self.database.apart(wake)
