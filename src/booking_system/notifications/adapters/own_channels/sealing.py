"""Secrets of clinics: stored sealed, each for one account of one clinic."""

import hashlib
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from booking_system.notifications.application.own_channel_ports import SealedSecret
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import (
    Account,
    UnreadableChannelError,
    bound_to,
    hint_of,
)
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.shared_kernel.identifiers import ClinicId

NONCE_BYTES = 12
KEY_ID_BYTES = 8


class ChannelVault:
    """AES-256 in Galois/counter mode; what a secret is for is authenticated with it.

    A name stands beside each sealed secret for the key that sealed it: a digest, which tells
    nothing of the key.
    """

    def __init__(self, keys: Keyring) -> None:
        """The first of the `keys` seals, each of them opens what it has sealed."""
        derived = keys.derived(Purpose.CLINIC_CHANNELS)
        self._keys = {hashlib.sha256(key).digest()[:KEY_ID_BYTES]: AESGCM(key) for key in derived}
        self.key_id = next(iter(self._keys))
        """The name of the key that seals."""

    def new_id(self) -> UUID:
        """Return an id of 122 random bits: addresses that providers call are found by it."""
        return UUID(bytes=secrets.token_bytes(16), version=4)

    def sealed(
        self, secret: str, clinic_id: ClinicId, channel: Channel, account: Account
    ) -> SealedSecret:
        """Seal it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound = bound_to(clinic_id, channel, account)
        sealed = nonce + self._keys[self.key_id].encrypt(nonce, secret.encode(), bound)
        return SealedSecret(sealed=sealed, key_id=self.key_id, hint=hint_of(secret))

    def opened(
        self,
        sealed: bytes,
        key_id: bytes,
        clinic_id: ClinicId,
        channel: Channel,
        account: Account,
    ) -> str:
        """Return the secret itself. Raises `UnreadableChannelError`."""
        key = self._keys.get(key_id)
        if key is None:
            raise UnreadableChannelError
        bound = bound_to(clinic_id, channel, account)
        try:
            return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound).decode()
        except InvalidTag:
            raise UnreadableChannelError from None
