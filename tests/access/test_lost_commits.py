"""Every operation that writes, while the answer to its commit is lost."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.access.table import ROWS, Row
from tests.access.test_matrix import ask
from tests.access.world import World, a_world
from tests.api import code_of
from tests.postgres import TestServer

READING = {"/v1/invitations/look-up"}
"""What is asked for by POST only because a token belongs into no address."""
WRITING = [row for row in ROWS if row.method != "GET" and row.may and row.path not in READING]


@pytest.fixture(scope="module")
async def world(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with postgres.database() as url, a_world(url, tmp_path_factory.mktemp("lost")) as made:
        yield made


@pytest.mark.parametrize("row", WRITING, ids=str)
async def test_whoever_loses_the_answer_to_a_commit_is_told_so(
    world: World, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = min(row.may)
    aim = await world.aim(row.on, name, fresh=True)
    commit = asyncpg.transaction.Transaction.commit

    async def commit_and_break(self: asyncpg.transaction.Transaction) -> None:
        await commit(self)
        # What is only a part of a transaction is not stored by that.
        if not self._nested:
            raise ConnectionResetError

    monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", commit_and_break)
    answer = await ask(world, row, name, aim)

    assert code_of(answer) == (503, "outcome_unknown")
    assert answer.headers["retry-after"]
