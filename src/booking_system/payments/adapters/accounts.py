"""Which account a clinic takes money at, by the settings of this installation."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.payments.adapters.providers.accounts import PayPalAccount, StripeAccount
from booking_system.payments.adapters.providers.choosing import Providers
from booking_system.payments.adapters.providers.sandbox import SANDBOX, SandboxProvider
from booking_system.payments.application.provider_port import Provider
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.identifiers import ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformAccounts:
    """The platform's accounts, which all clinics share; new payments only by `offered` ones."""

    providers: Providers
    sandbox: SandboxProvider
    offered: Sequence[str]
    stripe: StripeAccount | None
    paypal: PayPalAccount | None

    async def chosen(self, provider: str, clinic_id: ClinicId) -> Provider | None:  # noqa: ARG002
        """Return the provider's account, if it is offered; every clinic has the same."""
        return await self.named(provider) if provider in self.offered else None

    async def of(self, account: Account) -> Provider | None:
        """Return this account, offered or not: what began with it is brought to its end."""
        found = await self.named(account.provider)
        return found if found is not None and found.account == account else None

    async def named(self, provider: str) -> Provider | None:
        """Return the account of a provider; None where none is set up."""
        if provider == SANDBOX.provider:
            return self.sandbox
        account = {"stripe": self.stripe, "paypal": self.paypal}.get(provider)
        return None if account is None else await self.providers.of(account)
