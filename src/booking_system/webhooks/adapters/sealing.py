"""Secrets of endpoints: random, shown once, stored sealed."""

import base64
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from booking_system.platform.keyring import Keyring, Purpose
from booking_system.webhooks.application.endpoint_ports import NewSecret
from booking_system.webhooks.domain.endpoint import EndpointId

SECRET_BYTES = 32
NONCE_BYTES = 12
PREFIX = "whsec_"


class UnreadableSecretError(Exception):
    """None of the installation's keys opens it: the key that sealed it was taken away."""


class SealedSecrets:
    """AES-256 in Galois/counter mode; a sealed secret is good for its endpoint only."""

    def __init__(self, keys: Keyring) -> None:
        """The first of the `keys` seals, each of them opens."""
        self._keys = [AESGCM(key) for key in keys.derived(Purpose.WEBHOOK_SECRETS)]

    def new(self, endpoint_id: EndpointId) -> NewSecret:
        """Return a random one."""
        raw = secrets.token_bytes(SECRET_BYTES)
        text = PREFIX + base64.b64encode(raw).decode()
        return NewSecret(text=text, sealed=self.seal(raw, endpoint_id))

    def seal(self, raw: bytes, endpoint_id: UUID) -> bytes:
        """Return what is stored."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._keys[0].encrypt(nonce, raw, endpoint_id.bytes)

    def resealed(self, sealed: bytes, endpoint_id: UUID) -> bytes | None:
        """Return it as the first key seals it; None: that has sealed it, or nobody can open it."""
        for place, key in enumerate(self._keys):
            raw = _opened(key, sealed, endpoint_id)
            if raw is not None:
                return self.seal(raw, endpoint_id) if place else None
        return None

    def opened(self, sealed: bytes, endpoint_id: UUID) -> bytes:
        """Return the secret itself. Raises `UnreadableSecretError`."""
        for key in self._keys:
            raw = _opened(key, sealed, endpoint_id)
            if raw is not None:
                return raw
        raise UnreadableSecretError


def _opened(key: AESGCM, sealed: bytes, endpoint_id: UUID) -> bytes | None:
    try:
        return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], endpoint_id.bytes)
    except InvalidTag:
        return None
