"""Under which names this installation keeps things in a Redis that others may use, too.

No name of a person, a network or an address is told: a name is a keyed digest (BLAKE2, RFC 7693).
"""

import hashlib

from booking_system.platform.keyring import Keyring, Purpose

PREFIX = "booking"


class SharedNames:
    """Makes names that all processes of an installation make alike, and nobody else."""

    def __init__(self, keys: Keyring) -> None:
        """`keys` are shared by all processes."""
        self._key = keys.derived(Purpose.SHARED_NAMES)[0]

    def of(self, kind: str, *parts: object) -> bytes:
        """Return the name of one thing of this kind."""
        digest = hashlib.blake2b(repr(parts).encode(), key=self._key, digest_size=16)
        return f"{PREFIX}:{kind}:{digest.hexdigest()}".encode()
