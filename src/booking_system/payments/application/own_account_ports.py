"""What a clinic's own accounts at providers of payments need from outside."""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from booking_system.payments.domain.own_account import (
    AccountKeys,
    Named,
    OwnAccount,
    OwnProvider,
)
from booking_system.shared_kernel.identifiers import ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKeys:
    """An account's keys as they are stored; `key_id` names the key that has sealed them."""

    sealed: bytes = field(repr=False)
    key_id: bytes


class AccountVault(Protocol):
    """Seals keys of clinics' accounts."""

    def sealed(self, keys: AccountKeys, account: OwnAccount) -> SealedKeys:
        """Seal them for this account and no other."""
        ...

    def new_id(self) -> UUID:
        """Return an id that nobody guesses."""
        ...


class CheckKeys(Protocol):
    """Asks a provider about keys before they are stored."""

    async def __call__(self, named: Named, keys: AccountKeys) -> bool:
        """Say whether the provider took them; False: it did not answer.

        Raises `PaymentKeysRefused`, and `Invalid` where they are another account's.
        """
        ...


class OwnAccountStore(Protocol):
    """Where accounts of clinics are kept."""

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Say whether there is such a clinic."""
        ...

    async def present(self, clinic_id: ClinicId, provider: OwnProvider) -> OwnAccount | None:
        """Return the account that new payments of a clinic begin at; None where it has none."""
        ...

    async def known(self, clinic_id: ClinicId, named: Named) -> OwnAccount | None:
        """Return the clinic's account of this name and mode, present or removed."""
        ...

    async def keys_of(self, account: OwnAccount) -> AccountKeys | None:
        """Return its keys; None: they were deleted. Raises `UnreadableAccountError`."""
        ...

    async def put(self, wanted: OwnAccount, keys: SealedKeys, *, seen: int) -> OwnAccount | None:
        """Store it as the present one, another one is removed; the version is drawn.

        `seen` is the version of the present one, 0 for none. None: the clinic's was changed since.
        """
        ...

    async def remove(
        self, clinic_id: ClinicId, provider: OwnProvider, *, version: int | None
    ) -> int:
        """Have nothing begin at the present account any more, if it has this version, or any.

        Return the version that was there; 0: there is none.
        """
        ...
