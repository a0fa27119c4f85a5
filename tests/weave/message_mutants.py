"""The machinery of messages with one protection taken out."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any
from unittest.mock import patch

from booking_system.notifications.adapters import claiming_statements as claims
from booking_system.notifications.adapters import ledger as postgres
from booking_system.notifications.adapters import ledger_statements as sql
from booking_system.notifications.adapters import planner, planning_statements
from booking_system.notifications.application import send_messages
from booking_system.notifications.domain.gate import Send
from booking_system.platform.postgres import consumers, feed
from booking_system.platform.postgres.consumers import Consumer
from tests.weave.mutants import Mutant, Silence, replaced, saying

FENCED = (sql.BEGIN, sql.STILL_BEGUN, sql.UNDO_BEGIN, sql.PUT_OFF, sql.WAIT, sql.UNKNOWN, sql.END)
ON_CONFLICT = (
    " ON CONFLICT (appointment_id, revision, kind, offset_minutes, channel, recipient_key)"
)


@contextmanager
def unfenced() -> Iterator[None]:
    """Whose claim it is does not matter: a statement without its value would be another one."""
    with ExitStack() as stack:
        for one in (*FENCED, sql.FINISH):
            said = one.text.replace("message_ledger.token = $", "message_ledger.token >= -$")
            assert said != one.text, "it is fenced"
            stack.enter_context(patch.object(one, "text", said))
        yield


async def _cursor_first(self: Consumer, most: int) -> int:
    """The place moves in a transaction of its own, before the effect."""
    async with self.database.driver_transaction() as connection:
        place = await consumers.TAKE_PLACE.fetchrow(connection, consumer=self.name)
        if place is None:
            return 0
        rows = await consumers.NEXT.fetch(connection, after=place["seq"], most=most)
        events: Sequence[Any] = [consumers.event_of(row) for row in rows]
        if events:
            await consumers.MOVE_ON.execute(connection, consumer=self.name, seq=events[-1].seq)
    if events:
        async with self.database.driver_transaction() as connection:
            await self.effect(connection, events)
    return len(events)


AS_FOUND: ContextVar[Any] = ContextVar("AS_FOUND", default=None)
"""What a sender of this task found before: several of them begin at once."""


def _begin_without_reading() -> Any:
    begin = postgres.PostgresLedger.begin

    async def begins(self: Any, claim: Any, found: Any, *, judge: Any, provider: str) -> Any:
        before = AS_FOUND.set(found)
        try:
            return await begin(self, claim, found, judge=lambda _: Send(), provider=provider)
        finally:
            AS_FOUND.reset(before)

    return begins


def _facts_as_found() -> Any:
    facts = postgres.PostgresLedger._facts

    async def found_or_read(self: Any, *given: Any) -> Any:
        return AS_FOUND.get() or await facts(self, *given)

    return found_or_read


@contextmanager
def without_looks(*, begin: bool = True, hand_over: bool = True) -> Iterator[None]:
    """What was read when it was written holds."""
    with ExitStack() as stack:
        if begin:
            for name, one in (("begin", _begin_without_reading()), ("_facts", _facts_as_found())):
                stack.enter_context(patch.object(postgres.PostgresLedger, name, one))
        if hand_over:
            stack.enter_context(patch.object(postgres, "stays_true", lambda *_, **__: True))
        yield


def only_above_the_last() -> AbstractContextManager[Any]:
    """Nothing below the last number is looked for."""
    stack = ExitStack()
    stack.enter_context(patch.object(feed, "BEHIND", -1))
    stack.enter_context(patch.object(feed, "WHOLE_LOOK_SECONDS", float("inf")))
    return stack


async def _always(*_: Any) -> bool:
    return True


not_refusing = replaced(send_messages.SendMessage, "_refuse_after_a_stop", lambda *_: None)


@contextmanager
def stacked(*mutants: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in mutants:
            stack.enter_context(one)
        yield


ITS_OWN = "the look whether the claim is still its own"
"""Beside the refusal after a stop, which holds the same as long as the process's clock goes on."""
SAYS = {ITS_OWN: "not its sender's to send"}
"""What is said of it, where another mutant in it is found by itself."""
KEY = "the key of the ledger"
"""Its constraint goes as well: else a message that is planned again is refused."""
MUTANTS: dict[str, Mutant] = {
    "the fencing token": unfenced,
    "the lease": lambda: saying(
        (sql.RESCUE, "message_ledger.lease_until < clock_timestamp()", "true")
    ),
    "the end of a lease, where sending begins": lambda: saying(
        (sql.BEGIN, " AND message_ledger.lease_until > clock_timestamp()", "")
    ),
    "the claim's skipping of what another claims": lambda: saying(
        (claims.CLAIM, " FOR UPDATE SKIP LOCKED", "")
    ),
    "the claim's look for what is not claimed": lambda: saying(
        (
            claims.CLAIM,
            "message_ledger.state = 'planned'",
            "message_ledger.state IN ('planned', 'claimed')",
        )
    ),
    "both looks behind the lock": without_looks,
    "the look when it is handed over": lambda: without_looks(begin=False),
    "the look when sending begins": lambda: without_looks(hand_over=False),
    "the lock on the appointment": lambda: saying((sql.LOCK_APPOINTMENT, " FOR SHARE", "")),
    "the refusal after a stop": not_refusing,
    ITS_OWN: lambda: stacked(
        not_refusing(), saying((sql.STILL_BEGUN, " AND message_ledger.state IN ('sending')", ""))
    ),
    "the wait for a lost answer": lambda: saying(
        (sql.UNKNOWN, "clock_timestamp() + $1::INTERVAL", "clock_timestamp() - $1::INTERVAL")
    ),
    KEY: lambda: saying((planning_statements.PLAN, ON_CONFLICT + " DO NOTHING", "")),
    "the place in the effect's transaction": replaced(Consumer, "_batch", _cursor_first),
    "the lock on the place": lambda: saying((consumers.TAKE_PLACE, " FOR UPDATE SKIP LOCKED", "")),
    "the relay's look for what is there": only_above_the_last,
    "the order of the commits": lambda: saying(
        (feed.TAKE, "ORDER BY taken.at NULLS FIRST, taken.n", "ORDER BY taken.n")
    ),
    "the turn of the relay": replaced(feed, "take_turn", _always),
    "the withdrawal": replaced(planner, "WITHDRAW", Silence()),
    "the look for events of cancellations": replaced(
        planner, "TELLING", planner.TELLING - {"booking.cancelled"}
    ),
}
