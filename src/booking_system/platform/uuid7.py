"""UUID version 7 (RFC 9562, section 5.7): sorted by time, so that indexes grow at one end."""

from datetime import datetime
from os import urandom
from time import time_ns
from uuid import UUID


def uuid7() -> UUID:
    """Return 48 bits of milliseconds, 12 of their fraction, and 62 random bits.

    The fraction in place of random bits (RFC 9562, section 6.2, method 3) tells moments of 0.25 µs
    apart, less than a call takes: what one process makes is sorted in the order of its making.
    """
    milliseconds, rest = divmod(time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    random = int.from_bytes(urandom(8), "big") >> 2
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)


def first_of(moment: datetime) -> UUID:
    """Return the smallest version 7 of the millisecond of an aware `moment`."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62)


class RandomIdentities:
    """The real maker of identities."""

    def new(self) -> UUID:
        """Return a fresh UUID, version 7."""
        return uuid7()
