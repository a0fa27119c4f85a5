"""Worlds: all use cases over one set of adapters, in memory or in PostgreSQL."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from booking_system.booking.adapters.holding import PostgresHolds
from booking_system.booking.adapters.postgres import PostgresBooking
from booking_system.booking.adapters.reading import PostgresBookingReader
from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.booking.application.cancel_appointment import CancelAppointment
from booking_system.booking.application.explain_slot import ExplainSlot
from booking_system.booking.application.hold_slot import (
    ExtendHold,
    HoldSlot,
    ReleaseHold,
    ShowHold,
)
from booking_system.booking.application.mark_appointment import MarkAppointment
from booking_system.booking.application.overlaps import ToldOverlap, WatchOverlaps
from booking_system.booking.application.read_appointments import ShowHistory
from booking_system.booking.application.reschedule_appointment import RescheduleAppointment
from booking_system.booking.domain.booking_rules import BOOKING_RULES, HOLD_RULES, MOVE_RULES
from booking_system.booking.domain.reference import reference_from
from booking_system.desk.adapters.removal import PostgresRemoval
from booking_system.desk.application.remove import Remove, Restore
from booking_system.desk.domain.removal import Kind
from booking_system.identity.adapters.throttle import UnlimitedThrottle
from booking_system.platform.postgres.retry import TRIES
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.adapters.postgres import PostgresScheduling
from booking_system.scheduling.adapters.slot_search import PostgresSlotFinder
from booking_system.scheduling.application.change_slot import CloseSlot, DeleteSlot, ReopenSlot
from booking_system.shared_kernel.errors import Refusal, Transient
from tests.booking.builders import FixedClock
from tests.booking.memory import Memory
from tests.booking.memory_alternatives import MemoryAlternatives
from tests.booking.memory_booking import MemoryBooking, MemoryBookingReader
from tests.booking.memory_slots import MemoryHolds, MemoryRemoval, MemoryScheduling
from tests.booking.seeding import seed
from tests.booking.stored import Stored, read, stored_in


async def nobody_told(*_: object) -> None:
    """Roles are no part of these worlds."""


class Counted:
    """Identities and references that every world counts alike."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> Any:
        self._last += 1
        return UUID(int=0xA << 64 | self._last)


class CountedReferences(Counted):
    def new(self) -> Any:
        return reference_from(super().new().int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What stands behind the ports; of each what a container would take."""

    booking: Any
    reader: Any
    holds: Any
    removal: Any
    scheduling: Any
    alternatives: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody is told: a result, or the kind of refusal and all that goes with it."""

    shown: Any = None
    code: str | None = None
    refusal: Any = None


class World(Protocol):
    """Somewhere to play the scene."""

    name: str

    async def begin(self, clock: FixedClock) -> None:
        """Start the scene anew."""
        ...

    async def ask(self, case: str, **about: Any) -> Answer:
        """Call a use case."""
        ...

    async def stored(self) -> Stored:
        """Look at what is stored."""
        ...


class MemoryWorld:
    name = "memory"

    async def begin(self, clock: FixedClock) -> None:
        self.memory = Memory()
        holds = MemoryHolds(self.memory)
        self.adapters = Adapters(
            booking=MemoryBooking(self.memory),
            reader=MemoryBookingReader(self.memory),
            holds=holds,
            removal=MemoryRemoval(self.memory),
            scheduling=MemoryScheduling(self.memory),
            alternatives=MemoryAlternatives(self.memory),
        )
        self._cases = use_cases(self.adapters, clock)

    async def ask(self, case: str, **about: Any) -> Answer:
        return await answered(partial(self._cases[case], **about))

    async def stored(self) -> Stored:
        return stored_in(self.memory.rows)


class PostgresWorld:
    name = "PostgreSQL"

    def __init__(self, database: Database, connection: asyncpg.Connection) -> None:
        """`connection` is for looking at what is stored, beside the product's own."""
        self._connection = connection
        self.adapters = Adapters(
            booking=PostgresBooking(database),
            reader=PostgresBookingReader(database),
            holds=PostgresHolds(database),
            removal=PostgresRemoval(database, tell_staff=nobody_told),
            scheduling=PostgresScheduling(database),
            alternatives=PostgresSlotFinder(database).nearest,
        )

    async def begin(self, clock: FixedClock) -> None:
        await seed(self._connection)
        self._cases = use_cases(self.adapters, clock)

    async def ask(self, case: str, **about: Any) -> Answer:
        return await answered(partial(self._cases[case], **about))

    async def stored(self) -> Stored:
        return await read(self._connection)


def use_cases(to: Adapters, clock: FixedClock) -> dict[str, Callable[..., Awaitable[Any]]]:
    """Wire them as the container does."""
    timed: dict[str, Any] = {"transaction": to.booking.transaction, "clock": clock}
    held: dict[str, Any] = {"transaction": to.holds.transaction, "clock": clock}
    changed: dict[str, Any] = {"transaction": to.scheduling.transaction}
    removed: dict[str, Any] = {"transaction": to.removal.transaction, "clock": clock}
    near: dict[str, Any] = {"alternatives": to.alternatives}
    watched: dict[str, Any] = {
        "overlaps": WatchOverlaps(
            throttle=UnlimitedThrottle(),
            told=Untold(),
            facts=to.holds,
            reader=to.reader,
            clock=clock,
        )
    }
    return {
        "book": BookAppointment(
            reader=to.reader,
            rules=BOOKING_RULES,
            identities=Counted(),
            references=CountedReferences(),
            **timed,
            **near,
            **watched,
        ),
        "cancel": CancelAppointment(**timed),
        "mark": MarkAppointment(**timed, **watched),
        "move": RescheduleAppointment(rules=MOVE_RULES, **timed, **near, **watched),
        "history": ShowHistory(reader=to.reader),
        "hold": HoldSlot(rules=HOLD_RULES, identities=HoldIds(), **held, **near),
        "show_hold": ShowHold(reader=to.holds, clock=clock),
        "extend": ExtendHold(**held),
        "let_go": ReleaseHold(**held),
        "explain": ExplainSlot(reader=to.holds, clock=clock),
        "close": CloseSlot(clock=clock, **changed),
        "reopen": ReopenSlot(clock=clock, **changed),
        "delete": DeleteSlot(clock=clock, **changed),
        **{f"remove {kind}": partial(Remove(**removed), kind=kind) for kind in Kind},
        **{f"restore {kind}": partial(Restore(**removed), kind=kind) for kind in Kind},
    }


class Untold:
    """What both worlds keep apart is looked at over HTTP."""

    async def add(self, told: ToldOverlap) -> None:
        pass


class HoldIds(Counted):
    def new(self) -> Any:
        return UUID(int=super().new().int ^ 0x1 << 64)


async def answered(ask: Callable[[], Awaitable[Any]]) -> Answer:
    """Ask as `retrying` would, but without a pause."""
    for _ in range(TRIES):
        try:
            return Answer(shown=_shown(await ask()))
        except Transient:
            continue
        except Refusal as refusal:
            # Which of two appointments in one slot is listed first is nobody's promise.
            extras = {
                name: sorted(value, key=lambda one: one["id"]) if name == "bookings" else value
                for name, value in refusal.extras.items()
            }
            told = (type(refusal).__name__, refusal.detail, extras)
            return Answer(code=refusal.code, refusal=told)
    return Answer(code="transient")


def _shown(result: Any) -> Any:
    if is_dataclass(result) and not isinstance(result, type):
        return asdict(result)
    return [_shown(one) for one in result] if isinstance(result, list) else result
