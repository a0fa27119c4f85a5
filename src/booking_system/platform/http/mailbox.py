"""Bounded queues to clients: memory is kept for nobody who does not read."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

MOST_ITEMS = 64
MOST_BYTES = 256 * 1024
Item = TypeVar("Item")


class TooSlowError(Exception):
    """More has come than a client has read; what is missing it has to ask for again."""


@dataclass(slots=True)
class _Waiting(Generic[Item]):
    item: Item
    size: int
    key: Hashable | None


class Mailbox(Generic[Item]):
    """What many put and one client is sent, in order.

    Putting never waits: a slow reader delays nobody. It is told so, and its stream or
    socket ends.
    """

    def __init__(self, *, most_items: int = MOST_ITEMS, most_bytes: int = MOST_BYTES) -> None:
        """As many items and bytes as wait at most."""
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._items: deque[_Waiting[Item]] = deque()
        self._keyed: dict[Hashable, _Waiting[Item]] = {}
        self._bytes = 0
        self._something = asyncio.Event()
        self._is_too_full = self._is_closed = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._items)

    def put(self, item: Item, size: int, *, key: Hashable | None = None) -> bool:
        """Put an item of so many bytes; False where the client is too slow, or has gone.

        One with a `key` takes the place of another that waits with the same key: of these just the
        newest is worth sending.
        """
        if self._is_closed or self._is_too_full:
            return False
        older = None if key is None else self._keyed.get(key)
        if older is not None:
            self._bytes += size - older.size
            older.item, older.size = item, size
            return True
        if len(self._items) >= self._most_items or self._bytes + size > self._most_bytes:
            self._is_too_full = True
        else:
            waiting = _Waiting(item, size, key)
            self._items.append(waiting)
            self._bytes += size
            if key is not None:
                self._keyed[key] = waiting
        self._something.set()
        return not self._is_too_full

    def close(self) -> None:
        """Let no more in; what waits is handed out still."""
        self._is_closed = True
        self._something.set()

    async def items(self) -> AsyncGenerator[Item, None]:
        """Hand the items out until it is closed. Raises `TooSlowError` once it was too full."""
        while True:
            if self._is_too_full:
                raise TooSlowError
            if self._items:
                waiting = self._items.popleft()
                self._bytes -= waiting.size
                if waiting.key is not None:
                    del self._keyed[waiting.key]
                yield waiting.item
            elif self._is_closed:
                return
            else:
                self._something.clear()
                await self._something.wait()
