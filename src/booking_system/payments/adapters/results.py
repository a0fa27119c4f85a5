"""What a payer is told who comes back: how the appointment stands, and its money."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, select

from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus
from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import clinics, patients
from booking_system.payments.adapters.spoken import language_of
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId

a, c, p = appointments, clinics, patients
STANDS = Statement(
    select(a.c.status, a.c.payment_status, func.coalesce(p.c.locale, c.c.locale).label("locale"))
    .select_from(a.join(c, c.c.id == a.c.clinic_id).join(p, p.c.id == a.c.patient_id))
    .where(a.c.id == an_id("appointment_id"))
)


class Result(NamedTuple):
    """How an appointment stands, and the language of its patient, else of its clinic."""

    status: AppointmentStatus
    payment: PaymentStatus
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Reads one."""

    database: Database

    async def __call__(self, appointment_id: AppointmentId) -> Result | None:
        """Return how it stands; None where there is none."""
        async with self.database.reading() as connection:
            row = await STANDS.fetchrow(connection, appointment_id=appointment_id)
        if row is None:
            return None
        status, payment = AppointmentStatus(row["status"]), PaymentStatus(row["payment_status"])
        return Result(status, payment, language_of(row["locale"]))
