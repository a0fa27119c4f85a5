"""Commits that do not arrive, or whose answers do not."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest

from booking_system.platform.postgres import driver_blocks

Commit = Callable[[], Awaitable[Any]]


def around_commits(
    monkeypatch: pytest.MonkeyPatch, around: Callable[[Commit], Awaitable[Any]]
) -> None:
    """Let `around` do each commit, or not. A savepoint's is none: it stores nothing."""
    of_block, of_transaction = driver_blocks.commit, asyncpg.transaction.Transaction.commit

    async def block(driver: asyncpg.Connection) -> Any:
        return await around(partial(of_block, driver))

    async def transaction(self: asyncpg.transaction.Transaction) -> None:
        do = partial(of_transaction, self)
        await (do() if self._nested else around(do))

    monkeypatch.setattr(driver_blocks, "commit", block)
    monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", transaction)
