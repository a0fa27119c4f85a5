"""What people are told of an appointment's money: for contexts above, on their own connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import and_, func, select

from booking_system.payments.domain.attempt import AttemptState, PaymentId
from booking_system.payments.domain.ledger import IN, OF_PATIENT, LineKind
from booking_system.payments.domain.matters import MatterKind
from booking_system.payments.domain.receipts import DocumentId, DocumentKind
from booking_system.payments.domain.refunds import RefundId, RefundReason, RefundState
from booking_system.payments.domain.standing import Dispute, dispute_of
from booking_system.payments.records.tables import (
    payment_ledger,
    payment_quarantine,
    payment_refunds,
    payments,
    receipts,
)
from booking_system.platform.postgres.phrases import an_id, ids
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.money import Money

p, line, r, d, q = payments, payment_ledger, payment_refunds, receipts, payment_quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPayment:
    """One attempt: `came` of its money, the first at an instant (UTC), and `net` is there still.

    `away` is what a dispute keeps from the clinic. In minor units of `currency`.
    """

    id: PaymentId
    state: AttemptState
    currency: str
    came: int
    came_at: datetime | None
    net: int
    away: int
    dispute: Dispute | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRefund:
    """Money on its way back, or back."""

    id: RefundId
    payment_id: PaymentId
    state: RefundState
    money: Money
    reason: RefundReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReceipt:
    """A document by its number, as it is printed; `money` is signed.

    `refund_id` is of the refund that it is the correction of; None: it is of money that came.
    """

    id: DocumentId
    payment_id: PaymentId
    kind: DocumentKind
    number: str
    money: Money
    refund_id: RefundId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldMatter:
    """What staff have to see to."""

    id: UUID
    kind: MatterKind
    money: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldMoney:
    """All of an appointment, each in the order in which it began; matters are the open ones."""

    payments: Sequence[ToldPayment]
    refunds: Sequence[ToldRefund]
    receipts: Sequence[ToldReceipt]
    matters: Sequence[ToldMatter]

    @property
    def net(self) -> int:
        """What is there of the patient's money, in minor units."""
        return sum(one.net for one in self.payments)


def _sum_of(kinds: frozenset[LineKind]) -> Any:
    return func.coalesce(func.sum(line.c.amount).filter(line.c.kind.in_(sorted(kinds))), 0)


def _payments() -> Any:
    came = line.c.kind.in_(sorted(IN))
    taken, given = LineKind.DISPUTE_WITHDRAWN, LineKind.DISPUTE_REINSTATED
    of_it = and_(line.c.appointment_id == p.c.appointment_id, line.c.payment_id == p.c.id)
    return (
        select(
            p.c.id,
            p.c.state,
            p.c.currency,
            _sum_of(IN).label("came"),
            func.min(line.c.recorded_at).filter(came).label("came_at"),
            _sum_of(OF_PATIENT).label("net"),
            (-_sum_of(frozenset({taken, given}))).label("away"),
            func.coalesce(func.bool_or(line.c.kind == taken.value), False).label("was_begun"),
            func.coalesce(func.bool_or(line.c.kind == LineKind.DISPUTE_LOST.value), False).label(
                "is_lost"
            ),
        )
        .select_from(p.outerjoin(line, of_it))
        .where(p.c.appointment_id == an_id("appointment_id"))
        .group_by(p.c.id)
        .order_by(p.c.id)
    )


PAYMENTS = Statement(_payments())
REFUNDS = Statement(
    select(
        *(r.c.id, r.c.payment_id, r.c.state, r.c.amount, r.c.currency, r.c.reason, r.c.provider_id)
    )
    .where(r.c.appointment_id == an_id("appointment_id"))
    .order_by(r.c.created_at, r.c.id)
)
RECEIPTS = Statement(
    select(
        *(d.c.id, d.c.payment_id, d.c.kind, d.c.year, d.c.number, d.c.amount, d.c.currency),
        *(d.c.line_kind, d.c.provider_id),
    )
    .where(d.c.payment_id == ids("payment_ids").any_())
    .order_by(d.c.year, d.c.number)
)
MATTERS = Statement(
    select(q.c.id, q.c.kind, q.c.amount, q.c.currency)
    .where(q.c.appointment_id == an_id("appointment_id"), q.c.resolved_at.is_(None))
    .order_by(q.c.id)
)
OPEN_MATTERS = Statement(
    select(q.c.id, q.c.appointment_id, q.c.clinic_id, q.c.found_at)
    .where(q.c.appointment_id == ids("appointment_ids").any_(), q.c.resolved_at.is_(None))
    .order_by(q.c.id)
)
"""Which matters are open, of several appointments."""


async def money_told(connection: asyncpg.Connection, appointment_id: UUID) -> ToldMoney:
    """Read it in four statements, each by an index of the appointment or its few payments."""
    about = {"appointment_id": appointment_id}
    attempts = await PAYMENTS.fetch(connection, **about)
    documents = await RECEIPTS.fetch(connection, payment_ids=[one["id"] for one in attempts])
    refunds = await REFUNDS.fetch(connection, **about)
    refund_ids = {line: one["id"] for one in refunds for line in _lines_of(one)}
    return ToldMoney(
        payments=[_payment_of(one) for one in attempts],
        refunds=[
            ToldRefund(
                id=one["id"],
                payment_id=one["payment_id"],
                state=RefundState(one["state"]),
                money=Money(one["amount"], one["currency"]),
                reason=RefundReason(one["reason"]),
            )
            for one in refunds
        ],
        receipts=[
            ToldReceipt(
                id=one["id"],
                payment_id=one["payment_id"],
                kind=DocumentKind(one["kind"]),
                number=f"{one['year']}-{one['number']:06d}",
                money=Money(one["amount"], one["currency"]),
                refund_id=refund_ids.get(_line_of(one)),
            )
            for one in documents
        ],
        matters=[
            ToldMatter(
                id=one["id"],
                kind=MatterKind(one["kind"]),
                money=Money(one["amount"], one["currency"]),
            )
            for one in await MATTERS.fetch(connection, **about)
        ],
    )


def _payment_of(row: asyncpg.Record) -> ToldPayment:
    return ToldPayment(
        id=row["id"],
        state=AttemptState(row["state"]),
        currency=row["currency"],
        came=row["came"],
        came_at=row["came_at"],
        net=row["net"],
        away=row["away"],
        dispute=dispute_of(was_begun=row["was_begun"], away=row["away"], is_lost=row["is_lost"]),
    )


Line = tuple[UUID, str, str]
"""By which a document is known: its payment, the kind of the line, the name of what moved it."""


def _line_of(row: asyncpg.Record) -> Line:
    return row["payment_id"], row["line_kind"], row["provider_id"]


def _lines_of(row: asyncpg.Record) -> list[Line]:
    """Return how the line of a refund may be called: by the provider, or at the desk by us."""
    at_desk = row["payment_id"], LineKind.DESK_REFUND.value, str(row["id"])
    by_provider = row["payment_id"], LineKind.REFUND.value, row["provider_id"]
    return [at_desk] if row["provider_id"] is None else [at_desk, by_provider]
