"""Keys of clinics' accounts: stored sealed, each for one row."""

from typing import Any
from uuid import UUID

from booking_system.payments.application.own_account_ports import SealedKeys
from booking_system.payments.domain.own_account import (
    AccountKeys,
    Named,
    OwnAccount,
    OwnProvider,
    UnreadableAccountError,
    bound_to,
)
from booking_system.payments.records.own_tables import clinic_payment_accounts
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.platform.postgres.resealing import Resealing
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.sealing import CannotBeOpenedError, Sealing, unguessable_id

c = clinic_payment_accounts.c


class PaymentVault:
    """Seals keys; clinic, provider, name and mode of their account are authenticated with them."""

    def __init__(self, keys: Keyring) -> None:
        """The first of the `keys` seals, each of them opens what it has sealed."""
        self.sealing = Sealing(keys.derived(Purpose.PAYMENT_ACCOUNTS))

    def new_id(self) -> UUID:
        """Return an id of 122 random bits."""
        return unguessable_id()

    def sealed(self, keys: AccountKeys, account: OwnAccount) -> SealedKeys:
        """Seal them."""
        kept = self.sealing.sealed(keys.packed(), account.bound)
        return SealedKeys(sealed=kept.sealed, key_id=kept.key_id)

    def opened(self, sealed: bytes, key_id: bytes, account: OwnAccount) -> AccountKeys:
        """Return the keys themselves. Raises `UnreadableAccountError`."""
        try:
            return AccountKeys.unpacked(self.sealing.opened(sealed, key_id, account.bound))
        except CannotBeOpenedError:
            raise UnreadableAccountError from None


def account_resealing(*, database: Database, vault: PaymentVault) -> Resealing:
    """Return what has the keys pass over to a new key of the installation."""
    return Resealing(
        database=database,
        sealing=vault.sealing,
        table=clinic_payment_accounts,
        about=(c.clinic_id, c.provider, c.name, c.is_live),
        bound=_bound,
    )


def _bound(row: Any) -> bytes:
    named = Named(
        provider=OwnProvider(row.provider), name=row.name, is_live=row.is_live, options={}
    )
    return bound_to(row.id, row.clinic_id, named)
