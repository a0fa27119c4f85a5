"""What the message outbox needs from storage."""

from collections.abc import Sequence
from typing import Protocol

from booking_system.notifications.domain.kept import KeptMessage


class KeptMessages(Protocol):
    """Messages that were kept instead of being sent, for some days."""

    async def add(self, message: KeptMessage) -> None:
        """Keep one more."""
        ...

    async def newest(self, *, to: str | None, limit: int) -> Sequence[KeptMessage]:
        """Return at most `limit` messages, the newest first.

        `to` is the address or number that they went to; capitals do not matter.
        """
        ...
