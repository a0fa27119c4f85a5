"""What one run of rooms does."""

from dataclasses import dataclass

MOST_DELIVERY_MS, MOST_CONNECTION_KB = 100.0, 100.0
"""The bars: the 99th percentile of a message's way, and the memory that a connection takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomsPlan:
    """Lengths in seconds. In each of the `rooms` are two parties; together they write `per_second`.

    `first` rooms are there before memory is looked at: a process that has served nobody yet grows
    for other reasons. `look` is how long the machine is watched before and behind. Without a
    verdict the figures are only told.
    """

    rooms: int = 500
    first: int = 20
    per_second: int = 500
    seconds: float = 20
    look: float = 1.0
    is_judged: bool = True

    @classmethod
    def quick(cls) -> "RoomsPlan":
        """Return the shortest run that touches everything; its figures say little."""
        return cls(rooms=10, first=4, per_second=40, seconds=1.0, look=0.05, is_judged=False)
