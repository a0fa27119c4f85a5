"""The machinery of payments with one protection taken out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from unittest.mock import patch
from uuid import UUID

from booking_system.booking.adapters import postgres as booking
from booking_system.booking.adapters import span_locks
from booking_system.booking.adapters.paying import PostgresPaymentWork
from booking_system.booking.records import span_changes
from booking_system.payments.adapters import following, inbox, queue
from booking_system.payments.adapters import statements as sql
from booking_system.payments.adapters.appointments import BookedAppointments
from booking_system.payments.adapters.inbox import PostgresInbox
from booking_system.payments.application import take_sighting
from booking_system.payments.application.attempt_changes import AttemptChanges
from booking_system.payments.application.deeds import Deed
from booking_system.payments.application.provider_port import ProviderRefused, ProviderUnsure
from booking_system.payments.domain import judging, transitions
from booking_system.payments.domain.attempt import AttemptState, Frozen
from booking_system.payments.domain.books import Books
from booking_system.payments.domain.owed import Owed, Standing
from booking_system.payments.domain.refunds import Refund
from booking_system.payments.domain.transitions import Cause
from tests.weave.mutants import FOR_UPDATE, Mutant, Silence, nothing, replaced, saying

EVERYTHING = 10**9
NUMBERS = count()


@contextmanager
def unlocked() -> Iterator[None]:
    with saying(
        (booking.LOCK_CARD, " FOR UPDATE OF a", ""),
        (span_changes.LOCK_SLOTS_OF, FOR_UPDATE, ""),
        (span_locks.LOCK_TO_MOVE, FOR_UPDATE, ""),
        (sql.LOCK_ATTEMPTS, " FOR UPDATE", ""),
    ):
        yield


def another_key(what: type) -> Mutant:
    """Each call has a key of its own."""
    return lambda: patch.object(what, "key", property(lambda self: f"{self.id}:{next(NUMBERS)}"))


def no_lines(*_: Any) -> list[Any]:
    return []


@contextmanager
def lines_are_not_looked_for() -> Iterator[None]:
    """A line is written, whether it is there or not."""
    on_conflict = " ON CONFLICT ON CONSTRAINT uq_payment_ledger_once DO NOTHING"
    judge = judging.judge

    def judged(*given: Any, **named: Any) -> Any:
        with patch.object(Books, "lines_of", no_lines):
            return judge(*given, **named)

    with saying((sql.ADD_LINE, on_conflict, "")), patch.object(take_sighting, "judge", judged):
        yield


def _seen_first() -> Any:
    match = PostgresInbox.match

    async def matches(self: Any, event_id: UUID, *, now: datetime) -> bool:
        async with self.database.driver_transaction() as connection:
            await inbox.HANDLED.execute(connection, event_id=event_id, payment_id=None, now=now)
        return await match(self, event_id, now=now)

    return matches


@contextmanager
def handled_when_seen() -> Iterator[None]:
    with (
        saying((inbox.LOCK_EVENT, " AND payment_events.handled_at IS NULL", "")),
        patch.object(PostgresInbox, "match", _seen_first()),
    ):
        yield


def _no_is_no() -> Any:
    done = Deed.done

    async def told(self: Any) -> Any:
        try:
            return await done(self)
        except ProviderUnsure:
            raise ProviderRefused("unsure") from None

    return told


async def _expired_without_a_look(self: Any) -> Any:
    return await self.changes.expire(self.attempt.id)


async def _expired_at_once(self: Any, payment_id: Any) -> None:
    async with self.take.transaction() as work:
        page = await self.take.open(work, payment_id)
        if page.owed.status is Standing.PENDING_PAYMENT:
            await self.take.appointments.expire(page.owed.appointment_id, now=page.now)
            page.owed = replace(page.owed, status=Standing.EXPIRED, pay_by=None)
            await self.take.settler.close(work, page)


async def _yes(*_: Any, **__: Any) -> bool:
    return True


async def _for_ever(*_: Any) -> datetime:
    return datetime.max.replace(tzinfo=UTC)


def _keeps_all_of(is_so: Callable[[Owed], bool]) -> Any:
    most_kept = Owed.most_kept

    def kept(self: Owed) -> int:
        return EVERYTHING if is_so(self) else most_kept(self)

    return kept


class Counted:
    """Numbers by what is there, without a lock."""

    async def fetchval(self, connection: Any, *, clinic_id: UUID, year: int, count: int) -> int:
        question = (
            "SELECT coalesce(max(number), 0) FROM receipts WHERE clinic_id = $1 AND year = $2"
        )
        last: int = await connection.fetchval(question, clinic_id, year)
        return last + count


def _refund_in_a_transaction() -> Any:
    refund = Deed._refund

    async def refunds(self: Any) -> None:
        async with self.tools.take.transaction() as work:
            await self.tools.take.open(work, self.attempt.id)
            await refund(self)

    return refunds


@contextmanager
def unfenced() -> Iterator[None]:
    with ExitStack() as stack:
        for one in (queue.FINISH, queue.BEGIN_ANEW, queue.PUT_OFF):
            said = one.text.replace("payment_work.token = $", "payment_work.token >= -$")
            assert said != one.text, "it is fenced"
            stack.enter_context(patch.object(one, "text", said))
        yield


LINES = "the name of a line, and the look for it"
"""Its constraint goes as well."""
MUTANTS: dict[str, Mutant] = {
    "all locks of an appointment and its payments": unlocked,
    LINES: lines_are_not_looked_for,
    "the look for a payment that is under way": replaced(Books, "live", None),
    "an event counts as handled when its look is planned": handled_when_seen,
    "the rank of what is ending": lambda: patch.dict(
        transitions.NEXT, {(AttemptState.CLOSING, Cause.ACCEPTED): AttemptState.OPEN}
    ),
    "the rank of what is paid": lambda: patch.dict(
        transitions.NEXT, {(AttemptState.CANCELLED, Cause.PAID): AttemptState.CANCELLED}
    ),
    "the key of a checkout": another_key(Frozen),
    "the key of a refund": another_key(Refund),
    "silence is no refusal": replaced(Deed, "done", _no_is_no()),
    "the last look before a capture": replaced(AttemptChanges, "kept_for_capture", _for_ever),
    "the time that is kept for a capture": replaced(BookedAppointments, "keep", _yes),
    "the question before an appointment expires": replaced(
        Deed, "_expire_after_a_look", _expired_without_a_look
    ),
    "the look at pay_by under the lock": replaced(AttemptChanges, "expire", _expired_at_once),
    "late money goes back": replaced(
        Owed, "most_kept", _keeps_all_of(lambda owed: owed.status is Standing.EXPIRED)
    ),
    "late money takes only what is free": replaced(PostgresPaymentWork, "_check_free", nothing),
    "what is paid twice goes back": replaced(
        Owed, "most_kept", _keeps_all_of(lambda owed: owed.takes_place)
    ),
    "what is on its way back is spent": replaced(Books, "under_way", 0),
    "the lock on the counter of receipts": replaced(sql, "DRAW_NUMBERS", Counted()),
    "the fence of a claim": unfenced,
    "the lease of a claim": lambda: saying(
        (queue.CLAIM, "payment_work.lease_until < clock_timestamp()", "true")
    ),
    "what is planned anew while it is done is done again": lambda: saying(
        (queue.FINISH, "payment_work.asked = $", "payment_work.asked >= -$")
    ),
    "no provider is asked in a transaction": replaced(Deed, "_refund", _refund_in_a_transaction()),
    "money follows what becomes of appointments": replaced(following, "SETTLE", Silence()),
    "money follows what expires": replaced(
        following, "CHANGING", following.CHANGING - {"booking.expired"}
    ),
}
