"""Compares what providers tell where with what we need to hear, for `booking-system check`."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from booking_system.payments.adapters.accounts import PlatformAccounts
from booking_system.payments.adapters.own_accounts.hooks import webhook_url
from booking_system.payments.adapters.own_accounts.making import opened
from booking_system.payments.adapters.own_accounts.store import PostgresOwnAccounts
from booking_system.payments.adapters.providers.accounts import PayPalAccount, StripeAccount
from booking_system.payments.adapters.providers.choosing import Providers
from booking_system.payments.adapters.providers.events import EVENTS
from booking_system.payments.adapters.providers.looks import Endpoint
from booking_system.payments.application.provider_port import (
    ProviderBusy,
    ProviderRefused,
    ProviderUnsure,
)
from booking_system.payments.domain.own_account import UnreadableAccountError

NAMES = {"stripe": "Stripe", "paypal": "PayPal"}
AT_A_TIME = 8
PLATFORMS = "the platform's account"

Account = StripeAccount | PayPalAccount


@dataclass(slots=True)
class Compared:
    """Sentences for the operator: what is wrong, and what could not be asked or may be meant so."""

    wrong: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareEndpoints:
    """Looks at the platform's accounts and at those of clinics that are there."""

    providers: Providers
    platform: PlatformAccounts
    store: PostgresOwnAccounts
    public_url: str

    async def __call__(self) -> Compared:
        """Return what was found, account by account."""
        done, places = Compared(), asyncio.Semaphore(AT_A_TIME)

        async def one(whose: str, account: Account) -> Compared:
            async with places:
                return await self._compared(whose, account)

        found = [(PLATFORMS, one) for one in (self.platform.stripe, self.platform.paypal) if one]
        for own in await self.store.all_present():
            whose = f"the account of clinic {own.clinic_id}"
            try:
                keys = await self.store.keys_of(own)
            except UnreadableAccountError:
                done.wrong.append(f"No key of this installation opens {whose}: set it anew.")
                continue
            if keys is not None:
                found.append((whose, opened(own.named, keys, own.account)))
        for compared in await asyncio.gather(*(one(*each) for each in found)):
            done.wrong += compared.wrong
            done.unsure += compared.unsure
        return done

    async def _compared(self, whose: str, account: Account) -> Compared:
        done, at = Compared(), NAMES[account.account.provider]
        if not _hears(account):
            done.unsure.append(f"{at} tells nothing to {whose}: no webhook is set for it.")
            return done
        look = await self.providers.look(account)
        try:
            try:
                await look.name()
            except ProviderRefused as refused:
                done.wrong.append(f"{at} refuses the keys of {whose} ({refused.reason}).")
                return done
            endpoints = await look.endpoints()
        except ProviderRefused as refused:
            done.unsure.append(
                f"The keys of {whose} may not ask {at} for its webhooks ({refused.reason}): nobody"
                " compared what they tell."
            )
        except (ProviderUnsure, ProviderBusy):
            done.unsure.append(f"{at} did not answer about {whose}.")
        else:
            self._compare(account, endpoints, f"{whose} at {at}", done)
        return done

    def _compare(
        self, account: Account, endpoints: Sequence[Endpoint], whose: str, done: Compared
    ) -> None:
        url = webhook_url(self.public_url, account.account)
        ours = [one for one in endpoints if _is_at(one, url)]
        if not ours:
            # On a developer's machine something else may bring the events here.
            places = done.wrong if url.startswith("https://") else done.unsure
            places.append(f"No webhook of {whose} calls {_hidden(url, account)}.")
        done.wrong += _complaints(ours, EVENTS[account.account.provider], whose)


def _complaints(ours: Sequence[Endpoint], wanted: Sequence[str], whose: str) -> Iterator[str]:
    on = [one for one in ours if one.is_on]
    if ours and not on:
        yield f"The webhook of {whose} is disabled."
    missing = [one for one in wanted if all(one in each.lacks(wanted) for each in on)]
    if on and missing:
        yield f"The webhook of {whose} is not subscribed to {', '.join(missing)}."


def _hears(account: Account) -> bool:
    if isinstance(account, StripeAccount):
        return bool(account.webhook_secrets)
    return bool(account.webhook_ids)


def _is_at(endpoint: Endpoint, url: str) -> bool:
    return (endpoint.url or "").rstrip("/") == url


def _hidden(url: str, account: Account) -> str:
    """An address of a clinic's is for its provider alone; the end of it tells which it is."""
    key = account.account.key
    return url.replace(key, f"…{key[-4:]}") if url.endswith(f"/{key}") else url
