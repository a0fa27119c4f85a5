"""Use cases: a clinic's staff note what other systems call its appointments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from booking_system.booking.application.ports import BookingReader, Scope
from booking_system.booking.application.read_appointments import check_staff
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.directory.domain.references import Noted, References
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId


class ReferenceStore(Protocol):
    """Keeps what other systems call appointments."""

    async def read(self, appointment_id: AppointmentId, clinic_id: ClinicId) -> References:
        """Return what its clinic's other system calls it."""
        ...

    async def page(
        self, clinic_id: ClinicId, ids: Sequence[AppointmentId]
    ) -> Mapping[UUID, References]:
        """Return what is noted of those of which something is."""
        ...

    async def note(
        self, appointment_id: AppointmentId, clinic_id: ClinicId, noted: Noted
    ) -> References:
        """Store what changes, return all. Raises `ExternalIdTaken`, `Invalid`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowReferences:
    """Shows staff what another system of the clinic calls an appointment."""

    reader: BookingReader
    store: ReferenceStore

    async def __call__(self, *, appointment_id: AppointmentId, actor: Actor) -> References:
        """Return it. Raises `AppointmentNotFound`, `NotPermitted`."""
        clinic_id = await _clinic_of(appointment_id, self.reader, actor)
        return await self.store.read(appointment_id, clinic_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReferences:
    """Shows staff what another system of the clinic calls a page of its appointments."""

    store: ReferenceStore

    async def __call__(
        self, *, clinic_id: ClinicId, ids: Sequence[AppointmentId], actor: Actor
    ) -> Mapping[UUID, References]:
        """Return it by id; absent is one of which nothing is noted. Raises `NotPermitted`."""
        check_staff(actor, clinic_id)
        return await self.store.page(clinic_id, ids) if ids else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReferences:
    """Staff note what another system of the clinic calls an appointment."""

    reader: BookingReader
    store: ReferenceStore

    async def __call__(
        self, *, appointment_id: AppointmentId, noted: Noted, actor: Actor
    ) -> References:
        """Return all that is noted.

        Raises `AppointmentNotFound`, `NotPermitted`, `ExternalIdTaken`, `Invalid`.
        """
        clinic_id = await _clinic_of(appointment_id, self.reader, actor)
        return await self.store.note(appointment_id, clinic_id, noted)


async def _clinic_of(
    appointment_id: AppointmentId, reader: BookingReader, actor: Actor
) -> ClinicId:
    card = await reader.show(appointment_id, Scope.of(actor))
    if card is None:
        raise AppointmentNotFound
    check_staff(actor, card.appointment.clinic_id)
    return card.appointment.clinic_id
