"""Every operation that writes, while the answer to its commit is lost."""

from collections.abc import AsyncIterator

import pytest

from tests.access.table import ROWS, Row
from tests.access.test_matrix import ask
from tests.access.world import World, a_world
from tests.api import code_of
from tests.commits import Commit, around_commits
from tests.postgres import TestServer

READING = {
    "/v1/invitations/look-up",
    "/v1/clinics/{clinic_id}/message-templates/{kind}/{language}/preview",
    "/v1/uploads/{token}",
}
"""What is asked for by POST only because a token, or a template, belongs into no address; and bytes
that are stored in no database."""
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

    async def lost(commit: Commit) -> None:
        await commit()
        raise ConnectionResetError

    around_commits(monkeypatch, lost)
    answer = await ask(world, row, name, aim)

    assert code_of(answer) == (503, "outcome_unknown")
    assert answer.headers["retry-after"]
