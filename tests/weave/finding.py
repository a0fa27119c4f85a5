"""What the tests of all weaves and models ask: many seeds, one twice, the first that is wrong."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from booking_lab.weave.many import run_all, woven
from booking_lab.weave.subjects import Subject
from booking_lab.weave.walking import Ask, State, Step
from booking_lab.weave.weaver import Weaver
from tests.postgres import TestServer


async def all_go_right(postgres: TestServer, subject: Subject, seeds: int) -> None:
    """Run them on two databases; each coincidence has to come."""
    async with postgres.database() as one, postgres.database() as other:
        report = await asyncio.to_thread(
            run_all, [one, other], range(seeds), tell=lambda _: None, subject=subject
        )
    # This file is no test, so pytest would not say what it compared.
    assert not report.wrong, "\n".join(report.lines())
    assert not report.missed(), "\n".join(report.lines())


async def same_again(weaver: Weaver, subject: Subject, *, seeds: int, times: int) -> None:
    for seed in range(seeds):
        traces = Counter[str]()
        for _ in range(1 + times):
            _, outcome = await woven(weaver, seed, subject)
            traces[outcome.trace()] += 1
        assert len(traces) == 1, seed


def until_wrong(
    right: Iterable[Step[State, Ask]], broken: Callable[[State, Ask], tuple[str, State]]
) -> list[Step[State, Ask]]:
    """Return the edges of a broken model, as far as the first that the right one has not.

    As far as that, both have the same ones in the same order.
    """
    edges = list[Step[State, Ask]]()
    for edge in right:
        code, after = broken(edge.before, edge.ask)
        edges.append(Step(edge.before, edge.ask, code, after))
        if (code, after) != (edge.code, edge.after):
            return edges
    raise AssertionError("the mutant changes nothing")


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
