"""Tokens that show whose hold it is where nobody has signed in."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated
from uuid import UUID

from fastapi import Header

from booking_system.platform.keyring import Keyring, Purpose
from booking_system.shared_kernel.identifiers import HoldId

PREFIX = "ht_"
ID_BYTES = 16
SEAL_BYTES = 17
"""With the id, a multiple of three: base64 needs no padding."""
LONGEST = 100

HoldToken = Annotated[
    str | None,
    Header(
        alias="Hold-Token",
        max_length=LONGEST,
        description="Of a hold that was made without signing in",
    ),
]


class HoldTokens:
    """A token is the hold's id and a seal that only we can make, so none has to be stored."""

    def __init__(self, keys: Keyring) -> None:
        """`keys` are shared by all instances."""
        self._keys = keys.derived(Purpose.HOLD_TOKENS)

    def token_of(self, hold_id: HoldId) -> str:
        """Return the token that owns the hold."""
        seal = _seal(self._keys[0], hold_id)
        return PREFIX + urlsafe_b64encode(hold_id.bytes + seal).decode("ascii")

    def read(self, token: str | None) -> HoldId | None:
        """Return the hold whose token this is; None for anything else."""
        if token is None or not token.startswith(PREFIX) or len(token) > LONGEST:
            return None
        try:
            raw = urlsafe_b64decode(token.removeprefix(PREFIX))
        except ValueError:
            return None
        if len(raw) != ID_BYTES + SEAL_BYTES:
            return None
        hold_id = HoldId(UUID(bytes=raw[:ID_BYTES]))
        seals = [_seal(key, hold_id) for key in self._keys]
        return hold_id if any(hmac.compare_digest(raw[ID_BYTES:], seal) for seal in seals) else None


def _seal(key: bytes, hold_id: HoldId) -> bytes:
    return hmac.digest(key, hold_id.bytes, hashlib.sha256)[:SEAL_BYTES]
