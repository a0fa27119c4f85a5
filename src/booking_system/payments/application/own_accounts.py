"""Use cases: a clinic takes money at its own account with a provider."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from booking_system.identity.domain.actor import Actor
from booking_system.payments.application.own_account_ports import (
    AccountVault,
    CheckKeys,
    OwnAccountStore,
)
from booking_system.payments.domain.own_account import (
    AccountKeys,
    Named,
    OwnAccount,
    OwnProvider,
    UnreadableAccountError,
)
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import (
    Invalid,
    NotFound,
    NotPermitted,
    Overtaken,
    Stale,
    check_seen,
)
from booking_system.shared_kernel.identifiers import ClinicId

KEY_FIELDS = {OwnProvider.STRIPE: "/secret_key", OwnProvider.PAYPAL: "/client_secret"}


async def may_see(store: OwnAccountStore, clinic_id: ClinicId, actor: Actor) -> None:
    """Let administrators of the clinic and of the platform pass.

    Raises `NotFound`, `NotPermitted`.
    """
    if not await store.has_clinic(clinic_id):
        raise NotFound
    if not actor.manages(clinic_id):
        raise NotPermitted


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOwnAccount:
    """Administrators see what is set; never a key."""

    store: OwnAccountStore

    async def __call__(
        self, *, clinic_id: ClinicId, provider: OwnProvider, actor: Actor
    ) -> OwnAccount | None:
        """Return it; None: money comes to the platform's. Raises `NotFound`, `NotPermitted`."""
        await may_see(self.store, clinic_id, actor)
        return await self.store.present(clinic_id, provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountWish:
    """What a clinic sets, as it says it.

    `key` None: the present one stays, if it is the same account; so do `webhooks`. `is_live` None:
    as the present account is, whose key stays.
    """

    provider: OwnProvider
    name: str
    is_live: bool | None
    options: dict[str, object]
    key: str | None = field(repr=False)
    webhooks: tuple[str, ...] | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOwnAccount:
    """Administrators of a clinic name its account: whom its patients pay, it decides itself.

    The installation says at which providers that is `allowed`.
    """

    store: OwnAccountStore
    check: CheckKeys
    vault: AccountVault
    clock: Clock
    allowed: Sequence[str]

    async def __call__(
        self, wish: AccountWish, *, clinic_id: ClinicId, version: int | None, actor: Actor
    ) -> OwnAccount:
        """Return it as it is stored.

        Raises `NotFound`, `NotPermitted`, `Invalid`, `PaymentKeysRefused`, `Stale`.
        """
        await may_see(self.store, clinic_id, actor)
        if clinic_id not in actor.admin_of:
            raise NotPermitted
        if wish.provider.value not in self.allowed:
            raise Invalid.field("", "the installation takes no money by it", "not_offered")
        present = await self.store.present(clinic_id, wish.provider)
        check_seen(version, present.version if present else 0)
        named = self._named(wish, present)
        known = await self.store.known(clinic_id, named)
        keys = await self._keys(wish, present, known)
        is_verified = await self.check(named, keys)
        wanted = self._wanted(clinic_id, named, keys, known, actor)
        if is_verified:
            wanted = replace(wanted, verified_at=wanted.changed_at)
        elif wish.key is not None:
            wanted = replace(wanted, verified_at=None)
        seen = 0 if present is None else present.version
        done = await self.store.put(wanted, self.vault.sealed(keys, wanted), seen=seen)
        if done is None and version is None:
            # Somebody was quicker, and the caller does not mind: once more, with what is there now.
            raise Overtaken
        if done is None:
            raise Stale
        return done

    def _named(self, wish: AccountWish, present: OwnAccount | None) -> Named:
        is_live = wish.is_live
        if is_live is None:
            is_live = present is not None and present.named.is_live
        return Named(provider=wish.provider, name=wish.name, is_live=is_live, options=wish.options)

    async def _keys(
        self, wish: AccountWish, present: OwnAccount | None, known: OwnAccount | None
    ) -> AccountKeys:
        kept = None if known is None else await self._kept(known)
        key = wish.key
        if key is None and known is not None and present is not None and known.id == present.id:
            key = None if kept is None else kept.key
        if key is None:
            where = KEY_FIELDS[wish.provider]
            raise Invalid.field(where, "is needed: this account has none here", "missing")
        webhooks = wish.webhooks
        if webhooks is None:
            webhooks = () if kept is None else kept.webhooks
        return AccountKeys(key=key, webhooks=webhooks)

    async def _kept(self, known: OwnAccount) -> AccountKeys | None:
        try:
            return await self.store.keys_of(known)
        except UnreadableAccountError:
            return None

    def _wanted(
        self,
        clinic_id: ClinicId,
        named: Named,
        keys: AccountKeys,
        known: OwnAccount | None,
        actor: Actor,
    ) -> OwnAccount:
        now = self.clock.now()
        return OwnAccount(
            id=self.vault.new_id() if known is None else known.id,
            clinic_id=clinic_id,
            named=named,
            hints=keys.hints(),
            version=0,
            created_at=now if known is None else known.created_at,
            changed_at=now,
            changed_by=actor.user_id,
            verified_at=None if known is None else known.verified_at,
            removed_at=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOwnAccount:
    """Money comes to the platform's account again; what had begun goes on at the removed one."""

    store: OwnAccountStore

    async def __call__(
        self, *, clinic_id: ClinicId, provider: OwnProvider, version: int | None, actor: Actor
    ) -> None:
        """Raises `NotFound`, `NotPermitted`, `Stale`."""
        await may_see(self.store, clinic_id, actor)
        present = await self.store.remove(clinic_id, provider, version=version)
        check_seen(version, present)
        if not present:
            raise NotFound
