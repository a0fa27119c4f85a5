"""Use case: a mail is written, and its link is made for it."""

from dataclasses import dataclass

from booking_system.identity.application.link_ports import OneTimeTokens
from booking_system.identity.application.ports import IdentityTransaction
from booking_system.identity.domain.links import GOOD_FOR, LinkPurpose, NewLink
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeLink:
    """Makes links for one purpose; each holds until one of them is used."""

    purpose: LinkPurpose
    transaction: IdentityTransaction
    tokens: OneTimeTokens
    clock: Clock

    async def __call__(self, user_id: UserId) -> NewLink | None:
        """Return a new one; None where the account is gone, or has nothing to prove any more."""
        token, expires_at = self.tokens.new(), self.clock.now() + GOOD_FOR[self.purpose]
        async with self.transaction() as work:
            account = await work.accounts.read(user_id)
            if account is None:
                return None
            if self.purpose is LinkPurpose.EMAIL_VERIFICATION and account.email_verified:
                return None
            await work.links.add(
                self.tokens.fingerprint(token),
                purpose=self.purpose,
                user_id=user_id,
                expires_at=expires_at,
            )
        return NewLink(token=token, expires_at=expires_at)
