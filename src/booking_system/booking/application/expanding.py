"""Use case: an answer about an appointment also shows what the appointment is with."""

from dataclasses import dataclass

from booking_system.booking.application.expanding_ports import (
    Around,
    AroundReader,
    MoneyAround,
    MoneyReader,
)
from booking_system.booking.domain.appointment import Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAround:
    """Shows what an appointment is with to people who were shown the appointment."""

    reader: AroundReader
    money: MoneyReader

    async def __call__(self, appointment: Appointment) -> Around:
        """Return clinic, doctor and service."""
        return await self.reader.around(appointment)

    async def payment(self, appointment: Appointment) -> MoneyAround | None:
        """Return how its money stands."""
        return await self.money(appointment.id)
