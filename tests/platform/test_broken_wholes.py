"""One transaction around several that breaks in the middle is run again as a whole."""

from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from booking_system.platform.postgres import idempotency
from booking_system.platform.postgres.retry import retrying
from booking_system.shared_kernel.errors import Transient
from tests.api import Api, code_of

NEW_CLINIC = {"name": "Example Clinic", "time_zone": "Europe/Berlin"}


async def test_a_part_is_not_tried_again_by_itself(api: Api) -> None:
    tries = 0

    async def fail() -> None:
        nonlocal tries
        tries += 1
        raise Transient

    with pytest.raises(Transient):
        async with api.container.database().whole():
            await retrying(fail)()

    assert tries == 1


async def test_what_could_not_begin_does_not_begin_later(api: Api) -> None:
    """A use case that bears with the first failure has no transaction without what comes first."""
    database = api.container.database()

    async def refuse(_: asyncpg.Connection) -> None:
        raise Transient("taken")

    async with database.whole(refuse) as whole:
        for _ in range(2):
            with pytest.raises(Transient, match="taken"):
                async with database.driver_transaction():
                    raise AssertionError
        assert whole.has_begun
        with pytest.raises(Transient, match="taken"):
            await whole.begun()


@pytest.mark.parametrize(
    "breaking",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$ BEGIN RAISE EXCEPTION SQLSTATE '40P01'; END $$",
    ],
    ids=["the connection dies", "a deadlock"],
)
async def test_what_broke_in_the_middle_is_done_again_and_once(
    api: Api, monkeypatch: pytest.MonkeyPatch, breaking: str
) -> None:
    answer, broken = idempotency.answer, 0

    async def break_first(connection: asyncpg.Connection, *about: object) -> None:
        nonlocal broken
        broken += 1
        if broken == 1:
            await connection.execute(breaking)
        await answer(connection, *about)  # type: ignore[arg-type]

    monkeypatch.setattr(idempotency, "answer", break_first)
    key, body = {"Idempotency-Key": uuid4().hex}, NEW_CLINIC | {"slug": f"new-{uuid4().hex[:12]}"}

    made = await api.post("/v1/clinics", body, api.admin, headers=key)
    again = await api.post("/v1/clinics", body, api.admin, headers=key)

    assert [code_of(one) for one in (made, again)] == [(201, None)] * 2
    assert made.json()["id"] == again.json()["id"]
    assert broken == 2
    found = (await api.get("/v1/clinics", slug=body["slug"])).json()["items"]
    assert len(found) == 1


async def test_a_look_inside_of_a_whole_leaves_nothing_behind(api: Api) -> None:
    """What it writes is undone, what stood before it stays, and the connection is as it was."""
    database = api.container.database()
    told = "INSERT INTO outbox (id, name, payload, occurred_at) SELECT $1, $2, '{}', now()"
    name = f"look {uuid4()}"
    async with database.whole():
        async with database.driver_transaction() as connection:
            await connection.execute(told, uuid4(), name)
        async with database.looking() as look:
            seen = await look.scalar(
                text("SELECT count(*) FROM outbox WHERE name = :n"), {"n": name}
            )
            assert seen == 1
            await look.execute(text("DELETE FROM outbox WHERE name = :n"), {"n": name})
    for _ in range(20):
        async with database.transaction() as again:
            count = text("SELECT count(*) FROM outbox WHERE name = :n")
            assert await again.scalar(count, {"n": name}) == 1
