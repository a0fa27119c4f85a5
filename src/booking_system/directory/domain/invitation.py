"""An invitation: a role in a clinic that waits for its owner to accept it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from booking_system.directory.domain.refusals import InvitationOver
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, InvitationId, UserId

GOOD_FOR = timedelta(hours=72)


class InvitationStatus(StrEnum):
    """What became of an invitation."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """The holder of its token may accept it, once, before it expires.

    The role is given to the account that accepts, of any address: an address that somebody
    claims proves nothing, and the token was handed over.
    """

    id: InvitationId
    clinic_id: ClinicId
    email: str
    full_name: str
    role: Role
    doctor_id: DoctorId | None
    invited_by: UserId
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    accepted_at: datetime | None = None
    accepted_by: UserId | None = None

    @property
    def version(self) -> int:
        """Goes up with its one change."""
        return 1 if self.revoked_at is None and self.accepted_at is None else 2

    @property
    def grant(self) -> RoleGrant:
        """What it gives."""
        return RoleGrant(role=self.role, clinic_id=self.clinic_id, doctor_id=self.doctor_id)

    def status(self, now: datetime) -> InvitationStatus:
        """Say what has become of it."""
        if self.accepted_at is not None:
            return InvitationStatus.ACCEPTED
        if self.revoked_at is not None:
            return InvitationStatus.REVOKED
        return InvitationStatus.EXPIRED if now >= self.expires_at else InvitationStatus.OPEN

    def check_open(self, now: datetime) -> None:
        """Raise `InvitationOver` where nobody can accept it any more."""
        if self.status(now) is not InvitationStatus.OPEN:
            raise InvitationOver

    def accepted(self, by: UserId, now: datetime) -> "Invitation":
        """Return it as its owner accepted it. Raises `InvitationOver`."""
        self.check_open(now)
        return replace(self, accepted_at=now, accepted_by=by)

    def revoked(self, now: datetime) -> "Invitation":
        """Return it without effect. Raises `InvitationOver` where somebody has accepted it."""
        if self.accepted_at is not None:
            raise InvitationOver
        return self if self.revoked_at is not None else replace(self, revoked_at=now)
