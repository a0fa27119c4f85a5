"""Pages that processes share: each is made once, none is old, and Redis is not believed."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import SecretStr

from booking_system.directory.adapters.public_lists import PostgresPublicLists
from booking_system.platform.http.kept_pages import SharedPage
from booking_system.platform.redis.pages import LARGEST_BYTES, RedisPages
from booking_system.platform.redis.shared import SharedRedis
from booking_system.scheduling.adapters.slot_search import PostgresSlotFinder
from tests.api import Api, running_api
from tests.platform.instances import numbers_in, total
from tests.platform.redis.conftest import KEYS, NAMES, at_last
from tests.platform.redis.valkey import Valkey, valkey
from tests.platform.two_instances import books_and_looks, shown
from tests.stage import Stage

LISTS = ("clinics", "doctors", "services")


class Two:
    """Two instances that share a Redis, and what their pages are read from."""

    def __init__(self, one: Api, other: Api, server: Valkey) -> None:
        self.one, self.other, self.server = one, other, server

    async def connected(self) -> None:
        if self.server.process is None:
            await self.server.start()
        self.server.go_on()
        for api in (self.one, self.other):
            await at_last(api.container.shared.redis())

    async def stored(self, count: int) -> list[str]:
        """Wait until Redis has so many pages; return their names."""
        names: list[bytes] = []
        while len(names) < count:
            found = await self.server.ask("KEYS", "booking:page:*")
            assert isinstance(found, list)
            names = found
        return sorted(name.decode() for name in names)


@pytest.fixture(scope="module")
async def both(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    place = tmp_path_factory.mktemp("sharing")
    with valkey() as server:
        await server.start()
        async with AsyncExitStack() as stack:
            apis = [
                await stack.enter_async_context(
                    running_api(stage.url, place, redis_url=SecretStr(server.url))
                )
                for _ in range(2)
            ]
            yield Two(*apis, server)


@pytest.fixture
async def two(both: Two, database_url: str) -> Two:
    """Connected, and Redis empty."""
    for api in (both.one, both.other):
        api.admin = await api.platform_admin()
    await both.connected()
    await both.server.ask("FLUSHALL")
    return both


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a page was read from the database to be made."""
    counts = Counter[str]()

    def counted(name: str, read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def noted(*given: Any, **more: Any) -> Any:
            counts[name] += 1
            return await read(*given, **more)

        return noted

    monkeypatch.setattr(PostgresSlotFinder, "find", counted("slots", PostgresSlotFinder.find))
    for name in LISTS:
        read = getattr(PostgresPublicLists, name)
        monkeypatch.setattr(PostgresPublicLists, name, counted(name, read))
    return counts


async def test_a_page_is_made_once_for_all_and_anew_after_each_change(
    two: Two, made: Counter[str]
) -> None:
    clinic = await two.one.clinic()
    doctor = await two.one.doctor(clinic)
    service = await two.one.service(clinic)
    await two.one.slots(doctor, 3)
    one_clinic, one_doctor = f"/v1/clinics/{clinic['id']}", f"/v1/doctors/{doctor['id']}"
    asked: dict[str, tuple[str, dict[str, Any], str, dict[str, str]]] = {
        "slots": (
            "/v1/slots",
            {"doctor_id": doctor["id"], "limit": 2},
            one_doctor,
            {"title": "Dr."},
        ),
        "clinics": ("/v1/clinics", {"q": "clinic"}, one_clinic, {"name": "Another clinic"}),
        "doctors": ("/v1/doctors", {"clinic_id": clinic["id"]}, one_doctor, {"title": "Prof."}),
        "services": (
            f"{one_clinic}/services",
            {},
            f"/v1/services/{service['id']}",
            {"name": "Another service"},
        ),
    }
    stored = 0
    for name, (path, query, changes, body) in asked.items():
        made.clear()
        first = await two.one.get(path, **query)
        assert first.status_code == 200
        assert len(first.json()["items"]) >= 1
        stored += 1
        await two.stored(stored)
        for api in (two.other, two.one, two.other):
            again = await api.get(path, **query)
            assert again.content == first.content
            assert again.headers.get("link") == first.headers.get("link")
            assert again.headers.get("etag") == first.headers.get("etag")
        assert made[name] == 1

        changed = await two.one.send("PATCH", changes, two.one.admin, json=body)
        assert changed.status_code == 200, changed.text
        after = await two.other.get(path, **query)
        assert after.content != first.content
        assert made[name] == 2
        stored += 1
        await two.stored(stored)


async def test_lists_that_differ_by_their_path_alone_are_two(two: Two, made: Counter[str]) -> None:
    clinics = [await two.one.clinic() for _ in range(2)]
    for clinic in clinics:
        await two.one.service(clinic)
    before = two.one.container.shared.looks().total()
    for _ in range(3):
        for clinic in clinics:
            found = await two.one.get(f"/v1/clinics/{clinic['id']}/services")
            assert [one["clinic_id"] for one in found.json()["items"]] == [clinic["id"]]
    assert made["services"] == 2
    assert two.one.container.shared.looks().total() == before + 2


async def flushed(two: Two) -> None:
    await two.server.ask("FLUSHALL")


async def stopped(two: Two) -> None:
    two.server.stop()


async def frozen(two: Two) -> None:
    two.server.freeze()


async def garbled(two: Two) -> None:
    for name in await two.stored(1):
        await two.server.ask("SETRANGE", name, "40", "XXXX")


async def mixed_up(two: Two) -> None:
    """Each page lies where another one belongs."""
    names = await two.stored(1)
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        await two.server.ask("RENAME", name, f"away:{other}")
    for name in names:
        await two.server.ask("RENAME", f"away:{name}", name)


async def of_another_kind(two: Two) -> None:
    for name in await two.stored(1):
        await two.server.ask("DEL", name)
        await two.server.ask("SADD", name, "x")


@pytest.mark.parametrize("disturb", [flushed, stopped, frozen, garbled, mixed_up, of_another_kind])
async def test_by_no_fault_of_redis_does_anybody_see_what_is_not_so(
    two: Two, disturb: Callable[[Two], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await books_and_looks(two.one, two.other, rounds=3)
    if disturb is frozen:
        monkeypatch.setattr("booking_system.platform.redis.shared.ANSWER_SECONDS", 0.05)
    await disturb(two)
    await books_and_looks(two.one, two.other, rounds=3)


@pytest.mark.parametrize("disturb", [garbled, mixed_up])
async def test_what_lies_in_redis_is_not_believed(
    two: Two, disturb: Callable[[Two], Awaitable[None]], made: Counter[str]
) -> None:
    doctors = [await two.one.doctor(await two.one.clinic()) for _ in range(2)]
    right = []
    for doctor in doctors:
        await two.one.slots(doctor, 2)
        right.append(await shown(two.one, {"doctor_id": doctor["id"]}))
    await two.stored(2)
    await disturb(two)
    made.clear()
    for doctor, slots in zip(doctors, right, strict=True):
        assert await shown(two.other, {"doctor_id": doctor["id"]}) == slots
    assert made["slots"] == 2, "what lay there was looked at, and left"


async def test_operators_see_what_redis_is_good_for(two: Two) -> None:
    doctor = await two.one.doctor(await two.one.clinic())
    await two.one.slots(doctor, 2)
    before = await counted(two.other)
    await shown(two.other, {"doctor_id": doctor["id"]})
    await two.stored(1)
    one = await counted(two.one)
    await shown(two.one, {"doctor_id": doctor["id"]})
    await shown(two.one, {"doctor_id": doctor["id"]})
    after = await counted(two.other)
    assert after["missing"] == before["missing"] + 1
    assert await counted(two.one) == one + Counter(found=1)
    assert after["used"] == 1
    two.server.stop()
    await two.other.container.shared.pages().find("slots", b"", 0)
    assert (await counted(two.other))["used"] == 0


async def counted(api: Api) -> Counter[str]:
    """What `/metrics` says of pages and of Redis."""
    await api.container.watching.place_watch().once()
    told = numbers_in((await api.get("/metrics")).text)
    return Counter(
        {
            "found": int(total(told, "booking_shared_pages_total", outcome="found")),
            "missing": int(total(told, "booking_shared_pages_total", outcome="missing")),
            "used": int(total(told, "booking_redis_used")),
        }
    )


async def test_what_is_good_for_one_caller_is_shared_with_nobody(two: Two) -> None:
    doctor = await two.one.doctor(await two.one.clinic())
    await two.one.slots(doctor, 2)
    own = {"doctor_id": doctor["id"], "exclude_my_conflicts": True}
    answer = await two.one.get("/v1/slots", await two.one.patient(), **own)
    assert answer.status_code == 200
    nothing = await two.one.get("/v1/slots", clinic_id=doctor["clinic_id"], mode="phone")
    assert nothing.json()["items"] == []
    # What was told before this would have arrived.
    await two.one.container.shared.redis().ask(("PING",))
    assert await two.server.ask("KEYS", "*") == []


async def test_a_name_tells_nothing_and_a_page_goes_after_a_while(two: Two) -> None:
    doctor = await two.one.doctor(await two.one.clinic())
    await two.one.slots(doctor, 2)
    await shown(two.one, {"doctor_id": doctor["id"]})
    (name,) = await two.stored(1)
    assert name.removeprefix("booking:page:").isalnum()
    assert doctor["id"] not in name
    left = await two.server.ask("TTL", name)
    assert isinstance(left, int)
    assert 0 < left <= 300


def some_pages(redis: SharedRedis, version: str) -> RedisPages:
    return RedisPages(redis, NAMES, keys=KEYS, version=version, outcomes=Counter())


async def test_another_version_of_the_program_has_its_own_pages(redis: SharedRedis) -> None:
    old, new = (some_pages(redis, version) for version in ("1.0", "1.1"))
    page = SharedPage("next", b'{"items":[]}')
    old.keep("slots", b"a=1", (1, 2), page)
    assert await old.find("slots", b"a=1", (1, 2)) == page
    assert await new.find("slots", b"a=1", (1, 2)) is None
    for other in (
        ("doctors", b"a=1", (1, 2)),
        ("slots", b"a=2", (1, 2)),
        ("slots", b"a=1", (1, 3)),
    ):
        assert await old.find(*other) is None


async def test_a_very_large_page_is_left_out(redis: SharedRedis) -> None:
    pages = some_pages(redis, "1.0")
    pages.keep("slots", b"", (1, 2), SharedPage(None, b"x" * LARGEST_BYTES))
    pages.keep("slots", b"", (1, 3), SharedPage(None, b"x" * (LARGEST_BYTES + 1)))
    assert await pages.find("slots", b"", (1, 3)) is None
    assert await pages.find("slots", b"", (1, 2)) is not None
