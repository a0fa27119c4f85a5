"""Payments in PostgreSQL: the transaction in which money and appointments change together."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from booking_system.payments.adapters import statements as sql
from booking_system.payments.adapters.rows import (
    attempt_of,
    frozen,
    line_of,
    matter_of,
    moving,
    refund_of,
    values_of_line,
    values_of_matter,
    values_of_refund,
)
from booking_system.payments.application.ports import PaymentsWork, Work
from booking_system.payments.domain.attempt import Attempt, PaymentId
from booking_system.payments.domain.books import Books
from booking_system.payments.domain.ledger import Line
from booking_system.payments.domain.matters import Matter
from booking_system.payments.domain.owed import Owed
from booking_system.payments.domain.receipts import Draft, Issuer, Parties
from booking_system.payments.domain.refunds import Refund
from booking_system.payments.domain.refusals import RefundExceedsPayment
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.outbox import RECORD, events_text
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.whole import WHOLE
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId

REFUSALS: Refusals = {
    "uq_payments_live": Transient,
    "ck_payments_refunds": RefundExceedsPayment,
}


class PostgresPaymentsWork:
    """One transaction on the driver's own connection, which appointments are changed in, too."""

    def __init__(self, connection: asyncpg.Connection, clock: Clock) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection
        self._clock = clock

    async def appointment_of(self, payment_id: PaymentId) -> AppointmentId | None:
        """One look, without a lock."""
        found = await sql.APPOINTMENT_OF.fetchval(self._connection, payment_id=payment_id)
        return None if found is None else AppointmentId(found)

    async def books(self, appointment_id: AppointmentId) -> Books:
        """Read behind the locks, so that everything is as it is now."""
        whose: dict[str, Any] = {"appointment_id": appointment_id}
        attempts = await sql.LOCK_ATTEMPTS.fetch(self._connection, **whose)
        lines = await sql.LINES.fetch(self._connection, **whose)
        refunds = await sql.REFUNDS.fetch(self._connection, **whose)
        matters = await sql.MATTERS.fetch(self._connection, **whose)
        return Books(
            attempts=tuple(attempt_of(row) for row in attempts),
            lines=tuple(line_of(row) for row in lines),
            refunds=tuple(refund_of(row) for row in refunds),
            matters=tuple(matter_of(row) for row in matters),
        )

    async def add_attempt(self, attempt: Attempt) -> None:
        """Write all columns."""
        values = {**frozen(attempt), **moving(attempt), "updated_at": attempt.asked.created_at}
        await sql.ADD_ATTEMPT.execute(self._connection, **values)

    async def save_attempt(self, attempt: Attempt) -> None:
        """Write the columns that change."""
        now = self._clock.now()
        await sql.SAVE_ATTEMPT.execute(
            self._connection, payment_id=attempt.id, **moving(attempt), updated_at=now
        )

    async def add_lines(self, lines: Iterable[Line]) -> Sequence[Line]:
        """Write what its name does not stand for yet."""
        added, now = [], self._clock.now()
        for line in lines:
            values = {**values_of_line(line), "id": uuid7(), "recorded_at": now}
            if await sql.ADD_LINE.fetchval(self._connection, **values) is not None:
                added.append(line)
        return added

    async def save_refund(self, refund: Refund) -> None:
        """Write it, or what of it changes."""
        await sql.SAVE_REFUND.execute(self._connection, **values_of_refund(refund))

    async def save_matters(self, before: Sequence[Matter], then: Sequence[Matter]) -> None:
        """Write what is new or other, and resolve what is not among them any more."""
        for matter in then:
            if matter not in before:
                values = {**values_of_matter(matter), "id": uuid7()}
                await sql.SAVE_MATTER.execute(self._connection, **values)
        kept = {(one.payment_id, one.kind, one.about) for one in then}
        for matter in before:
            name = (matter.payment_id, matter.kind, matter.about)
            if name not in kept:
                await sql.RESOLVE.execute(
                    self._connection,
                    payment_id=matter.payment_id,
                    kind=matter.kind,
                    about=matter.about,
                    now=self._clock.now(),
                )

    async def plan(self, work: Work) -> None:
        """Write it; the database draws no second one."""
        await sql.PLAN.execute(
            self._connection,
            id=uuid7(),
            kind=work.kind,
            payment_id=work.payment_id,
            refund_id=work.refund_id,
            due_at=work.due_at,
        )

    async def parties(self, owed: Owed) -> Parties:
        """Read them from the directory, in one statement."""
        row = await sql.PARTIES.fetchrow(
            self._connection,
            clinic_id=owed.clinic_id,
            patient_id=owed.patient_id,
            service_id=owed.service_id,
        )
        assert row is not None, "a payment's clinic is never removed from its table"
        return Parties(
            issuer=issuer_of(row),
            recipient=row["recipient"],
            service=row["service"],
            languages=tuple(row["languages"]),
        )

    async def issue(self, documents: Sequence[Draft]) -> None:
        """Draw as many numbers as there are documents, then write these."""
        first = documents[0]
        last: int = await sql.DRAW_NUMBERS.fetchval(
            self._connection,
            clinic_id=first.issuer.clinic_id,
            year=first.year,
            count=len(documents),
        )
        for number, draft in enumerate(documents, last - len(documents) + 1):
            await sql.ISSUE.execute(self._connection, **_document(draft, number))

    async def record(self, events: Sequence[DomainEvent]) -> None:
        """Write them behind all locks."""
        await RECORD.execute(self._connection, events=events_text(events))


def issuer_of(row: asyncpg.Record) -> Issuer:
    """Return what a clinic's documents say of it."""
    return Issuer(
        clinic_id=ClinicId(row["id"]),
        name=row["name"],
        address=row["address"],
        time_zone=row["time_zone"],
        tax_number=row["tax_number"],
    )


def _document(draft: Draft, number: int) -> dict[str, Any]:
    line, issuer, occasion = draft.line, draft.issuer, draft.occasion
    return {
        "id": draft.id,
        "kind": draft.kind,
        "clinic_id": issuer.clinic_id,
        "year": draft.year,
        "number": number,
        "appointment_id": line.appointment_id,
        "payment_id": line.payment_id,
        "corrects": draft.corrects,
        "provider": line.account.provider,
        "account_key": line.account.key,
        "provider_id": line.provider_id,
        "line_kind": line.kind,
        "amount": line.money.amount,
        "currency": line.money.currency,
        "method": line.method,
        "title": draft.title,
        "issuer_name": issuer.name,
        "issuer_address": issuer.address,
        "issuer_tax_number": issuer.tax_number,
        "time_zone": issuer.time_zone,
        "is_live": line.account.is_live,
        "languages": list(occasion.languages),
        "recipient_name": occasion.recipient,
        "service_name": occasion.service,
        "reference": occasion.reference,
        "starts_at": occasion.starts_at,
        "price_amount": occasion.price,
        "deposit_amount": occasion.deposit,
        "received_amount": occasion.received,
        "settled_at": line.settled_at,
        "issued_at": draft.issued_at,
    }


class PostgresPayments:
    """Opens payments' transactions; in a request that is one whole, a part of that."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """`database` need not know payments' constraints; this adds them."""
        self._database = database.knowing(REFUSALS)
        self._clock = clock

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PaymentsWork]:
        """Open one, in which booking's own transactions are parts."""
        if WHOLE.get() is None:
            async with self._database.whole() as whole:
                yield PostgresPaymentsWork(await whole.connection(), self._clock)
        else:
            async with self._database.driver_transaction() as connection:
                yield PostgresPaymentsWork(connection, self._clock)
