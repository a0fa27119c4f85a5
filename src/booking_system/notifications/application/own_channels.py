"""Use cases: a clinic sends its messages through its own accounts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from booking_system.identity.domain.actor import Actor
from booking_system.notifications.application.own_channel_ports import (
    ChannelStore,
    CheckAccount,
    SealedSecret,
    Vault,
)
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import Account, OwnChannel
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

REST = timedelta(seconds=10)
"""So long after a try the same account is not tried again."""


async def may_see(store: ChannelStore, clinic_id: ClinicId, actor: Actor) -> None:
    """Let administrators of the clinic and of the platform pass.

    Raises `NotFound`, `NotPermitted`.
    """
    if not await store.has_clinic(clinic_id):
        raise NotFound
    if not actor.manages(clinic_id):
        raise NotPermitted


async def may_set(store: ChannelStore, clinic_id: ClinicId, actor: Actor) -> None:
    """Let administrators of the clinic itself pass: whom its patients' messages go to, it decides.

    Raises `NotFound`, `NotPermitted`.
    """
    await may_see(store, clinic_id, actor)
    if clinic_id not in actor.admin_of:
        raise NotPermitted


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowChannel:
    """Administrators see what is set, and how it does; never a secret."""

    store: ChannelStore

    async def __call__(
        self, *, clinic_id: ClinicId, channel: Channel, actor: Actor
    ) -> OwnChannel | None:
        """Return it; None: messages go through the platform's.

        Raises `NotFound`, `NotPermitted`.
        """
        await may_see(self.store, clinic_id, actor)
        return await self.store.of(clinic_id, channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChannel:
    """Administrators of a clinic name its account with a provider."""

    store: ChannelStore
    check: CheckAccount
    vault: Vault
    clock: Clock

    async def __call__(  # noqa: PLR0913
        self,
        *,
        clinic_id: ClinicId,
        channel: Channel,
        account: Account,
        secret: str | None,
        version: int | None,
        actor: Actor,
    ) -> OwnChannel:
        """Without a `secret` the present one stays, if it is for the same account.

        Raises `NotFound`, `NotPermitted`, `Invalid`, `Stale`.
        """
        await may_set(self.store, clinic_id, actor)
        present = await self.store.of(clinic_id, channel)
        check_seen(version, present.version if present else 0)
        if secret is None and (present is None or not present.account.is_as(account)):
            raise Invalid.field(
                f"/{account.provider}", "needs its secret: this account has none here", "missing"
            )
        await self.check(account)
        sealed = None
        if secret is not None:
            sealed = self.vault.sealed(secret, clinic_id, channel, account)
        # What was looked at is what is changed: a secret stays only with the account it is for.
        seen = 0 if present is None else present.version
        wanted = self._wanted(present, clinic_id, channel, account, sealed, actor)
        done = await self.store.put(wanted, sealed, version=seen)
        if done is None and version is None:
            # Somebody was quicker, and the caller does not mind: once more, with what is there now.
            raise Overtaken
        if done is None:
            raise Stale
        return done

    def _wanted(  # noqa: PLR0913, PLR0917
        self,
        present: OwnChannel | None,
        clinic_id: ClinicId,
        channel: Channel,
        account: Account,
        sealed: SealedSecret | None,
        actor: Actor,
    ) -> OwnChannel:
        new: Mapping[str, Any] = {
            "account": account,
            "changed_at": self.clock.now(),
            "changed_by": actor.user_id,
        }
        if sealed is not None:
            new = {**new, "hint": sealed.hint, "verified_at": None}
        new = {**new, "failed_at": None, "failure": None}
        if present is not None:
            return replace(present, version=present.version + 1, **new)
        return OwnChannel(
            id=self.vault.new_id(), clinic_id=clinic_id, channel=channel, version=1, **new
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DropChannel:
    """Messages go through the platform's accounts again; the secret is gone for good."""

    store: ChannelStore

    async def __call__(
        self, *, clinic_id: ClinicId, channel: Channel, version: int | None, actor: Actor
    ) -> None:
        """Raises `NotFound`, `NotPermitted`, `Stale`."""
        await may_see(self.store, clinic_id, actor)
        present = await self.store.delete(clinic_id, channel, version=version)
        check_seen(version, present)
        if not present:
            raise NotFound
