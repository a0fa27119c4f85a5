"""Commits that do not arrive, or whose answers do not."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import asyncpg
import pytest

from booking_system.platform.postgres import driver_blocks
from booking_system.platform.postgres.driver_blocks import Last

Commit = Callable[[], Awaitable[Any]]


def around_commits(
    monkeypatch: pytest.MonkeyPatch, around: Callable[[Commit], Awaitable[Any]]
) -> None:
    """Let `around` do each commit, with what is sent along, or not.

    A savepoint's is none: it stores nothing.
    """
    of_block, of_transaction = driver_blocks.commit, asyncpg.transaction.Transaction.commit

    async def block(driver: asyncpg.Connection, last: Last | None = None) -> Any:
        return await around(partial(of_block, driver, last))

    async def transaction(self: asyncpg.transaction.Transaction) -> None:
        do = partial(of_transaction, self)
        await (do() if self._nested else around(do))

    monkeypatch.setattr(driver_blocks, "commit", block)
    monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", transaction)


def last_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a transaction's last statement where it is left: others meet it uncommitted."""

    async def run(self: driver_blocks.DriverTransaction[Any], last: Last) -> None:
        await last.run(self._driver)

    monkeypatch.setattr(driver_blocks.DriverTransaction, "_leave", run)
