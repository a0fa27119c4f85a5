"""What a message tells of money, and how that stands, read when the message is sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg
from sqlalchemy import func, select

from booking_system.booking.domain.money_first import GRACE
from booking_system.booking.records.tables import appointment_history
from booking_system.notifications.domain.facts import MoneyFacts, ReceiptFacts
from booking_system.notifications.domain.gate import SENT, UNDER_WAY
from booking_system.notifications.domain.message import (
    ASKING_FOR_MONEY,
    OF_MONEY,
    WITH_RECEIPTS,
    Kind,
    State,
)
from booking_system.notifications.domain.money import Cause, MoneyDue, cause_of
from booking_system.notifications.records.tables import message_ledger
from booking_system.payments.domain.attempt import AttemptState
from booking_system.payments.domain.owed import TAKES_PLACE, Standing, asked_for
from booking_system.payments.domain.receipts import DocumentKind
from booking_system.payments.domain.standing import Dispute
from booking_system.payments.records.told import ToldMoney, ToldPayment, money_told
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.money import Money

m, h = message_ledger.c, appointment_history
TOLD_OF = Statement(
    select(m.kind, m.state, m.recipient_key).where(
        m.appointment_id == an_id("appointment_id"),
        m.kind.in_([Kind.CONFIRMATION.value, Kind.PAYMENT_LATE.value, Kind.REFUND.value]),
    )
)
CONFIRMED_AT = Statement(
    select(func.max(h.c.occurred_at)).where(
        h.c.appointment_id == an_id("appointment_id"), h.c.action == "confirmed"
    )
)
MAY_BE_TOLD = frozenset({State.SENDING, State.UNKNOWN, State.SENT, State.DELIVERED})


def tells_of_money(row: asyncpg.Record) -> bool:
    """Say whether a message, by the row of its facts, names sums: of its own, or what confirmed."""
    is_paid_first = row["due_first_amount"] is not None
    return row["kind"] in OF_MONEY or (row["kind"] == Kind.CONFIRMATION and is_paid_first)


async def money_of(
    connection: asyncpg.Connection, row: asyncpg.Record
) -> tuple[MoneyDue, MoneyFacts]:
    """Read it for the message of a row of `FACTS`."""
    appointment_id = row["appointment_id"]
    told = await money_told(connection, appointment_id)
    rows = await TOLD_OF.fetch(connection, appointment_id=appointment_id)
    confirmed_at = await CONFIRMED_AT.fetchval(connection, appointment_id=appointment_id)
    messages = [
        _Message(Kind(one["kind"]), State(one["state"]), cause_of(one["recipient_key"]))
        for one in rows
    ]
    cause = cause_of(row["recipient_key"])
    payment = next((one for one in told.payments if cause and one.id == cause.id), None)
    refund = next((one for one in told.refunds if cause and one.id == cause.id), None)
    is_in_confirmation = (
        payment is not None
        and payment.came_at is not None
        and confirmed_at is not None
        and payment.came_at <= confirmed_at
    )
    due = MoneyDue(
        is_on_its_way=any(one.state is AttemptState.PROCESSING for one in told.payments),
        has_come=payment is not None and payment.came > 0,
        refund=None if refund is None else refund.state,
        dispute=None if payment is None else payment.dispute,
        told_dispute=None if cause is None or cause.more is None else Dispute(cause.more),
        is_open=any(cause is not None and one.id == cause.id for one in told.matters),
        confirmation=_furthest(messages) if is_in_confirmation else None,
        is_told_late=any(one.kind is Kind.PAYMENT_LATE for one in messages),
    )
    return due, _facts(row, told, cause, messages)


@dataclass(frozen=True, slots=True)
class _Message:
    kind: Kind
    state: State
    cause: Cause | None


def _furthest(messages: Iterable[_Message]) -> State | None:
    """How far the confirmation is, through whichever channel it is furthest."""
    states = [one.state for one in messages if one.kind is Kind.CONFIRMATION]
    for group in (SENT, UNDER_WAY):
        found = next((one for one in states if one in group), None)
        if found is not None:
            return found
    return None


def _facts(
    row: asyncpg.Record, told: ToldMoney, cause: Cause | None, messages: Sequence[_Message]
) -> MoneyFacts:
    kind, currency = Kind(row["kind"]), row["price_currency"]
    payment = next((one for one in told.payments if cause and one.id == cause.id), None)
    refund = next((one for one in told.refunds if cause and one.id == cause.id), None)
    matter = next((one for one in told.matters if cause and one.id == cause.id), None)
    amount = _amount_of(payment, kind)
    if refund is not None:
        amount = refund.money
    elif matter is not None:
        amount = matter.money
    elif kind in ASKING_FOR_MONEY and row["price_amount"] is not None:
        first, due = row["due_first_amount"], row["price_amount"]
        status = Standing(row["status"])
        amount = Money(asked_for(status, due=due, first=first, paid=told.net), currency)
    tells_balance = kind in {Kind.CONFIRMATION, Kind.PAYMENT_RECEIPT}
    has_price = tells_balance and row["price_amount"] is not None
    is_due = has_price and Standing(row["status"]) in TAKES_PLACE
    left = max(0, row["price_amount"] - told.net) if is_due else 0
    paid_by = told.payments if kind is Kind.CONFIRMATION else [payment] if payment else []
    concerned = {one.id for one in paid_by}
    receipts = [
        ReceiptFacts(id=one.id, number=one.number)
        for one in told.receipts
        if one.kind is DocumentKind.RECEIPT and one.payment_id in concerned
    ]
    corrections = [
        ReceiptFacts(id=one.id, number=one.number)
        for one in told.receipts
        if refund is not None and one.refund_id == refund.id
    ]
    documents = {Kind.REFUND: corrections} | dict.fromkeys(WITH_RECEIPTS, receipts)
    happened = payment.dispute if payment is not None else matter.kind if matter else None
    return MoneyFacts(
        amount=amount,
        paid=Money(told.net, currency) if has_price and told.net > 0 else None,
        left=Money(left, currency) if left > 0 else None,
        pay_until=row["pay_by"] - GRACE if kind in ASKING_FOR_MONEY and row["pay_by"] else None,
        receipts=receipts,
        documents=documents.get(kind, ()),
        happened=happened,
        is_correction=any(
            one.kind is Kind.REFUND and one.cause == cause and one.state in MAY_BE_TOLD
            for one in messages
        ),
    )


def _amount_of(payment: ToldPayment | None, kind: Kind) -> Money | None:
    """What came of a payment, or what of it a dispute keeps."""
    if payment is None:
        return None
    is_away = kind is Kind.DISPUTE_NOTICE and payment.away > 0
    return Money(payment.away if is_away else payment.came, payment.currency)
