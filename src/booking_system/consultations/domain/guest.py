"""A further party, whom the doctor invites by a link that opens once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from booking_system.consultations.domain.seat import GuestId
from booking_system.shared_kernel.identifiers import AppointmentId, UserId

LINK_LIFE = timedelta(minutes=15)


class GuestKind(StrEnum):
    """Why somebody takes part."""

    INTERPRETER = "interpreter"
    RELATIVE = "relative"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """An invitation; instants are UTC. Once it was `used_at`, its link opens nothing any more."""

    id: GuestId
    room_id: AppointmentId
    kind: GuestKind
    name: str
    invited_by: UserId
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    removed_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """It was removed, or nobody used it in time."""
        return self.removed_at is not None or (self.used_at is None and now >= self.expires_at)
