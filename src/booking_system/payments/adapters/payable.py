"""What the holder of a sealed link may pay for, read without locking anything."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import clinics, patients
from booking_system.payments.domain.attempt import GRACE
from booking_system.payments.domain.ledger import OF_PATIENT
from booking_system.payments.domain.owed import TAKES_PLACE, Standing, asked_for
from booking_system.payments.records.tables import payment_ledger
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.money import Money

a, c, p, line = appointments, clinics, patients, payment_ledger
_net = (
    select(func.coalesce(func.sum(line.c.amount), 0))
    .where(line.c.appointment_id == a.c.id, line.c.kind.in_(sorted(OF_PATIENT)))
    .scalar_subquery()
)
PAYABLE = Statement(
    select(
        a.c.status,
        a.c.payment_status,
        a.c.reference,
        a.c.price_amount,
        a.c.price_currency,
        a.c.due_first_amount,
        a.c.late_cancel_minutes,
        a.c.pay_by,
        a.c.ends_at,
        c.c.name,
        c.c.time_zone,
        func.coalesce(p.c.locale, c.c.locale).label("locale"),
        _net.label("net"),
    )
    .select_from(a.join(c, c.c.id == a.c.clinic_id).join(p, p.c.id == a.c.patient_id))
    .where(a.c.id == an_id("appointment_id"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """An appointment as its payer sees it. `money` None: there is nothing to pay now.

    `until` (UTC) is the end of the payer's time, None where there is none. `locale` is the
    patient's, else the clinic's.
    """

    status: AppointmentStatus
    payment_status: PaymentStatus
    title: str
    clinic_name: str
    time_zone: str
    locale: str
    money: Money | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payables:
    """Reads one. Whether a payment may begin is judged once more, under the lock, when it does."""

    database: Database

    async def __call__(self, appointment_id: AppointmentId, *, now: datetime) -> Payable | None:
        """Return it as it is `now` (UTC); None where there is none."""
        async with self.database.reading() as connection:
            row = await PAYABLE.fetchrow(connection, appointment_id=appointment_id)
        if row is None:
            return None
        status = Standing(row["status"])
        until = None if row["pay_by"] is None else row["pay_by"] - GRACE
        is_through_us = row["price_amount"] is not None and row["late_cancel_minutes"] is not None
        is_over = now >= (row["ends_at"] if until is None else until)
        left = 0
        if is_through_us and status in TAKES_PLACE - {Standing.COMPLETED} and not is_over:
            left = asked_for(
                status, due=row["price_amount"], first=row["due_first_amount"], paid=row["net"]
            )
        return Payable(
            status=AppointmentStatus(row["status"]),
            payment_status=PaymentStatus(row["payment_status"]),
            title=f"{row['name']}, {row['reference']}",
            clinic_name=row["name"],
            time_zone=row["time_zone"],
            locale=row["locale"],
            money=Money(left, row["price_currency"]) if left > 0 else None,
            until=until,
        )
