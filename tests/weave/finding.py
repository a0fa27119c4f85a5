"""Looks for the first seed that goes wrong, where something is taken out of the program."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from booking_lab.weave.many import woven
from booking_lab.weave.subjects import Subject
from booking_lab.weave.weaver import Weaver


async def first_wrong(weaver: Weaver, subject: Subject, *, most: int, says: str = "") -> int:
    """What goes wrong has to be told in words that have these among them."""
    for seed in range(most):
        one, _ = await woven(weaver, seed, subject)
        if any(says in wrong for wrong in one.wrong):
            return seed
    raise AssertionError("nothing went wrong")


@asynccontextmanager
async def without_constraint(
    url: str, table: str, drop: str, add: str, *more: str
) -> AsyncIterator[None]:
    """Drop a constraint of a table; before it comes back all rows go that it forbids."""
    connection = await asyncpg.connect(url)
    # Triggers keep rows of the ledger.
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(f"ALTER TABLE {table} {drop}")
    try:
        yield
    finally:
        for one in (*more, table):
            await connection.execute(f"DELETE FROM {one}")
        await connection.execute(f"ALTER TABLE {table} {add}")
        await connection.close()


@asynccontextmanager
async def nothing_else() -> AsyncIterator[None]:
    yield


def soon_or_proof(names: Sequence[str], soon: Sequence[str]) -> list[object]:
    """Return parameters: some are found in `make test`, all in `make prove`."""
    return [name if name in soon else pytest.param(name, marks=pytest.mark.proof) for name in names]
