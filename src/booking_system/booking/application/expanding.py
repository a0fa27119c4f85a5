"""Use case: an answer about an appointment also shows what the appointment is with."""

from dataclasses import dataclass
from typing import Protocol

from booking_system.booking.domain.appointment import Appointment
from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.service import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Clinic, doctor and service as they are today, also where one was removed since."""

    clinic: Clinic
    doctor: Doctor
    service: Service | None


class AroundReader(Protocol):
    """Reads what is around an appointment."""

    async def around(self, appointment: Appointment) -> Around:
        """Return it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowAround:
    """Shows what an appointment is with to people who were shown the appointment."""

    reader: AroundReader

    async def __call__(self, appointment: Appointment) -> Around:
        """Return it."""
        return await self.reader.around(appointment)
