"""Payments as they are shown: single statements that lock nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import and_, select, tuple_, union

from booking_system.booking.records.tables import appointments
from booking_system.payments.adapters import statements
from booking_system.payments.adapters.postgres import issuer_of
from booking_system.payments.adapters.rows import (
    attempt_of,
    document_of,
    entry_of,
    line_of,
    matter_of,
    refund_of,
)
from booking_system.payments.application.ports import OpenMatter, Shown
from booking_system.payments.domain.attempt import DESK, PaymentId
from booking_system.payments.domain.export import Entry
from booking_system.payments.domain.ledger import Line
from booking_system.payments.domain.receipts import Document, DocumentId, Issuer
from booking_system.payments.records.tables import (
    LIVE,
    payment_ledger,
    payment_quarantine,
    payments,
    receipts,
)
from booking_system.platform.postgres.phrases import an_id, how_many, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import first_of
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId
from booking_system.shared_kernel.period import Period

p, line, q, document = payments, payment_ledger, payment_quarantine, receipts

ATTEMPTS = Statement(
    select(p).where(p.c.appointment_id == an_id("appointment_id")).order_by(p.c.id)
)
corrected = receipts.alias("corrected")
_documents = select(
    document,
    corrected.c.year.label("corrected_year"),
    corrected.c.number.label("corrected_number"),
).select_from(document.outerjoin(corrected, corrected.c.id == document.c.corrects))
DOCUMENTS = Statement(
    _documents.where(document.c.payment_id == an_id("payment_id")).order_by(
        document.c.year, document.c.number
    )
)
DOCUMENT = Statement(_documents.where(document.c.id == an_id("document_id")))
SETTLED = Statement(
    select(line)
    .where(
        line.c.clinic_id == an_id("clinic_id"),
        line.c.settled_at >= instant("since"),
        line.c.settled_at < instant("until"),
    )
    .order_by(line.c.settled_at, line.c.id)
)
ENTRIES = Statement(
    select(
        line,
        appointments.c.reference,
        document.c.year,
        document.c.number,
        corrected.c.year.label("corrected_year"),
        corrected.c.number.label("corrected_number"),
    )
    .join_from(line, appointments, appointments.c.id == line.c.appointment_id)
    .outerjoin(
        document,
        and_(
            document.c.provider == line.c.provider,
            document.c.account_key == line.c.account_key,
            document.c.provider_id == line.c.provider_id,
            document.c.line_kind == line.c.kind,
        ),
    )
    .outerjoin(corrected, corrected.c.id == document.c.corrects)
    .where(
        line.c.clinic_id == an_id("clinic_id"),
        tuple_(line.c.settled_at, line.c.id) > tuple_(instant("since"), an_id("after_id")),
        line.c.settled_at < instant("until"),
    )
    .order_by(line.c.settled_at, line.c.id)
    .limit(how_many("most"))
)
BEFORE_ALL = UUID(int=0)
OPEN_MATTERS = Statement(
    select(q)
    .where(q.c.clinic_id == an_id("clinic_id"), q.c.resolved_at.is_(None))
    .order_by(q.c.id)
    .limit(how_many("most"))
)

_at_a_provider = p.c.provider != DESK
RECENT = Statement(
    union(
        select(p.c.id).where(_at_a_provider, p.c.id >= an_id("first")),
        select(p.c.id).where(_at_a_provider, LIVE),
    ).order_by("id")
)
"""An id says when it was made, and those that are open have an index of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPaymentsReader:
    """Reads what is committed."""

    database: Database

    async def show(self, payment_id: PaymentId) -> Shown | None:
        """Read it with the others of its appointment, which are few."""
        async with self.database.reading() as connection:
            found = await statements.APPOINTMENT_OF.fetchval(connection, payment_id=payment_id)
            if found is None:
                return None
            shown = await _shown(connection, AppointmentId(found))
        return next((one for one in shown if one.attempt.id == payment_id), None)

    async def list(self, appointment_id: AppointmentId) -> Sequence[Shown]:
        """Three statements, however many payments there are."""
        async with self.database.reading() as connection:
            return await _shown(connection, appointment_id)

    async def documents(self, payment_id: PaymentId) -> Sequence[Document]:
        """By year and number."""
        async with self.database.reading() as connection:
            rows = await DOCUMENTS.fetch(connection, payment_id=payment_id)
        return [document_of(row) for row in rows]

    async def document(self, document_id: DocumentId) -> Document | None:
        """By its key."""
        async with self.database.reading() as connection:
            row = await DOCUMENT.fetchrow(connection, document_id=document_id)
        return None if row is None else document_of(row)

    async def recent(self, *, since: datetime) -> Sequence[PaymentId]:
        """By their ids, which are in the order of time."""
        async with self.database.reading() as connection:
            rows = await RECENT.fetch(connection, first=first_of(since))
        return [PaymentId(row["id"]) for row in rows]

    async def issuer(self, clinic_id: ClinicId) -> Issuer | None:
        """Read it from the directory."""
        async with self.database.reading() as connection:
            row = await statements.ISSUER.fetchrow(connection, clinic_id=clinic_id)
        return None if row is None else issuer_of(row)

    async def settled(self, clinic_id: ClinicId, period: Period) -> Sequence[Line]:
        """Half open, like all periods."""
        async with self.database.reading() as connection:
            rows = await SETTLED.fetch(
                connection, clinic_id=clinic_id, since=period.starts_at, until=period.ends_at
            )
        return [line_of(row) for row in rows]

    async def entries(
        self, clinic_id: ClinicId, period: Period, *, after: Entry | None, most: int
    ) -> Sequence[Entry]:
        """By time, then by the id of the line."""
        async with self.database.reading() as connection:
            rows = await ENTRIES.fetch(
                connection,
                clinic_id=clinic_id,
                since=period.starts_at if after is None else after.line.settled_at,
                after_id=BEFORE_ALL if after is None else after.id,
                until=period.ends_at,
                most=most,
            )
        return [entry_of(row) for row in rows]

    async def matters(self, clinic_id: ClinicId, *, most: int) -> Sequence[OpenMatter]:
        """By the time they were found."""
        async with self.database.reading() as connection:
            rows = await OPEN_MATTERS.fetch(connection, clinic_id=clinic_id, most=most)
        return [OpenMatter(id=row["id"], matter=matter_of(row)) for row in rows]


async def _shown(connection: asyncpg.Connection, appointment_id: AppointmentId) -> list[Shown]:
    attempts = await ATTEMPTS.fetch(connection, appointment_id=appointment_id)
    written = await statements.LINES.fetch(connection, appointment_id=appointment_id)
    given_back = await statements.REFUNDS.fetch(connection, appointment_id=appointment_id)
    lines = [line_of(row) for row in written]
    refunds = [refund_of(row) for row in given_back]
    return [
        Shown(
            attempt=attempt,
            lines=tuple(one for one in lines if one.payment_id == attempt.id),
            refunds=tuple(one for one in refunds if one.payment_id == attempt.id),
        )
        for attempt in map(attempt_of, attempts)
    ]
