"""Asks the provider once when keys are stored, so that their owner hears of a mistake at once."""

import asyncio
from dataclasses import dataclass

from booking_system.payments.adapters.own_accounts.making import opened
from booking_system.payments.adapters.providers.accounts import is_live_key
from booking_system.payments.adapters.providers.choosing import Providers
from booking_system.payments.application.provider_port import (
    ProviderBusy,
    ProviderRefused,
    ProviderUnsure,
)
from booking_system.payments.domain.own_account import AccountKeys, Named
from booking_system.payments.domain.refusals import PaymentKeysRefused
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.errors import Invalid

SECONDS = 3.0
"""For somebody who waits: a request has five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysCheck:
    """One question, which changes nothing at the provider."""

    providers: Providers

    async def __call__(self, named: Named, keys: AccountKeys) -> bool:
        """Say whether the provider took them. Raises `PaymentKeysRefused`, `Invalid`."""
        public = named.options.get("publishable_key")
        if public is not None and is_live_key(public) is not named.is_live:
            detail = "must be for tests where the secret key is, or both live"
            raise Invalid.field("/publishable_key", detail, "other_mode")
        nobodys = Account(named.provider.value, "", is_live=named.is_live)
        look = await self.providers.look(opened(named, keys, nobodys))
        try:
            async with asyncio.timeout(SECONDS):
                name = await look.name()
        except (TimeoutError, ProviderUnsure, ProviderBusy):
            return False
        except ProviderRefused:
            raise PaymentKeysRefused from None
        if name is not None and name != named.name:
            raise Invalid.field("/account_id", "is not the account of this key", "other_account")
        return True
