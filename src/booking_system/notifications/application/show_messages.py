"""What became of the messages of an appointment."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.notifications.domain.message import Channel, Kind, State
from booking_system.shared_kernel.identifiers import AppointmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message; times in UTC. `recipient` is `patient` or `clinic`.

    `about_id` is the payment, refund or matter that a message about money is about, whose
    `revision` is 0.

    `reason` says why it was skipped, withdrawn or has failed, `error_code` what the provider said.
    """

    id: UUID
    kind: Kind
    channel: Channel
    recipient: str
    about_id: UUID | None
    revision: int
    offset_minutes: int
    state: State
    reason: str | None
    error_code: str | None
    provider: str | None
    planned_at: datetime
    due_at: datetime
    ended_at: datetime | None
    attempts: int


class MessageReader(Protocol):
    """Reads the ledger."""

    async def of_appointment(self, appointment_id: AppointmentId) -> Sequence[Told]:
        """Return all messages of an appointment, in the order of their times."""
        ...


SeeAppointment = Callable[..., Coroutine[Any, Any, object]]
"""Takes `appointment_id` and `actor`; raises `AppointmentNotFound` where it is not to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowMessages:
    """Patients and clinics see what was planned, sent and skipped, and why."""

    see: SeeAppointment
    reader: MessageReader

    async def __call__(self, *, appointment_id: AppointmentId, actor: Actor) -> Sequence[Told]:
        """Return them. Raises `AppointmentNotFound`."""
        await self.see(appointment_id=appointment_id, actor=actor)
        return await self.reader.of_appointment(appointment_id)
