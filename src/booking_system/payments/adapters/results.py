"""What a payer is told who comes back: how the appointment stands, and its money."""

from dataclasses import dataclass

from sqlalchemy import select

from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus
from booking_system.booking.records.tables import appointments
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId

STANDS = Statement(
    select(appointments.c.status, appointments.c.payment_status).where(
        appointments.c.id == an_id("appointment_id")
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Reads two words."""

    database: Database

    async def __call__(
        self, appointment_id: AppointmentId
    ) -> tuple[AppointmentStatus, PaymentStatus] | None:
        """Return how it stands; None where there is none."""
        async with self.database.reading() as connection:
            row = await STANDS.fetchrow(connection, appointment_id=appointment_id)
        if row is None:
            return None
        return AppointmentStatus(row["status"]), PaymentStatus(row["payment_status"])
