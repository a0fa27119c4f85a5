"""A fleet changes its secret key one instance after the other, and nobody notices.

Step by step as SECURITY.md tells operators: publish the next key, sign with it, forget the old one.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import SecretStr

from booking_system.bootstrap.container import Container, close
from tests.api import Api, application_at, client_of, code_of
from tests.identity.builders import a_key
from tests.stage import Stage

OLD, NEW = a_key(), a_key()
BEFORE, PUBLISHED, SIGNS, AFTERWARDS = [OLD], [OLD, NEW], [NEW, OLD], [NEW]
ROLLING = [
    pytest.param(BEFORE, BEFORE, id="before"),
    pytest.param(BEFORE, PUBLISHED, id="one publishes"),
    pytest.param(PUBLISHED, PUBLISHED, id="all publish"),
    pytest.param(PUBLISHED, SIGNS, id="one signs"),
    pytest.param(SIGNS, SIGNS, id="all sign"),
    pytest.param(SIGNS, AFTERWARDS, id="one forgets"),
    pytest.param(AFTERWARDS, AFTERWARDS, id="all have forgotten"),
]
"""What two instances have at a time, while one of them is restarted after the other."""
PASSWORD = "three quiet otters"


@dataclass
class Fleet:
    """Instances on one database: of each row of keys as many as run at a time, made once."""

    url: str
    place: Path
    _made: dict[tuple[int, str], tuple[Container, FastAPI]] = field(default_factory=dict)

    @asynccontextmanager
    async def running(self, *each: Sequence[str]) -> AsyncIterator[list[Api]]:
        async with AsyncExitStack() as opened:
            yield [
                await opened.enter_async_context(client_of(*self._one(place, keys)))
                for place, keys in enumerate(each)
            ]

    def _one(self, place: int, keys: Sequence[str]) -> tuple[Container, FastAPI]:
        first, *others = keys
        beside = {"other_secret_keys": SecretStr("".join(others))} if others else {}
        name = (place, "".join(keys))
        if name not in self._made:
            self._made[name] = application_at(
                self.url, self.place, secret_key=SecretStr(first), **beside
            )
        return self._made[name]

    async def close(self) -> None:
        for container, _ in self._made.values():
            await close(container)


@pytest.fixture(scope="module")
async def instances(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    fleet = Fleet(stage.url, tmp_path_factory.mktemp("fleet"))
    yield fleet
    await fleet.close()


@pytest.fixture
def fleet(database_url: str, instances: Fleet) -> Fleet:
    return instances


async def registered(api: Api, name: str) -> dict[str, Any]:
    body = {"email": f"{name}@example.com", "password": PASSWORD, "full_name": "Example Person"}
    answer = await api.post("/v1/auth/register", body)
    assert answer.status_code == 201, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refreshed(api: Api, token: str) -> Any:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await api.send("POST", "/v1/auth/token", data=form)


async def is_signed_in(api: Api, tokens: dict[str, Any]) -> bool:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return (await api.send("GET", "/v1/me", headers=headers)).status_code == 200


async def published(api: Api) -> KeySet:
    return KeySet.import_key_set((await api.get("/.well-known/jwks.json")).json())


@pytest.mark.parametrize(("one", "other"), ROLLING)
async def test_what_one_instance_gives_the_other_takes(
    fleet: Fleet, one: list[str], other: list[str]
) -> None:
    async with fleet.running(one, other) as instances:
        for place, (giver, taker) in enumerate([instances, instances[::-1]]):
            tokens = await registered(giver, f"one-{place}")
            assert await is_signed_in(taker, tokens)
            # Programs that check tokens without us read the keys where they asked last.
            jwt.decode(tokens["access_token"], await published(taker), algorithms=["ES256"])

            # A lost answer, asked for again elsewhere.
            twins = [await refreshed(api, tokens["refresh_token"]) for api in (giver, taker)]
            assert [code_of(one) for one in twins] == [(200, None)] * 2
            assert len({one.json()["refresh_token"] for one in twins}) == 1
            assert (await refreshed(taker, twins[0].json()["refresh_token"])).status_code == 200

            await a_hold_goes_on(giver, taker, f"of-a-visitor-in-the-lobby-{place}")
            await a_key_is_known(giver, taker, tokens, f"of-a-patient-{place}")


async def a_hold_goes_on(giver: Api, taker: Api, key: str) -> None:
    slot = await giver.slot()
    body, header = {"time_slot_id": slot["id"]}, {"Idempotency-Key": key}
    held = await giver.post("/v1/holds", body, headers=header)
    again = await taker.post("/v1/holds", body, headers=header)
    assert [code_of(one) for one in (held, again)] == [(201, None)] * 2
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["id"] == held.json()["id"]
    for token in (held.json()["hold_token"], again.json()["hold_token"]):
        for api in (giver, taker):
            shown = await api.send("GET", held.headers["location"], headers={"Hold-Token": token})
            assert shown.status_code == 200
    other = await taker.post("/v1/holds", body | {"service_id": slot["id"]}, headers=header)
    assert code_of(other) == (422, "idempotency_key_reused")


async def a_key_is_known(giver: Api, taker: Api, tokens: dict[str, Any], key: str) -> None:
    headers = {"Authorization": f"Bearer {tokens['access_token']}", "Idempotency-Key": key}
    slot = await giver.slot()
    answers = [
        await api.post("/v1/bookings", {"time_slot_id": slot["id"]}, headers=headers)
        for api in (giver, taker)
    ]
    assert [code_of(one) for one in answers] == [(201, None)] * 2
    assert answers[1].headers["idempotent-replayed"] == "true"
    other = await taker.post("/v1/bookings", {"time_slot_id": slot["clinic_id"]}, headers=headers)
    assert code_of(other) == (422, "idempotency_key_reused")


async def test_nobody_is_signed_out_from_the_first_step_to_the_last(fleet: Fleet) -> None:
    async with fleet.running(BEFORE) as (api,):
        tokens = await registered(api, "long")
    for step in (PUBLISHED, SIGNS):
        async with fleet.running(step) as (api,):
            assert await is_signed_in(api, tokens)
            tokens = (await refreshed(api, tokens["refresh_token"])).json()
    async with fleet.running(AFTERWARDS) as (api,):
        assert await is_signed_in(api, tokens)
        assert (await refreshed(api, tokens["refresh_token"])).status_code == 200


async def test_a_key_that_is_forgotten_is_believed_no_more(fleet: Fleet) -> None:
    """After a leak there is no overlap: a holder of the old key is nobody."""
    async with fleet.running(BEFORE, AFTERWARDS) as (before, afterwards):
        tokens = await registered(before, "one")
        assert not await is_signed_in(afterwards, tokens)
        slot = await before.slot()
        held = await before.post("/v1/holds", {"time_slot_id": slot["id"]})
        token = {"Hold-Token": held.json()["hold_token"]}
        shown = await afterwards.send("GET", held.headers["location"], headers=token)
        assert shown.status_code == 404
        # Refresh tokens are kept by their fingerprints, which need no key: nobody has to sign in.
        assert (await refreshed(afterwards, tokens["refresh_token"])).status_code == 200


async def test_the_key_that_signs_is_published_first(fleet: Fleet) -> None:
    names = {}
    for step in (PUBLISHED, SIGNS):
        async with fleet.running(step) as (api,):
            answer = (await api.get("/.well-known/jwks.json")).json()["keys"]
            token = (await registered(api, f"{len(names)}"))["access_token"]
            names[token] = [key["kid"] for key in answer]
            signed_by = jwt.decode(token, await published(api), algorithms=["ES256"]).header["kid"]
            assert signed_by == names[token][0]
    first, second = names.values()
    assert len(set(first)) == 2
    assert first == second[::-1]
