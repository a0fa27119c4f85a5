"""Providers by the accounts that are theirs.

A provider is loaded where an account of it is asked for: Stripe's library takes half a second.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from booking_system.payments.adapters.providers.accounts import PayPalAccount, StripeAccount
from booking_system.payments.adapters.providers.looks import AccountLook
from booking_system.payments.application.provider_port import Provider
from booking_system.shared_kernel.clock import Clock

if TYPE_CHECKING:
    from booking_system.payments.adapters.providers.paypal_calls import PayPalWay
    from booking_system.payments.adapters.providers.paypal_certificates import PayPalCertificates
    from booking_system.payments.adapters.providers.stripe_calls import StripeWay

MOST_KEPT = 256
"""Accounts whose providers are kept, with the tokens that they have."""
PACKAGE = "booking_system.payments.adapters.providers"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentApiBases:
    """Other addresses of the providers' APIs; None: their own."""

    stripe: str | None = None
    paypal: str | None = None


class Providers:
    """Makes providers, keeps them, and closes their connections."""

    def __init__(self, *, clock: Clock, bases: PaymentApiBases | None = None) -> None:
        """Nothing is loaded yet."""
        self._clock = clock
        self._bases = bases or PaymentApiBases()
        self._kept: OrderedDict[StripeAccount | PayPalAccount, Provider] = OrderedDict()
        self._stripe: StripeWay | None = None
        self._paypal: tuple[PayPalWay, PayPalCertificates] | None = None

    async def of(self, account: StripeAccount | PayPalAccount) -> Provider:
        """Return the provider of an account; the same for the same account and keys."""
        module = "stripe" if isinstance(account, StripeAccount) else "paypal"
        # What takes long is loaded beside the loop, so that nobody else waits for it.
        await asyncio.to_thread(import_module, f"{PACKAGE}.{module}")
        provider = self._kept.pop(account, None) or self._made(account)
        self._kept[account] = provider
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return provider

    async def look(self, account: StripeAccount | PayPalAccount) -> AccountLook:
        """Return what asks about an account itself; for people who set it up."""
        if isinstance(account, StripeAccount):
            await asyncio.to_thread(import_module, f"{PACKAGE}.stripe_look")
            from booking_system.payments.adapters.providers.stripe_look import StripeLook  # noqa: PLC0415

            return StripeLook(account, way=self._way_to_stripe())
        await asyncio.to_thread(import_module, f"{PACKAGE}.paypal_look")
        from booking_system.payments.adapters.providers.paypal_look import PayPalLook  # noqa: PLC0415

        return PayPalLook(account, way=self._ways_to_paypal()[0])

    async def close(self) -> None:
        """Give all connections back."""
        self._kept.clear()
        if self._stripe is not None:
            await self._stripe.close()
            self._stripe = None
        if self._paypal is not None:
            await self._paypal[0].close()
            self._paypal = None

    def _made(self, account: StripeAccount | PayPalAccount) -> Provider:
        if isinstance(account, StripeAccount):
            from booking_system.payments.adapters.providers.stripe import StripeProvider  # noqa: PLC0415

            return StripeProvider(account, way=self._way_to_stripe())
        from booking_system.payments.adapters.providers.paypal import PayPalProvider  # noqa: PLC0415

        way, certificates = self._ways_to_paypal()
        return PayPalProvider(account, way=way, certificates=certificates)

    def _way_to_stripe(self) -> "StripeWay":
        from booking_system.payments.adapters.providers.stripe_calls import StripeWay  # noqa: PLC0415

        self._stripe = self._stripe or StripeWay(base=self._bases.stripe)
        return self._stripe

    def _ways_to_paypal(self) -> tuple["PayPalWay", "PayPalCertificates"]:
        if self._paypal is not None:
            return self._paypal
        from booking_system.payments.adapters.providers.paypal_calls import PayPalWay  # noqa: PLC0415
        from booking_system.payments.adapters.providers.paypal_certificates import (  # noqa: PLC0415
            PayPalCertificates,
            fetched_by,
        )

        way = PayPalWay(clock=self._clock, base=self._bases.paypal)
        self._paypal = way, PayPalCertificates(fetched_by(way))
        return self._paypal
