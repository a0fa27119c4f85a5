"""Use cases: somebody proves that an address is theirs, or wants the mail for it once more."""

from dataclasses import dataclass

from booking_system.identity.application.credential_ports import Throttle
from booking_system.identity.application.follow_link import followed
from booking_system.identity.application.link_ports import OneTimeTokens
from booking_system.identity.application.ports import IdentityTransaction
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.events import VerificationRequested
from booking_system.identity.domain.links import LinkPurpose
from booking_system.identity.domain.throttling import link_key, verification_key
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Unauthenticated


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyEmail:
    """Takes the token of a mail as proof of the address that it went to."""

    transaction: IdentityTransaction
    tokens: OneTimeTokens
    throttle: Throttle
    clock: Clock

    async def __call__(self, *, token: str, network: bytes) -> None:
        """Raises `RateLimited`, `NotFound`, `LinkOver`."""
        await self.throttle.admit(link_key(network))
        fingerprint, now = self.tokens.fingerprint(token), self.clock.now()
        async with self.transaction() as work:
            account = await followed(work, fingerprint, LinkPurpose.EMAIL_VERIFICATION, now)
            await work.accounts.verify_email(account.id, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestVerification:
    """Has the mail sent once more; where the address was proved there is nothing to send."""

    transaction: IdentityTransaction
    throttle: Throttle
    clock: Clock

    async def __call__(self, *, actor: Actor) -> None:
        """Raises `RateLimited`, `Unauthenticated` where the account is gone."""
        await self.throttle.admit(verification_key(actor.user_id))
        now = self.clock.now()
        async with self.transaction() as work:
            account = await work.accounts.read(actor.user_id)
            if account is None:
                raise Unauthenticated
            if not account.email_verified:
                await work.events.record(VerificationRequested(occurred_at=now, user_id=account.id))
