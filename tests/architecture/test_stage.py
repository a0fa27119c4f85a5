"""What tests share is as good as their own, and what a run may make is counted."""

from typing import Any

import asyncpg
import pytest
from fastapi import Response

from booking_system.identity.domain.policies import public
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.routing import Routes
from booking_system.platform.postgres.transaction import Database
from tests import budget
from tests.api import Api, code_of
from tests.stage import Stage


async def read_things() -> Response:
    """Read them."""
    return json_answer([])


THINGS = Routes("Things")
THINGS.add("GET", "/v1/things", read_things, policy=public, asks_who=False, answers=None)
ROWS = "SELECT (SELECT count(*) FROM clinics) + (SELECT count(*) FROM time_slots)"


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_test_finds_only_what_it_made(api: Api, turn: int) -> None:
    async with api.container.database().reading() as connection:
        assert await connection.fetchval(ROWS) == 0
        assert await connection.fetchval("SELECT count(*) FROM users") == 1
    await api.slot()


async def test_the_application_and_connections_beside_it_see_the_same_rows(
    api: Api, database: Database, database_url: str
) -> None:
    await api.slot()
    async with database.reading() as connection:
        assert await connection.fetchval(ROWS) == 2
    assert api.container.settings().database_url == database_url


async def test_each_set_of_settings_and_routes_has_one_application(stage: Stage) -> None:
    kinds: list[dict[str, Any]] = [{}, {"rate_limit": True}, {"routes": THINGS}]
    apps = []
    for kind in kinds * 2:
        await stage.clear()
        async with stage.api(**kind) as api:
            apps.append(api.app)
            assert api.container.settings().rate_limit is ("rate_limit" in kind)
            assert code_of(await api.get("/v1/things"))[0] == (200 if "routes" in kind else 404)
    assert apps[:3] == apps[3:]
    assert len(set(map(id, apps))) == 3


async def test_an_application_that_was_changed_is_told_and_not_used_again(stage: Stage) -> None:
    await stage.clear()
    with pytest.raises(AssertionError, match="not as it was"):
        async with stage.api() as api:
            api.app.state.idempotency = None
    async with stage.api() as another:
        assert another.app is not api.app


async def test_the_schema_of_what_is_shared_is_not_changed(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for statement in ("DROP INDEX uq_appointments_active_slot", "CREATE TABLE more (id int)"):
            with pytest.raises(asyncpg.RaiseError, match="own_api"):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_transaction_that_a_test_left_open_stops_nobody(stage: Stage) -> None:
    await stage.clear()
    left = await asyncpg.connect(stage.url)
    await left.execute("BEGIN; LOCK TABLE clinics")
    await stage.clear()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await left.execute("COMMIT")


def test_more_than_the_budget_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MADE", dict.fromkeys(budget.MOST, 0))
    assert budget.overspent() == []
    monkeypatch.setitem(budget.MADE, "databases", budget.MOST["databases"] + 1)
    (told,) = budget.overspent()
    assert "databases were made" in told
