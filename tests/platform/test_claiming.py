"""A key claimed before work outside of any transaction: whatever happens, it is done once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from booking_system.platform.http import entrance
from booking_system.platform.http.claiming import Claiming
from booking_system.platform.postgres import claims
from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.platform.postgres.idempotency import StoredAnswer
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.idempotency import (
    IdempotencyKey,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
)
from tests.access.repeating import IN_USE, REPLAYED, REUSED, losing_a_commit, named
from tests.api import Api, Person, code_of
from tests.platform.charges import Crash, Provider, charging
from tests.postgres import TestServer

OVER = "UPDATE idempotency_keys SET claimed_until = now() - interval '1 second' WHERE key = $1"
UNFINISHED = "SELECT count(*) FROM idempotency_keys WHERE claimed_until IS NOT NULL"


@pytest.fixture(scope="module")
async def shop(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Api, Provider]]:
    async with (
        postgres.database() as url,
        charging(url, tmp_path_factory.mktemp("shop")) as (api, provider),
    ):
        yield api, provider


@pytest.fixture
async def till(shop: tuple[Api, Provider]) -> "Till":
    api, provider = shop
    provider.__init__()  # type: ignore[misc]
    return Till(api, provider, await api.person())


class Till:
    """Somebody who charges, with one key."""

    def __init__(self, api: Api, provider: Provider, by: Person) -> None:
        self.api, self.provider, self.by = api, provider, by
        self.key = named()

    async def charge(self, amount: int = 4500) -> Response:
        return await self.api.post("/v1/charges", {"amount": amount}, self.by, headers=self.key)

    async def sql(self, statement: str, *values: object) -> Any:
        async with self.api.container.database().driver_transaction() as connection:
            return await connection.fetchval(statement, *values)

    async def wait_until_the_claim_is_over(self) -> None:
        await self.sql(OVER, self.key["Idempotency-Key"])


async def test_it_is_done_once_and_told_again(till: Till) -> None:
    first = await till.charge()
    again = await till.charge()

    assert (first.status_code, again.status_code) == (201, 201)
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json()["charge"] == first.json()["charge"]
    assert len(till.provider.asked) == 1
    assert await till.sql("SELECT replays FROM idempotency_keys WHERE key = $1", *key(till)) == 1


def key(till: Till) -> tuple[str]:
    return (till.key["Idempotency-Key"],)


def crash() -> None:
    raise Crash


def before(work: Callable[..., Any]) -> Callable[..., Any]:
    async def crashing(*_: object, **__: object) -> None:
        raise Crash

    return crashing


def behind(work: Callable[..., Any]) -> Callable[..., Any]:
    async def crashing(*said: object, **about: object) -> None:
        await work(*said, **about)
        raise Crash

    return crashing


Where = Callable[[pytest.MonkeyPatch, Provider], None]
STEPS: dict[str, tuple[Where, bool, int, bool]] = {
    "before the claim": (
        lambda patch, _: patch.setattr(claims, "claim_first", before(claims.claim_first)),
        False,
        0,
        False,
    ),
    "before the claim's commit": (
        lambda patch, _: patch.setattr(claims, "claim_first", behind(claims.claim_first)),
        False,
        0,
        False,
    ),
    "behind the claim": (
        lambda patch, _: patch.setattr(Claiming, "_claim", behind(Claiming._claim)),
        True,
        0,
        False,
    ),
    "before the outside effect": (
        lambda _, provider: setattr(provider, "before", crash),
        True,
        1,
        False,
    ),
    "behind the outside effect": (
        lambda _, provider: setattr(provider, "after", crash),
        True,
        1,
        False,
    ),
    "before the answer is stored": (
        lambda patch, _: patch.setattr(claims, "finish", before(claims.finish)),
        True,
        1,
        False,
    ),
    "before the finishing commit": (
        lambda patch, _: patch.setattr(claims, "finish", behind(claims.finish)),
        True,
        1,
        False,
    ),
    "before the answer is told": (
        lambda patch, _: patch.setattr(Claiming, "_finish", behind(Claiming._finish)),
        False,
        1,
        True,
    ),
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_at_any_step_is_made_up_for(
    till: Till, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash_there, is_claimed, asked, is_finished = STEPS[step]
    with monkeypatch.context() as patch:
        crash_there(patch, till.provider)
        with pytest.raises(Crash):
            await till.charge()
    till.provider.before = till.provider.after = lambda: None
    assert len(till.provider.asked) == asked
    if is_claimed:
        refused = await till.charge()
        assert code_of(refused) == IN_USE
        assert 0 < int(refused.headers["retry-after"]) <= claims.LASTS.total_seconds()
        assert code_of(await till.charge(1)) == REUSED
        assert len(till.provider.asked) == asked
        await till.wait_until_the_claim_is_over()

    answer, again = await till.charge(), await till.charge()
    assert (answer.status_code, REPLAYED in answer.headers) == (201, is_finished)
    assert again.headers[REPLAYED] == "true"
    assert again.json()["charge"] == answer.json()["charge"]
    # The other machine was asked anew, and by the same name.
    assert len(till.provider.asked) == (asked if is_finished else asked + 1)
    assert len(set(till.provider.asked)) == len(till.provider.charges) == 1


async def test_no_connection_is_held_meanwhile(till: Till) -> None:
    held = []
    leases = till.api.container.database().leases
    till.provider.before = lambda: held.append(leases.in_use)
    assert (await till.charge()).status_code == 201
    assert held == [0]


async def test_a_twin_is_told_to_wait(till: Till) -> None:
    arrived, goes_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        arrived.set()
        await goes_on.wait()

    till.provider.before = slow
    first = asyncio.create_task(till.charge(), context=Context())
    await arrived.wait()
    twin = await till.charge()
    goes_on.set()

    assert code_of(twin) == IN_USE
    assert twin.headers["retry-after"]
    assert (await first).status_code == 201
    assert (await till.charge()).headers[REPLAYED] == "true"
    assert len(till.provider.asked) == 1


async def test_many_twins_are_one_charge(till: Till) -> None:
    answers = await asyncio.gather(
        *(asyncio.create_task(till.charge(), context=Context()) for _ in range(12))
    )
    told = {code_of(answer) for answer in answers}
    assert told <= {(201, None), IN_USE}
    assert (201, None) in told
    assert len(till.provider.asked) == 1


def refusing() -> None:
    raise NotPermitted


def unreachable() -> None:
    raise DependencyUnavailable(retry_after=1)


def broken() -> None:
    raise ZeroDivisionError


async def test_a_refusal_leaves_no_trace(till: Till) -> None:
    till.provider.before = refusing
    assert code_of(await till.charge()) == (403, "forbidden")
    assert code_of(await till.charge(17)) == (403, "forbidden")
    assert await till.sql(UNFINISHED) == 0
    # A new try is a new piece of work for the other machine as well.
    assert len(set(till.provider.asked)) == 2


async def test_nor_does_a_body_that_cannot_be_read(till: Till) -> None:
    wrong = await till.api.post("/v1/charges", {"amount": "much"}, till.by, headers=till.key)
    assert code_of(wrong) == (422, "validation_error")
    assert (await till.charge()).status_code == 201


@pytest.mark.parametrize("failing", [unreachable, broken])
async def test_what_came_of_it_is_asked_again_at_once(
    till: Till, failing: Callable[[], None]
) -> None:
    till.provider.after = failing
    assert (await till.charge()).status_code in {500, 503}
    till.provider.after = lambda: None
    answer = await till.charge()

    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    assert len(till.provider.asked) == 2
    assert len(till.provider.charges) == 1


async def test_a_refusal_behind_an_unknown_outcome_keeps_the_name(till: Till) -> None:
    till.provider.after = unreachable
    assert (await till.charge()).status_code == 503
    till.provider.before, till.provider.after = refusing, lambda: None
    assert code_of(await till.charge()) == (403, "forbidden")
    till.provider.before = lambda: None

    assert (await till.charge()).status_code == 201
    assert len(till.provider.asked) == 3
    assert len(set(till.provider.asked)) == 1


async def test_whoever_comes_back_late_changes_nothing(till: Till) -> None:
    arrived, goes_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        if not arrived.is_set():
            arrived.set()
            await goes_on.wait()

    till.provider.after = slow
    late = asyncio.create_task(till.charge(), context=Context())
    await arrived.wait()
    await till.wait_until_the_claim_is_over()
    quick = await till.charge()
    goes_on.set()
    told = await late

    assert (quick.status_code, told.status_code) == (201, 201)
    assert told.headers[REPLAYED] == "true"
    assert told.json()["charge"] == quick.json()["charge"]
    assert len(till.provider.charges) == 1


@pytest.mark.parametrize("happens", [True, False])
async def test_an_answer_lost_with_the_claims_commit_is_found_again(
    till: Till, *, happens: bool
) -> None:
    with losing_a_commit(happens=happens):
        assert code_of(await till.charge()) == (503, "outcome_unknown")
    if happens:
        assert code_of(await till.charge()) == IN_USE
        await till.wait_until_the_claim_is_over()
    answer = await patiently(till.charge)
    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    assert len(till.provider.charges) == 1


async def patiently(ask: Callable[[], Coroutine[Any, Any, Response]]) -> Response:
    """Until the server has noticed that the connection of the first try is gone."""
    for _ in range(20):
        answer = await ask()
        if code_of(answer) != IN_USE:
            break
    return answer


async def test_a_request_that_is_given_up_says_that_nobody_knows(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_ever() -> None:
        monkeypatch.setattr(entrance, "DEADLINE_SECONDS", 0.0)
        await asyncio.Event().wait()

    till.provider.after = for_ever
    assert code_of(await till.charge()) == (503, "outcome_unknown")
    monkeypatch.undo()
    till.provider.after = lambda: None
    assert code_of(await till.charge()) == IN_USE
    await till.wait_until_the_claim_is_over()
    assert (await till.charge()).status_code == 201
    assert len(till.provider.charges) == 1


async def test_without_a_key_each_request_is_work_of_its_own(till: Till) -> None:
    till.key = {}
    assert [(await till.charge()).status_code for _ in range(2)] == [201, 201]
    assert len(till.provider.charges) == 2


async def test_a_key_is_claimed_under_the_name_that_it_had(database: Database) -> None:
    old = IdempotencyKey(owner="network 1", operation="charge", key="k", fingerprint=b"1")
    new = IdempotencyKey(
        owner="network 2", operation="charge", key="k", fingerprint=b"2", formerly=(old,)
    )
    outside = uuid4()

    async def claim(one: IdempotencyKey) -> claims.Claim | StoredAnswer:
        async with database.driver_transaction() as connection:
            return await claims.claim_first(
                connection, one, now=datetime.now(UTC), outside_key=outside
            )

    first = await claim(old)
    with pytest.raises(IdempotencyKeyInUse):
        await claim(new)
    async with database.driver_transaction() as connection:
        await connection.execute(OVER, "k")
    second = await claim(new)
    assert isinstance(first, claims.Claim)
    assert isinstance(second, claims.Claim)
    assert second.outside_key == first.outside_key == outside.hex
    assert (second.owner, second.number) == ("network 1", 2)
    told = StoredAnswer(answer="201 /v1/charges", resource_ids=())
    async with database.driver_transaction() as connection:
        assert not await claims.finish(connection, first, told)
        assert await claims.finish(connection, second, told)
    assert await claim(new) == told
    other = IdempotencyKey(owner="network 1", operation="charge", key="k", fingerprint=b"3")
    with pytest.raises(IdempotencyKeyReused):
        await claim(other)
    with pytest.raises(IdempotencyKeyReused):
        await claim(
            IdempotencyKey(
                owner="x", operation="charge", key="k", fingerprint=b"3", formerly=(other,)
            )
        )


async def test_after_72_hours_a_key_is_claimed_anew(till: Till) -> None:
    assert (await till.charge()).status_code == 201
    age = "UPDATE idempotency_keys SET created_at = created_at - $2::interval WHERE key = $1"
    await till.sql(age, *key(till), timedelta(hours=73))
    answer = await till.charge()
    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    assert len(till.provider.charges) == 2
