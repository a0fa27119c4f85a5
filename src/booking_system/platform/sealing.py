"""Secrets that people hand over: stored sealed, and each bound to what it is for."""

import hashlib
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_ID_BYTES = 8


class CannotBeOpenedError(Exception):
    """None of the installation's keys opens it, or it is not of what it stands beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A secret as it is stored; `key_id` names the key that has sealed it."""

    sealed: bytes = field(repr=False)
    key_id: bytes


class Sealing:
    """AES-256 in Galois/counter mode; what a secret is for is authenticated with it.

    A name stands beside each sealed secret for the key that sealed it: a digest, which tells
    nothing of the key.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """`keys` are those of one purpose: the first seals, each opens what it has sealed."""
        self._keys = {hashlib.sha256(key).digest()[:KEY_ID_BYTES]: AESGCM(key) for key in keys}
        self.key_id = next(iter(self._keys))
        """The name of the key that seals."""

    def sealed(self, secret: str, bound: bytes) -> Sealed:
        """Seal it; it opens beside the same `bound` only."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._keys[self.key_id].encrypt(nonce, secret.encode(), bound)
        return Sealed(sealed=sealed, key_id=self.key_id)

    def opened(self, sealed: bytes, key_id: bytes, bound: bytes) -> str:
        """Return the secret itself. Raises `CannotBeOpenedError`."""
        key = self._keys.get(key_id)
        if key is None:
            raise CannotBeOpenedError
        try:
            return key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound).decode()
        except InvalidTag:
            raise CannotBeOpenedError from None


def unguessable_id() -> UUID:
    """Return an id of 122 random bits: addresses that providers call are found by it."""
    return UUID(bytes=secrets.token_bytes(16), version=4)
