"""Payments on PostgreSQL: who comes together is served one after the other, and once."""

import asyncio
from collections.abc import Awaitable, Iterable
from contextvars import Context
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from booking_system.booking.domain.party import Side
from booking_system.payments.adapters import inbox, queue, reading, statements
from booking_system.payments.adapters.queue import PostgresWorkQueue
from booking_system.payments.adapters.work_job import PaymentWorkJob
from booking_system.payments.application import read_payments
from booking_system.payments.application.ports import Shown, Work, WorkKind
from booking_system.payments.application.show_documents import ShowDocument
from booking_system.payments.application.take_event import HandleEvents, TakeEvent
from booking_system.payments.domain.attempt import AttemptState, PaymentId
from booking_system.payments.domain.matters import MatterKind
from booking_system.payments.domain.owed import Owed, Standing
from booking_system.payments.domain.receipts import DocumentId, Occasion
from booking_system.payments.domain.refusals import (
    PaymentAlreadyMade,
    PaymentInProgress,
    RefundExceedsPayment,
)
from booking_system.payments.domain.sighting import DisputeStage, Stage
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.ticket import HeldConnectionError
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Transient
from booking_system.shared_kernel.money import Money
from tests.booking.builders import CLINIC, NOON, a_receptionist
from tests.payments.builders import PRICE, a_waiting_one, an_attempt, an_owed
from tests.payments.stored import AbortError, StoredDesk

AT_ONCE = 60
"""Fewer than may wait for a connection."""
LEDGER = "SELECT kind, amount FROM payment_ledger ORDER BY settled_at, kind"
EVENTS = "SELECT name FROM outbox WHERE name LIKE 'payment.%' ORDER BY n"
RECEIPTS = "SELECT number FROM receipts ORDER BY number"
LEASE_OVER = "UPDATE payment_work SET lease_until = now() - interval '1 s'"


@pytest.fixture
async def desk(database: Database) -> StoredDesk:
    return StoredDesk(database)


