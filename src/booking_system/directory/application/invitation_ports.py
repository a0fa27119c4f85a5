"""What invitations need from the outside world."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from booking_system.directory.domain.invitation import Invitation
from booking_system.shared_kernel.identifiers import ClinicId, InvitationId


class Invitations(Protocol):
    """The invitations to work for a clinic."""

    async def read(self, invitation_id: InvitationId) -> Invitation | None:
        """Return an invitation, open or not."""
        ...

    async def lock(self, invitation_id: InvitationId) -> Invitation | None:
        """Return an invitation and keep rivals waiting."""
        ...

    async def by_fingerprint(self, fingerprint: bytes, *, lock: bool = False) -> Invitation | None:
        """Return the invitation one of whose tokens has this fingerprint."""
        ...

    async def page(
        self, clinic_id: ClinicId, *, after: UUID | None, limit: int
    ) -> Sequence[Invitation]:
        """Return a clinic's invitations by age, one more than `limit` where there are more."""
        ...

    async def replace_open(self, by: Invitation) -> None:
        """Take back open invitations of the same clinic and address for the same role."""
        ...

    async def add(self, invitation: Invitation, *, fingerprint: bytes) -> None:
        """Store a new invitation with the fingerprint of its token."""
        ...

    async def add_link(self, invitation_id: InvitationId, *, fingerprint: bytes) -> None:
        """Store the fingerprint of one more token of an invitation, which goes out by mail."""
        ...

    async def was_mailed(self, fingerprint: bytes) -> bool:
        """Say whether the token went out by mail, and to nobody but the invitation's address."""
        ...

    async def save(self, invitation: Invitation) -> None:
        """Store what has become of it."""
        ...


class OneTimeTokens(Protocol):
    """Makes tokens of 256 unguessable bits that are handed over and stored nowhere."""

    def new(self) -> str:
        """Return a random one."""
        ...

    def fingerprint(self, token: str) -> bytes:
        """Return what is stored instead of the text."""
        ...
