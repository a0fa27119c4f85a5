"""UUID version 7 (RFC 9562, section 5.7): sorted by time, so that indexes grow at one end."""

from datetime import datetime
from os import urandom
from time import time_ns
from uuid import UUID


def uuid7() -> UUID:
    """Return 48 bits of milliseconds followed by 74 random bits."""
    milliseconds = time_ns() // 1_000_000
    random = int.from_bytes(urandom(10), "big")
    high = (random >> 62) & 0xFFF
    low = random & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def first_of(moment: datetime) -> UUID:
    """Return the smallest version 7 of the millisecond of an aware `moment`."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62)


class RandomIdentities:
    """The real maker of identities."""

    def new(self) -> UUID:
        """Return a fresh UUID, version 7."""
        return uuid7()
