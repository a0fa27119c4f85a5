"""The program with one protection taken out."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import product
from typing import Any
from unittest.mock import patch

from booking_lab.weave import people
from booking_system.booking.adapters import (
    add_statements,
    attempt_statements,
    hold_statements,
    holding,
    postgres,
    span_locks,
)
from booking_system.booking.adapters.postgres import PostgresBookingWork
from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.booking.domain import booking_rules, double_booking
from booking_system.booking.domain.booking_rules import slot_is_available
from booking_system.booking.domain.span import Span
from booking_system.booking.records import (
    change_statements,
    settling,
    settling_statements,
    span_changes,
)
from booking_system.desk.adapters import removal_statements
from booking_system.desk.adapters.absences import PostgresAbsenceWork
from booking_system.desk.adapters.removal import PostgresRemovalWork
from booking_system.desk.domain.removal import Kind
from booking_system.platform.postgres import faults, transaction
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore
from booking_system.scheduling.adapters.postgres import PostgresSlots
from booking_system.scheduling.domain.hold import Hold
from booking_system.scheduling.records import calendar_statements
from booking_system.scheduling.records.ended_holds import OLD_HOLDS

Mutant = Callable[[], AbstractContextManager[Any]]
ADDING_A_SERVICE = [
    add_statements.adding(add_statements.Needs(*needs), with_service=True)
    for needs in product((False, True), repeat=3)
]
ATTEMPTS = (attempt_statements.ATTEMPT, attempt_statements.ATTEMPT_TOLD,
            attempt_statements.ATTEMPT_OWN)  # fmt: skip
FACTS = (*ATTEMPTS, attempt_statements.FACTS, attempt_statements.FACTS_TOLD)
IS_LIVE = "coalesce({}.deleted_at, 'infinity') = 'infinity'"
FOR_UPDATE = " FOR UPDATE OF s"


@contextmanager
def saying(*changes: tuple[Statement[Any], str, str]) -> Iterator[None]:
    """Statements with other words in them."""
    with ExitStack() as stack:
        for statement, old, new in changes:
            assert old in statement.text, "the words are there"
            stack.enter_context(patch.object(statement, "text", statement.text.replace(old, new)))
        yield


def unlocked(*statements: Statement[Any], words: str = FOR_UPDATE) -> Mutant:
    return lambda: saying(*((one, words, "") for one in statements))


def replaced(where: Any, name: str, what: Any) -> Mutant:
    """Of a use case that is tried again the class that does so has a method of its own."""

    @contextmanager
    def everywhere() -> Iterator[None]:
        below = where.__subclasses__() if isinstance(where, type) else []
        with ExitStack() as stack:
            for one in (where, *(one for one in below if name in vars(one))):
                stack.enter_context(patch.object(one, name, what))
            yield

    return everywhere


def silent(rule: Any) -> Mutant:
    """A rule that lets everybody pass; rules are frozen."""

    @contextmanager
    def silenced() -> Iterator[None]:
        judge = rule.judge
        object.__setattr__(rule, "judge", lambda _: None)
        try:
            yield
        finally:
            object.__setattr__(rule, "judge", judge)

    return silenced


async def nothing(*_: Any, **__: Any) -> None:
    """Do nothing."""


async def no_rows(*_: Any, **__: Any) -> list[Any]:
    return []


class Silence:
    """A statement that does nothing and finds nothing."""

    execute = fetchval = fetchrow = staticmethod(nothing)
    fetch = staticmethod(no_rows)


def _add_without_key() -> Any:
    add = PostgresBookingWork.add

    async def without_key(self: Any, appointment: Any, _: Any = None) -> None:
        await add(self, appointment)

    return without_key


def _never_unknown() -> Any:
    meaning_of = faults.meaning_of

    def never(error: BaseException, refusals: Any, *, committing: bool) -> Any:
        return meaning_of(error, refusals, committing=False)

    return never


MUTANTS: dict[str, Mutant] = {
    "the slot's lock of a booking": unlocked(*ATTEMPTS),
    "the locks of all slots that a booking meets": unlocked(span_locks.LOCK_NEARBY),
    "the order of these locks": lambda: saying(
        (span_locks.LOCK_NEARBY, "ORDER BY s.id FOR", "ORDER BY s.id DESC FOR"),
    ),
    "the locks of a move": unlocked(span_locks.LOCK_TO_MOVE),
    "the order of the locks of a move": lambda: saying(
        (span_locks.LOCK_TO_MOVE, "ORDER BY s.id FOR", "ORDER BY s.id DESC FOR"),
    ),
    "the locks on slots of a cancellation": unlocked(span_changes.LOCK_SLOTS_OF),
    "the lock on an appointment that is cancelled or moved, and its slots'": lambda: saying(
        (postgres.LOCK_CARD, " FOR UPDATE OF a", ""),
        (span_changes.LOCK_SLOTS_OF, FOR_UPDATE, ""),
        (span_locks.LOCK_TO_MOVE, FOR_UPDATE, ""),
    ),
    "the lock of a hold that is released or extended": unlocked(hold_statements.LOCK),
    "the queue of holders": replaced(holding, "queue_as", nothing),
    "the rule that a held slot is its holder's": silent(double_booking.slot_is_not_held_by_another),
    "the rule that a closed slot is not to be had": silent(slot_is_available),
    "the end of a hold": replaced(Hold, "is_in_force", lambda *_: True),
    "the hold itself": replaced(Hold, "is_in_force", lambda *_: False),
    "the span of a hold": replaced(Span, "touched", property(lambda self: self.slots[:1])),
    "the end of the holds that a booking takes": replaced(postgres, "END_HOLDS", Silence()),
    "the key in the booking's transaction": lambda: patch.object(
        PostgresBookingWork, "add", _add_without_key()
    ),
    "the look for the key on a refusal": replaced(BookAppointment, "_earlier", nothing),
    "the word that a commit's outcome is unknown": lambda: patch.object(
        transaction, "meaning_of", _never_unknown()
    ),
    "the heirs": replaced(settling_statements, "HAND_OVER", Silence()),
    "the end of a mark": replaced(settling, "share_less", nothing),
    "the slots that a move leaves": replaced(change_statements, "LEAVE_SLOTS", Silence()),
    "what time off closes": replaced(PostgresAbsenceWork, "close_slots", nothing),
    "the slots that a removal closes before it looks for bookings": replaced(
        PostgresRemovalWork, "close_slots", nothing
    ),
    "the stop of bookings for a patient who goes": lambda: patch.dict(
        removal_statements.STOP_BOOKINGS, {Kind.PATIENT: Silence()}
    ),
    "the stop of bookings of a service that goes": lambda: patch.dict(
        removal_statements.STOP_BOOKINGS, {Kind.SERVICE: Silence()}
    ),
    "the look at a patient when the booking is written": lambda: saying(
        *((one, f"AND {IS_LIVE.format('patients')}", "") for one in ADDING_A_SERVICE)
    ),
    "the look at a service when the booking is written": lambda: saying(
        *((one, f"AND {IS_LIVE.format('services')}", "") for one in ADDING_A_SERVICE)
    ),
    "the rule that a service is offered": silent(booking_rules.service_is_offered),
    "the doctors of a service": lambda: saying(
        *((one, " AND o.doctor_id = s.doctor_id", "") for one in FACTS)
    ),
    "the doctor before the slot": replaced(PostgresSlots, "lock_calendar_of", nothing),
    "the locks of a change of hours": unlocked(calendar_statements.LOCK_SLOTS, words=" FOR UPDATE"),
    "the hours that come back when an appointment is cancelled": replaced(
        postgres, "refill_freed", nothing
    ),
    "the events of what is changed": replaced(settling, "events_text", lambda _: "[]"),
    "the hour for which old holds are kept": lambda: patch.object(
        people, "OLD_HOLDS", Chore("holds", OLD_HOLDS.statement.replace("3600.0", "-3600.0"))
    ),
}
