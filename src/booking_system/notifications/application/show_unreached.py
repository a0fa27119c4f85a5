"""Use case: the desk sees whom it has to telephone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.notifications.domain.message import Channel, Kind, State
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A message that reached nobody, and why."""

    kind: Kind
    channel: Channel
    state: State
    reason: str | None
    error_code: str | None
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """A coming appointment whose patient does not know something; times in UTC."""

    appointment_id: UUID
    starts_at: datetime
    status: str
    doctor_id: UUID
    patient_id: UUID
    patient_name: str
    phone: str | None
    email: str | None
    missed: Sequence[Missed]


class UnreachedReader(Protocol):
    """Reads the ledger."""

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Say whether there is such a clinic."""
        ...

    async def page(
        self,
        clinic_id: ClinicId,
        *,
        now: datetime,
        behind: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Unreached]:
        """Return appointments by their start, one more than `limit` where there are more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowUnreached:
    """Staff of the clinic see it; the platform's administrators do not, for these are patients."""

    reader: UnreachedReader
    clock: Clock

    async def __call__(
        self,
        *,
        clinic_id: ClinicId,
        behind: tuple[datetime, UUID] | None,
        limit: int,
        actor: Actor,
    ) -> Sequence[Unreached]:
        """Return a page. Raises `NotFound`, `NotPermitted`."""
        if not await self.reader.has_clinic(clinic_id):
            raise NotFound
        if not actor.works_at(clinic_id):
            raise NotPermitted
        now = self.clock.now()
        return await self.reader.page(clinic_id, now=now, behind=behind, limit=limit)
