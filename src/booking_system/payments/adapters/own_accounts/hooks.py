"""Addresses that providers call of accounts that are a clinic's own: one for each account.

An address is verified with what that clinic has set, and with nothing else: another clinic's
secret does not hold there, nor the platform's, nor the other way round.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request, Response

from booking_system.payments.adapters.hooks_http import (
    HOOKS,
    ProviderSignature,
    add_hook,
    take_told,
)
from booking_system.payments.adapters.own_accounts.choosing import AllAccounts
from booking_system.payments.application.provider_port import Provider
from booking_system.payments.application.take_event import TakeEvent
from booking_system.payments.domain.sighting import Account
from booking_system.platform.http.hooks import RawBody
from booking_system.platform.http.routing import Routes
from booking_system.platform.http.signatures import Signed
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound

WHOSE = re.compile(rf"{HOOKS}/[a-z]+/([0-9a-f-]{{36}})(?:\?.*)?", re.ASCII | re.DOTALL)


def webhook_url(public_url: str, account: Account) -> str:
    """Return the address to name at the provider: the platform's accounts share one each."""
    try:
        UUID(account.key)
    except ValueError:
        return f"{public_url}{HOOKS}/{account.provider}"
    return f"{public_url}{HOOKS}/{account.provider}/{account.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Finds the account whose address is called, by the path as it came."""

    accounts: AllAccounts
    provider: str

    async def __call__(self, signed: Signed) -> Provider:
        """Return it. Raises `NotFound`, also for an account at another provider."""
        named = WHOSE.fullmatch(signed.target.decode("latin-1"))
        if named is None:
            raise NotFound
        return await self.account(UUID(named[1]))

    async def account(self, account_id: UUID) -> Provider:
        """Return an account. Raises `NotFound`."""
        found = await self.accounts.heard(account_id, self.provider)
        if found is None:
            raise NotFound
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPaymentHooks:
    """HTTP for what providers tell of accounts of clinics; it stays out of the document."""

    accounts: AllAccounts
    take: TakeEvent
    clock: Clock

    def routes(self) -> Routes:
        """List the hooks."""
        routes = Routes("Payments")
        for provider, endpoint in (
            ("stripe", self.hear_own_from_stripe),
            ("paypal", self.hear_own_from_paypal),
        ):
            signature = ProviderSignature(find=self._called(provider), clock=self.clock)
            add_hook(routes, f"{HOOKS}/{provider}/{{account_id}}", endpoint, signature)
        return routes

    async def hear_own_from_stripe(
        self, account_id: UUID, request: Request, raw: RawBody
    ) -> Response:
        """Keep an event of Stripe's about a clinic's own account."""
        account = await self._called("stripe").account(account_id)
        return await take_told(self.take, account, request, raw)

    async def hear_own_from_paypal(
        self, account_id: UUID, request: Request, raw: RawBody
    ) -> Response:
        """Keep an event of PayPal's about a clinic's own account."""
        account = await self._called("paypal").account(account_id)
        return await take_told(self.take, account, request, raw)

    def _called(self, provider: str) -> Called:
        return Called(accounts=self.accounts, provider=provider)