async def together(work: Iterable[Awaitable[Any]]) -> list[Any]:
    """Begin all, each in a task with a connection of its own; failures come back as results."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(what: Awaitable[Any]) -> Any:
        async with places:
            return await what

    tasks = [asyncio.create_task(one(what), context=Context()) for what in work]
    return await asyncio.gather(*tasks, return_exceptions=True)


async def opened(desk: StoredDesk, owed: Owed | None = None) -> Owed:
    owed = owed or a_waiting_one()
    await desk.opens(owed)
    return owed


async def test_the_same_look_200_times_at_once_has_one_effect(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    reference = shown.attempt.reference
    assert reference is not None
    desk.stripe.pay(reference)
    desk.stripe.refund_there(reference, 1000)
    seen = desk.stripe.sessions[reference]
    done = await together(desk.take(shown.attempt.id, seen) for _ in range(200))

    assert {type(one) for one in done} == {type(shown.attempt)}
    assert {one.state for one in done} == {AttemptState.SUCCEEDED}
    assert await desk.all(LEDGER) == [("charge", 5000), ("refund", -1000)]
    assert await desk.all(EVENTS) == [("payment.succeeded",), ("payment.refunded",)]
    assert await desk.all(RECEIPTS) == [(1,), (2,)]
    assert await desk.see(owed) == ("confirmed", "partially_paid")
    assert (await desk.attempt(shown.attempt.id)).version == shown.attempt.version + 1


async def test_of_twenty_refunds_of_30_at_once_three_fit_into_100(desk: StoredDesk) -> None:
    owed = await opened(desk, an_owed(price=Money(100, "EUR")))
    shown = await desk.start(owed)
    assert shown.attempt.reference is not None
    desk.stripe.pay(shown.attempt.reference)
    await desk.look(shown)
    done = await together(desk.refund(shown, 30) for _ in range(20))
    refused = [one for one in done if isinstance(one, RefundExceedsPayment)]
    assert len(refused) == 17
    await desk.work()
    assert len(set(desk.stripe.called("refund"))) == 3
    assert sum(amount for _, amount in await desk.all(LEDGER)) == 10


async def test_the_database_itself_lets_no_refund_exceed_the_payment(desk: StoredDesk) -> None:
    owed = await opened(desk, an_owed())
    await desk.pay_at_desk(owed)
    with pytest.raises(asyncpg.CheckViolationError, match="ck_payments_refunds"):
        await desk.does("UPDATE payments SET claimed = captured + 1")


@pytest.mark.parametrize("count", [60, pytest.param(300, marks=pytest.mark.proof)])
async def test_of_many_who_settle_thirty_percent_are_undone_and_numbers_have_no_gap(
    desk: StoredDesk, count: int
) -> None:
    """Undone, or cut off, when their numbers are drawn: others have waited for these."""
    everybody = [an_owed() for _ in range(count)]
    await desk.opens(*everybody)
    desk.store.aborts = {n for n in range(1, count + 1) if n % 10 in {1, 4}}
    desk.store.losses = {n for n in range(1, count + 1) if n % 10 == 7}
    done = await together(desk.pay_at_desk(owed) for owed in everybody)
    undone = [one for one in done if isinstance(one, AbortError)]
    lost = [one for one in done if isinstance(one, Transient)]
    settled = [one for one in done if isinstance(one, Shown)]
    assert (len(undone), len(lost)) == (count * 2 // 10, count // 10)
    assert len(settled) == count * 7 // 10
    assert await desk.all(RECEIPTS) == [(n,) for n in range(1, len(settled) + 1)]
    assert await desk.all("SELECT last FROM receipt_counters") == [(len(settled),)]
    assert await desk.all("SELECT count(*) FROM payment_ledger") == [(len(settled),)]
    assert await desk.all("SELECT count(*) FROM outbox") == [(len(settled),)]
    in_books = "SELECT sum(amount) FROM payment_ledger"
    assert await desk.all(in_books) == await desk.all("SELECT sum(amount) FROM receipts")


async def test_two_who_start_at_once_get_the_same(desk: StoredDesk) -> None:
    owed = await opened(desk)
    done = await together(desk.start(owed) for _ in range(12))
    assert len({one.attempt.id for one in done}) == 1
    assert len(desk.stripe.sessions) == 1
    assert len(desk.stripe.called("create")) == 1


async def test_another_way_at_once_leaves_one_live_attempt(desk: StoredDesk) -> None:
    owed = await opened(desk)
    ways = ["stripe", "paypal"] * 6
    done = await together(desk.start(owed, way) for way in ways)
    assert {type(one) for one in done if isinstance(one, Exception)} <= {PaymentInProgress}
    live = "SELECT count(*) FROM payments WHERE state NOT IN ('failed', 'cancelled', 'succeeded')"
    assert await desk.all(live) == [(1,)]


async def test_the_database_itself_knows_one_live_attempt(desk: StoredDesk) -> None:
    owed = await opened(desk)
    attempt = (await desk.start(owed)).attempt
    twin = replace(attempt, asked=replace(attempt.asked, id=PaymentId(uuid4())), reference="cs_9")
    with pytest.raises(Transient):
        async with desk.transaction() as work:
            await work.add_attempt(twin)


async def test_of_two_who_take_the_whole_rest_one_is_told(desk: StoredDesk) -> None:
    owed = await opened(desk, an_owed())
    done = await together(desk.pay_at_desk(owed) for _ in range(2))
    assert len([one for one in done if isinstance(one, PaymentAlreadyMade)]) == 1
    assert await desk.all(LEDGER) == [("desk_payment", 5000)]


async def test_expiry_and_money_at_once_come_to_one_end(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    assert shown.attempt.reference is not None
    desk.stripe.pay(shown.attempt.reference)
    seen = desk.stripe.sessions[shown.attempt.reference]
    desk.clock.moment += timedelta(hours=1)
    changes = desk.do.changes
    takes = [desk.take(shown.attempt.id, seen) for _ in range(5)]
    ends = [changes.expire(shown.attempt.id) for _ in range(5)]
    done = await together([*ends, *takes])
    assert not [one for one in done if isinstance(one, Exception)]
    assert await desk.see(owed) == ("confirmed", "paid")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payment_ledger SET amount = 1",
        "DELETE FROM payment_ledger",
        "TRUNCATE payment_ledger CASCADE",
        "UPDATE receipts SET number = 7",
        "DELETE FROM receipts",
        "TRUNCATE receipts CASCADE",
        "UPDATE payments SET amount = 1",
        "UPDATE payments SET currency = 'USD'",
        "UPDATE payments SET account_key = 'another'",
        "UPDATE payments SET state = 'open', captured = 0",
        "UPDATE payments SET captured = 1",
        "UPDATE payments SET reference = 'another'",
    ],
)
async def test_what_is_written_stays(desk: StoredDesk, change: str) -> None:
    owed = await opened(desk, an_owed())
    await desk.pay_at_desk(owed)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await desk.does(change)


WRONG_ROWS = {
    "ck_payments_state": "UPDATE payments SET state = 'done', reference = 'r'",
    "ck_payments_captured": "UPDATE payments SET captured = 1, reference = 'r'",
    "ck_payments_reference": "UPDATE payments SET state = 'open', reference = NULL",
    "ck_payments_refunds": "UPDATE payments SET claimed = 1",
}


@pytest.mark.parametrize(("name", "change"), WRONG_ROWS.items())
async def test_an_attempt_that_cannot_be_is_refused(
    desk: StoredDesk, name: str, change: str
) -> None:
    owed = await opened(desk)
    attempt = an_attempt(AttemptState.CREATING, appointment_id=owed.appointment_id)
    async with desk.transaction() as work:
        await work.add_attempt(attempt)
    with pytest.raises(asyncpg.CheckViolationError, match=name):
        await desk.does(change)


SIGNS = """INSERT INTO payment_ledger SELECT gen_random_uuid(), $1, appointment_id, clinic_id,
 payment_id, provider, account_key, is_live, 'another', charge_id, $2, currency, method, settled_at,
 recorded_at, recorded_by FROM payment_ledger LIMIT 1"""


@pytest.mark.parametrize(
    ("kind", "amount"), [("charge", -1), ("refund", 1), ("dispute_lost", 1), ("gift", 1)]
)
async def test_a_line_of_the_wrong_sign_is_refused(
    desk: StoredDesk, kind: str, amount: int
) -> None:
    owed = await opened(desk, an_owed())
    await desk.pay_at_desk(owed)
    with pytest.raises(asyncpg.CheckViolationError, match="ck_payment_ledger_amount"):
        await desk.does(SIGNS, kind, amount)


async def test_no_provider_is_asked_inside_a_transaction(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    assert shown.attempt.reference is not None
    with pytest.raises(HeldConnectionError):
        async with desk.transaction():
            await desk.stripe.read(shown.attempt.reference)
    await desk.stripe.read(shown.attempt.reference)


async def test_a_worker_does_all_that_is_due(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    desk.clock.moment += timedelta(minutes=31)
    reference = shown.attempt.reference
    assert reference is not None
    desk.stripe.pay(reference)
    await desk.appointments.change(
        owed.appointment_id,
        status=Standing.CANCELLED,
        pay_by=None,
        cancelled_by=Side.CLINIC,
        cancelled_at=NOON,
    )
    handle = HandleEvents(inbox=desk.inbox, clock=desk.clock)
    job = PaymentWorkJob(queue=desk.queue, do=desk.do, events=handle, clock=desk.clock)
    for _ in range(3):
        await job.once()
    assert await desk.see(owed) == ("cancelled", "refunded")
    assert await desk.all(LEDGER) == [("charge", 5000), ("refund", -5000)]
    assert len(desk.stripe.called("refund")) == 1


async def test_a_worker_that_is_gone_leaves_its_work_to_others(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    desk.clock.moment += timedelta(minutes=31)
    now = desk.clock.now()
    (lost,) = await desk.queue.claim(most=5, now=now)
    assert lost.kind is WorkKind.POLL
    assert await desk.queue.claim(most=5, now=now) == []
    await desk.does(LEASE_OVER)
    (again,) = await desk.queue.claim(most=5, now=now)
    assert (again.id, again.token, again.attempts) == (lost.id, lost.token + 1, 2)
    # A worker that comes late changes nothing.
    await desk.queue.finish(lost)
    await desk.queue.put_off(lost, due_at=now + timedelta(days=9), problem="late", now=now)
    kept = "SELECT token, due_at <= $1, problem FROM payment_work WHERE kind = 'poll'"
    assert await desk.all(kept, now) == [(again.token, True, None)]
    await desk.do(again)
    assert not await desk.all("SELECT 1 FROM payment_work WHERE kind = 'poll'")
    assert (await desk.attempt(shown.attempt.id)).state is AttemptState.CLOSING


async def test_what_is_planned_while_it_is_done_is_done_again(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    work = Work(kind=WorkKind.POLL, payment_id=shown.attempt.id, due_at=desk.clock.now())
    for finish in (True, False):
        async with desk.transaction() as within:
            await within.plan(work)
            await within.plan(work)
        (claim,) = await desk.queue.claim(most=5, now=desk.clock.now())
        async with desk.transaction() as within:
            await within.plan(work)
        if finish:
            await desk.queue.finish(claim)
        else:
            later = desk.clock.now() + timedelta(days=1)
            now = desk.clock.now()
            await desk.queue.put_off(claim, due_at=later, problem=None, now=now)
        (again,) = await desk.queue.claim(most=5, now=desk.clock.now())
        assert again.id == claim.id
        await desk.queue.finish(again)
        assert await desk.queue.claim(most=5, now=desk.clock.now()) == []


async def test_since_when_something_fails_is_known_as_long_as_it_fails_for_that(
    desk: StoredDesk,
) -> None:
    shown = await desk.start(await opened(desk))
    first = desk.clock.now()
    work = Work(kind=WorkKind.POLL, payment_id=shown.attempt.id, due_at=first)
    async with desk.transaction() as within:
        await within.plan(work)
    minute, known = timedelta(minutes=1), []
    for problem in ("one", "one", "other", None, "one", "one"):
        (claim,) = await desk.queue.claim(most=5, now=desk.clock.now())
        since = claim.problem_since
        known.append((claim.problem, None if since is None else (since - first) // minute))
        now = desk.clock.now()
        await desk.queue.put_off(claim, due_at=now, problem=problem, now=now)
        desk.clock.moment += minute
    assert known == [(None, None), ("one", 0), ("one", 0), ("other", 2), (None, None), ("one", 4)]
    (claim,) = await desk.queue.claim(most=5, now=desk.clock.now())
    async with desk.transaction() as within:
        await within.plan(work)
    await desk.queue.finish(claim)
    (anew,) = await desk.queue.claim(most=5, now=desk.clock.now())
    assert (claim.problem, anew.problem, anew.problem_since) == ("one", None, None)


async def test_workers_that_claim_at_once_claim_different_things(desk: StoredDesk) -> None:
    everybody = [an_owed() for _ in range(20)]
    await desk.opens(*everybody)
    for owed in everybody:
        await desk.start(owed)
    desk.clock.moment += timedelta(minutes=31)
    queues = [PostgresWorkQueue(database=desk.database) for _ in range(8)]
    done = await together(one.claim(most=5, now=desk.clock.now()) for one in queues)
    claimed = [claim.id for claims in done for claim in claims]
    assert len(claimed) == len(set(claimed))


async def test_an_event_is_kept_once_and_handled_once(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    take = TakeEvent(inbox=desk.inbox, clock=desk.clock)
    handle = HandleEvents(inbox=desk.inbox, clock=desk.clock)
    body = f"evt_1 {shown.attempt.reference}".encode()
    await together(take(desk.stripe, body, {}) for _ in range(20))
    await take(desk.stripe, b"evt_2 cs_of_others", {})
    assert await desk.all("SELECT count(*) FROM payment_events") == [(2,)]
    assert await handle() == 1
    assert await handle() == 0
    desk.clock.moment += timedelta(hours=2)
    assert await handle() == 1
    told = "SELECT event_id, payment_id FROM payment_events ORDER BY id"
    assert await desk.all(told) == [("evt_1", shown.attempt.id), ("evt_2", None)]

    assert shown.attempt.reference is not None
    desk.clock.moment -= timedelta(hours=2)
    desk.stripe.pay(shown.attempt.reference)
    await desk.work()
    assert await desk.see(owed) == ("confirmed", "paid")
    # The look at the window's end is not lost by one before it.
    polls = "SELECT count(*) FROM payment_work WHERE kind = 'expire'"
    assert await desk.all(polls) == [(1,)]


async def test_a_look_before_the_windows_end_is_followed_by_one_behind_it(
    desk: StoredDesk,
) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    take = TakeEvent(inbox=desk.inbox, clock=desk.clock)
    await take(desk.stripe, f"evt_1 {shown.attempt.reference}".encode(), {})
    await HandleEvents(inbox=desk.inbox, clock=desk.clock)()
    await desk.work()
    due = await desk.all("SELECT due_at FROM payment_work WHERE kind = 'poll'")
    assert due == [(shown.attempt.asked.window_end + timedelta(seconds=15),)]


async def test_a_secret_of_the_checkout_lasts_as_long_as_the_attempt(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed)
    secret = "UPDATE payments SET client_secret = 'cs_secret'"
    await desk.does(secret)
    assert (await desk.attempt(shown.attempt.id)).client_secret == "cs_secret"
    assert shown.attempt.reference is not None
    desk.stripe.pay(shown.attempt.reference)
    await desk.look(shown)
    assert (await desk.attempt(shown.attempt.id)).client_secret is None


async def test_what_is_shown_is_what_is_written(desk: StoredDesk) -> None:
    owed = await opened(desk, an_owed())
    shown = await desk.start(owed)
    assert shown.attempt.reference is not None
    desk.stripe.pay(shown.attempt.reference)
    await desk.look(shown)
    await desk.refund(shown, 1000)
    await desk.work()
    bad = replace(desk.stripe.sessions[shown.attempt.reference], our_id="another")
    await desk.take(shown.attempt.id, bad)

    staff, stranger = a_receptionist(), a_receptionist(an_owed().appointment_id)  # type: ignore[arg-type]
    (listed,) = await read_payments.ListPayments(reader=desk.reader)(owed.appointment_id)
    assert listed == await read_payments.ShowPayment(reader=desk.reader)(shown.attempt.id)
    assert [one.kind for one in listed.lines] == ["charge", "refund"]
    receipt, correction = await read_payments.ShowDocuments(reader=desk.reader)(shown.attempt.id)
    assert (receipt.name, receipt.money, receipt.issuer_name) == (
        "2030-000001",
        PRICE,
        "Example Clinic",
    )
    assert (correction.corrects, correction.money.amount) == (receipt.id, -1000)
    assert correction.corrects_name == receipt.name
    assert (receipt.time_zone, receipt.is_live) == ("Europe/Berlin", True)
    assert receipt.occasion == Occasion(
        reference=owed.reference,
        starts_at=owed.starts_at,
        service=None,
        recipient=None,
        languages=("en",),
        price=PRICE.amount,
        deposit=None,
        received=PRICE.amount,
    )
    assert correction.occasion == replace(receipt.occasion, received=4000)
    show = ShowDocument(reader=desk.reader)
    assert await show(receipt.id) == receipt
    assert await show(correction.id) == correction
    with pytest.raises(NotFound):
        await show(DocumentId(uuid4()))
    totals = read_payments.ShowDayTotals(reader=desk.reader, clock=desk.clock)
    day = await totals(CLINIC, date(2030, 6, 3), staff)
    assert day.total("EUR") == 4000
    with pytest.raises(NotPermitted):
        await totals(CLINIC, date(2030, 6, 3), stranger)

    matters = read_payments.ListMatters(reader=desk.reader)
    (matter,) = await matters(CLINIC, staff)
    assert matter.matter.kind is MatterKind.REFERENCE
    resolve = read_payments.ResolveMatter(
        book=inbox.PostgresMatterBook(database=desk.database), clock=desk.clock
    )
    with pytest.raises(NotFound):
        await resolve(matter.id, stranger)
    await resolve(matter.id, staff)
    assert await matters(CLINIC, staff) == []
    with pytest.raises(NotPermitted):
        await matters(CLINIC, stranger)


async def test_a_dispute_and_an_approved_order_are_stored_whole(desk: StoredDesk) -> None:
    owed = await opened(desk)
    shown = await desk.start(owed, "paypal")
    reference = shown.attempt.reference
    assert reference is not None
    desk.paypal.set(reference, stage=Stage.APPROVED)
    await desk.look(shown)
    await desk.work()
    desk.paypal.dispute(reference, DisputeStage.OPEN, fee=1500)
    await desk.look(shown)
    desk.paypal.dispute(reference, DisputeStage.LOST, fee=1500)
    await desk.look(shown)
    attempt = await desk.attempt(shown.attempt.id)
    assert (attempt.captures, attempt.is_refundable) == (1, False)
    kinds = [kind for kind, _ in await desk.all(LEDGER)]
    assert sorted(kinds) == ["charge", "dispute_fee", "dispute_lost", "dispute_withdrawn"]
    assert await desk.see(owed) == ("confirmed", "refunded")


LOOKED_UP = [
    statements.LOCK_ATTEMPTS,
    statements.LINES,
    statements.REFUNDS,
    statements.MATTERS,
    statements.RESOLVE,
    queue.CLAIM,
    queue.CLAIM_ONE,
    reading.ATTEMPTS,
    reading.DOCUMENTS,
    reading.DOCUMENT,
    reading.ENTRIES,
    reading.SETTLED,
    reading.OPEN_MATTERS,
    inbox.WAITING,
    inbox.BY_REFERENCE,
]


@pytest.mark.parametrize("statement", LOOKED_UP)
async def test_every_look_has_an_index(
    untouched: asyncpg.Connection, statement: Statement[Any]
) -> None:
    await untouched.execute("SET enable_seqscan = off")
    await untouched.execute(f"PREPARE looked AS {statement.text}")
    nothing = ", ".join("NULL" for _ in statement.names)
    plan = await untouched.fetch(f"EXPLAIN EXECUTE looked ({nothing})")
    told = "\n".join(row[0] for row in plan)
    assert "Seq Scan" not in told, told
