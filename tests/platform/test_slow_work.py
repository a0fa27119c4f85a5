"""What is slow is done before a transaction begins, also where a request runs once for its key."""

import asyncio
from uuid import uuid4

import pytest
from httpx import Response

from booking_system.identity.adapters.passwords import Argon2Passwords
from booking_system.identity.domain.account import email_key
from booking_system.platform.http.idempotency import Idempotency
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.ticket import HeldConnectionError, waiting_elsewhere
from booking_system.shared_kernel.idempotency import IdempotencyKey
from tests.api import Api, Person, code_of
from tests.patience import PATIENCE

OLD, NEW = "three quiet otters", "four curious hares"
INSERT = "INSERT INTO outbox (id, name, payload, occurred_at) VALUES ($1, 'x', '{}', now())"


async def with_password(api: Api, person: Person) -> str:
    """Give somebody a password; return their address."""
    password_hash = await api.container.identity.passwords().hash(OLD)
    email = email_key(f"{person.user_id}@example.com")
    async with api.container.database().driver_transaction() as connection:
        await connection.execute(
            "UPDATE users SET password_hash = $2 WHERE id = $1", person.user_id, password_hash
        )
    return email


@pytest.mark.parametrize("opener", ["transaction", "driver_transaction", "reading", "looking"])
async def test_nobody_waits_elsewhere_with_a_connection(database: Database, opener: str) -> None:
    async with getattr(database, opener)():
        with pytest.raises(HeldConnectionError), waiting_elsewhere():
            pass
    with waiting_elsewhere():
        pass


async def test_a_whole_holds_nothing_until_it_is_needed(database: Database) -> None:
    begun = []

    async def first(_: object) -> None:
        begun.append(True)

    async with database.whole(first):
        async with database.looking() as core:
            await core.exec_driver_sql(INSERT, (uuid4(),))
        async with database.reading() as connection:
            await connection.execute("SELECT 1")
        with waiting_elsewhere():
            assert database.leases.in_use == 0
        assert not begun
        async with database.driver_transaction() as connection:
            await connection.execute(INSERT, uuid4())
        assert begun
        with pytest.raises(HeldConnectionError), waiting_elsewhere():
            pass
    with waiting_elsewhere():
        pass
    # What a look wrote is undone.
    async with database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 1


async def test_a_password_is_changed_with_a_key_and_holds_up_nobody(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await api.person()
    await with_password(api, person)
    held: list[int] = []

    async def watch(self: Argon2Passwords, work: object) -> object:
        with waiting_elsewhere():
            held.append(api.container.database().leases.in_use)
        return await in_thread(self, work)

    in_thread = Argon2Passwords._in_thread
    monkeypatch.setattr(Argon2Passwords, "_in_thread", watch)
    body, key = {"current_password": OLD, "new_password": NEW}, {"Idempotency-Key": uuid4().hex}
    first = await api.post("/v1/me/password", body, person, headers=key)
    hashed = len(held)
    again = await api.post("/v1/me/password", body, person, headers=key)

    assert [first.status_code, again.status_code] == [204, 204]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert hashed == 2
    # Sent again it hashes nothing, and the old password that it names is not looked at.
    assert held == [0, 0]


async def test_twins_that_change_a_password_are_both_told_that_it_is_done(api: Api) -> None:
    person = await api.person()
    email = await with_password(api, person)
    body, key = {"current_password": OLD, "new_password": NEW}, {"Idempotency-Key": uuid4().hex}
    twins = [api.post("/v1/me/password", body, person, headers=key) for _ in range(6)]
    answers = await asyncio.wait_for(asyncio.gather(*twins), PATIENCE)

    assert [code_of(answer) for answer in answers] == [(204, None)] * 6
    fresh = [one for one in answers if "Idempotent-Replayed" not in one.headers]
    assert len(fresh) == 1
    form = {"grant_type": "password", "username": email, "password": NEW}
    assert (await api.send("POST", "/v1/auth/token", data=form)).status_code == 200


async def test_who_is_refused_because_of_their_own_twin_is_told_what_the_twin_was(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await api.person()
    await with_password(api, person)
    body, key = {"current_password": OLD, "new_password": NEW}, {"Idempotency-Key": uuid4().hex}
    twins: list[Response] = []
    is_stored = Idempotency._is_stored

    async def overtaken(self: Idempotency, key_of_both: IdempotencyKey) -> bool:
        stored = await is_stored(self, key_of_both)
        monkeypatch.setattr(Idempotency, "_is_stored", is_stored)
        twins.append(await api.post("/v1/me/password", body, person, headers=key))
        return stored

    monkeypatch.setattr(Idempotency, "_is_stored", overtaken)
    twins.append(await api.post("/v1/me/password", body, person, headers=key))

    assert [code_of(twin) for twin in twins] == [(204, None)] * 2
    assert "Idempotent-Replayed" not in twins[0].headers
    assert twins[1].headers["Idempotent-Replayed"] == "true"


async def test_a_wrong_password_is_refused_with_a_key_as_without(api: Api) -> None:
    person = await api.person()
    await with_password(api, person)
    body, key = {"current_password": NEW, "new_password": NEW}, {"Idempotency-Key": uuid4().hex}
    for headers in ({}, key, key):
        answer = await api.post("/v1/me/password", body, person, headers=headers)
        assert code_of(answer) == (401, "invalid_credentials")
