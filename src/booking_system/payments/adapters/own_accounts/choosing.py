"""Which account a payment is made at: the clinic's own before the platform's."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from booking_system.payments.adapters.accounts import PlatformAccounts
from booking_system.payments.adapters.own_accounts.making import opened
from booking_system.payments.adapters.own_accounts.store import PostgresOwnAccounts
from booking_system.payments.adapters.providers.choosing import Providers
from booking_system.payments.application.provider_port import Provider
from booking_system.payments.domain.own_account import (
    AccountKeys,
    OwnAccount,
    UnreadableAccountError,
)
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.errors import Unavailable
from booking_system.shared_kernel.identifiers import ClinicId

UNREADABLE = "The keys of the clinic's account cannot be opened."
REST = 60
"""Seconds after which to come again: somebody has to set a key, of the clinic's or of ours."""

log = structlog.get_logger("booking_system.payments")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllAccounts:
    """The platform's accounts and those of clinics, which are `allowed` at these providers."""

    platform: PlatformAccounts
    store: PostgresOwnAccounts
    providers: Providers
    allowed: Sequence[str]

    async def chosen(self, provider: str, clinic_id: ClinicId) -> Provider | None:
        """Return the clinic's own account, else the platform's, if it is offered.

        Raises `Unavailable` where the own one cannot be opened: it is never passed over, for
        another would get the money.
        """
        if provider in self.allowed:
            try:
                found = await self.store.chosen(clinic_id, provider)
            except UnreadableAccountError:
                raise Unavailable(UNREADABLE, retry_after=REST) from None
            if found is not None:
                return await self._provider(*found)
        return await self.platform.chosen(provider, clinic_id)

    async def of(self, account: Account) -> Provider | None:
        """Return this account, also a removed one, as long as its keys are there."""
        try:
            account_id = UUID(account.key)
        except ValueError:
            return await self.platform.of(account)
        try:
            found = await self.store.by_id(account_id, account.provider)
        except UnreadableAccountError:
            log.warning("payment_account_unreadable", account_id=str(account_id))
            return None
        if found is None or found[0].account != account:
            return None
        return await self._provider(*found)

    async def heard(self, account_id: UUID, provider: str) -> Provider | None:
        """Return the account whose address is called. Raises `Unavailable`."""
        try:
            found = await self.store.by_id(account_id, provider)
        except UnreadableAccountError:
            raise Unavailable(UNREADABLE, retry_after=REST) from None
        return None if found is None else await self._provider(*found)

    async def _provider(self, own: OwnAccount, keys: AccountKeys) -> Provider:
        return await self.providers.of(opened(own.named, keys, own.account))
