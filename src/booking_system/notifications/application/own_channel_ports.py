"""What a clinic's own accounts need from outside."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from booking_system.notifications.application.sending_ports import EmailCarrier, SmsCarrier
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import Account, OwnChannel, OwnSender
from booking_system.notifications.domain.sending import NotSentError
from booking_system.shared_kernel.identifiers import ClinicId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A secret as it is stored; `key_id` names the key that has sealed it."""

    sealed: bytes = field(repr=False)
    key_id: bytes
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who tries a channel: where they are reached, and in which language (a tag, or None)."""

    name: str
    email: str
    phone: str | None
    locale: str | None
    clinic_name: str


class Vault(Protocol):
    """Seals secrets of clinics, and opens them."""

    def sealed(
        self, secret: str, clinic_id: ClinicId, channel: Channel, account: Account
    ) -> SealedSecret:
        """Seal it for this account and no other."""
        ...

    def new_id(self) -> UUID:
        """Return an id that nobody guesses."""
        ...


class CheckAccount(Protocol):
    """Looks at an account before it is stored."""

    async def __call__(self, account: Account) -> None:
        """Raise `Invalid` for a host where nothing is sent, or a provider that is not there."""
        ...


class ChannelStore(Protocol):
    """Where accounts of clinics are kept."""

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Say whether there is such a clinic."""
        ...

    async def of(self, clinic_id: ClinicId, channel: Channel) -> OwnChannel | None:
        """Return the clinic's account; None where it has none."""
        ...

    async def put(
        self, wanted: OwnChannel, secret: SealedSecret | None, *, version: int | None
    ) -> OwnChannel | None:
        """Store it; without a `secret` the present one stays. None: the clinic's was changed since.

        `version` is what the caller has seen, 0 for none, None for any. Another secret has proved
        nothing yet.
        """
        ...

    async def delete(self, clinic_id: ClinicId, channel: Channel, *, version: int | None) -> int:
        """Take it away with its secret, if it has this version, or any (None).

        Return the version that was there; 0: there is none.
        """
        ...

    async def begin_try(self, channel_id: UUID, *, now: datetime, rest: timedelta) -> bool:
        """Note that it is tried; False: it was a moment ago."""
        ...

    async def note(self, own: OwnSender, *, failure: str | None, now: datetime) -> None:
        """Note that this version works (None), or why not."""
        ...

    async def person(self, user_id: UserId, clinic_id: ClinicId) -> Person | None:
        """Return who is asking."""
        ...


class OwnCarriers(Protocol):
    """Finds what carries a clinic's messages, and hears how it did."""

    async def email(self, own: OwnSender) -> EmailCarrier:
        """Return it. Raises `UnreadableChannelError`, `NotSentError` where it was just changed."""
        ...

    async def sms(self, own: OwnSender) -> SmsCarrier:
        """As for e-mails."""
        ...

    async def went_well(self, own: OwnSender) -> None:
        """Hear that the provider has taken a message."""
        ...

    async def failed(self, own: OwnSender, error: NotSentError | str) -> None:
        """Hear that it refuses all, or cannot be reached, or why it cannot be used."""
        ...


class TryCarriers(Protocol):
    """Makes carriers that do not wait long."""

    async def email(self, channel: OwnChannel) -> EmailCarrier:
        """Return it. Raises `UnreadableChannelError`."""
        ...

    async def sms(self, channel: OwnChannel) -> SmsCarrier:
        """As for e-mails."""
        ...
