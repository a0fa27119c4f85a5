"""Secrets of clinics: stored sealed, each for one account of one clinic."""

from uuid import UUID

from booking_system.notifications.application.own_channel_ports import SealedSecret
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import (
    Account,
    UnreadableChannelError,
    bound_to,
)
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.platform.sealing import CannotBeOpenedError, Sealing, unguessable_id
from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.shared_kernel.secret_hints import hint_of


class ChannelVault:
    """Seals secrets of accounts; what a secret is for is authenticated with it."""

    def __init__(self, keys: Keyring) -> None:
        """The first of the `keys` seals, each of them opens what it has sealed."""
        self.sealing = Sealing(keys.derived(Purpose.CLINIC_CHANNELS))

    @property
    def key_id(self) -> bytes:
        """The name of the key that seals."""
        return self.sealing.key_id

    def new_id(self) -> UUID:
        """Return an id of 122 random bits: addresses that providers call are found by it."""
        return unguessable_id()

    def sealed(
        self, secret: str, clinic_id: ClinicId, channel: Channel, account: Account
    ) -> SealedSecret:
        """Seal it."""
        kept = self.sealing.sealed(secret, bound_to(clinic_id, channel, account))
        return SealedSecret(sealed=kept.sealed, key_id=kept.key_id, hint=hint_of(secret))

    def opened(
        self,
        sealed: bytes,
        key_id: bytes,
        clinic_id: ClinicId,
        channel: Channel,
        account: Account,
    ) -> str:
        """Return the secret itself. Raises `UnreadableChannelError`."""
        try:
            return self.sealing.opened(sealed, key_id, bound_to(clinic_id, channel, account))
        except CannotBeOpenedError:
            raise UnreadableChannelError from None
