"""Guessing is slow from however many networks, and shuts nobody out who is known."""

import asyncio
import heapq
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import AsyncClient, Response

from booking_system.identity.adapters import throttle as counting
from booking_system.identity.adapters.throttle import CountingThrottle
from booking_system.identity.adapters.turns import PACE_SECONDS, PacedTurns
from booking_system.identity.application.sign_in import SignIn
from booking_system.identity.domain.refusals import InvalidCredentials, RateLimited
from tests.client import Client
from tests.identity.builders import EMAIL, NOON, PASSWORD
from tests.identity.hours import Hours
from tests.identity.site import Site, code_of
from tests.identity.world import World

WRONG = {"grant_type": "password", "username": EMAIL, "password": "not the password"}
RIGHT = WRONG | {"password": PASSWORD}
NEW = {"current_password": PASSWORD, "new_password": "four curious hares"}


def from_network(site: Site, number: int) -> AsyncClient:
    return Client(site.app, (f"198.51.100.{number}", 1))


async def guess(site: Site, number: int, times: int) -> list[Response]:
    async with from_network(site, number) as client:
        return [await client.post("/v1/auth/token", data=WRONG) for _ in range(times)]


class Naps:
    """Waits take no time; how long they would have lasted is kept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def naps(site: Site) -> Naps:
    """What the site's turns let people wait."""
    turns, naps = site.container.turns(), Naps()
    turns._monotonic, turns._sleep = naps, naps.sleep
    return naps


@pytest.mark.usefixtures("naps")
async def test_strangers_do_not_shut_the_owner_out(site: Site) -> None:
    tokens = await site.sign_in()
    for number in range(5):
        told = await guess(site, number, 8)
        assert {one.status_code for one in told} <= {401, 429}

    assert (await site.token(**RIGHT)).status_code == 200
    answer = await site.ask("POST", "/v1/me/password", tokens, json=NEW)
    assert answer.status_code == 204, answer.text


async def test_a_stranger_who_used_up_a_network_keeps_nobody_else_out(
    site: Site, naps: Naps
) -> None:
    (*tried, last) = await guess(site, 1, 11)
    assert {one.status_code for one in tried} == {401}
    assert code_of(last) == (429, "rate_limited")

    assert (await site.token(**RIGHT)).status_code == 200
    assert naps.slept == []


async def test_in_a_crowd_a_new_network_waits_a_moment_and_a_known_one_does_not(
    site: Site, naps: Naps
) -> None:
    await site.sign_in()
    for number in range(4):
        await guess(site, number, 6)
    waits = len(naps.slept)
    assert 0 < waits < 6
    assert max(naps.slept) <= PACE_SECONDS

    assert (await site.token(**RIGHT)).status_code == 200
    assert len(naps.slept) == waits
    async with from_network(site, 99) as client:
        assert (await client.post("/v1/auth/token", data=RIGHT)).status_code == 200
    assert len(naps.slept) == waits + 1


@pytest.mark.usefixtures("naps")
async def test_a_full_network_does_not_keep_its_people_from_a_new_password(site: Site) -> None:
    tokens = await site.sign_in()
    for number in range(80):
        await site.token(**WRONG | {"username": f"{number}@example.com"})
    assert code_of(await site.token(**RIGHT)) == (429, "rate_limited")

    answer = await site.ask("POST", "/v1/me/password", tokens, json=NEW)
    assert answer.status_code == 204, answer.text


async def test_a_stolen_session_does_not_guess_the_password(site: Site) -> None:
    tokens, other = await site.sign_in(), await site.sign_in()
    wrong = NEW | {"current_password": "not the password"}
    for _ in range(10):
        answer = await site.ask("POST", "/v1/me/password", tokens, json=wrong)
        assert code_of(answer) == (401, "invalid_credentials")

    answer = await site.ask("POST", "/v1/me/password", tokens, json=NEW)
    assert code_of(answer) == (429, "rate_limited")
    answer = await site.ask("POST", "/v1/me/password", other, json=NEW)
    assert answer.status_code == 204, answer.text


@dataclass
class Attack:
    """Guesses from many networks, each as fast as it may, against one account."""

    sign_in: SignIn
    hours: Hours
    until: float
    guesses: int = 0
    waits: list[float] = field(default_factory=list)

    async def try_once(self, network: bytes, password: str) -> bool | int:
        """True: signed in; False: a guess was spent; else the seconds to stay away."""
        try:
            await self.sign_in(username=EMAIL, password=password, network=network, user_agent=None)
        except InvalidCredentials:
            return False
        except RateLimited as refused:
            return int(refused.extras["retry_after"])
        return True

    async def guess_together(self, networks: int, part: int = 0) -> None:
        """Each guess from the network that may go next, one after the other: none is wasted."""
        free = [(0.0, b"%d of %d" % (number, part)) for number in range(networks)]
        while self.hours.now < self.until:
            moment, network = heapq.heappop(free)
            if moment > self.hours.now:
                await self.hours.sleep(moment - self.hours.now)
            told = await self.try_once(network, "not the password")
            if told is False:
                self.guesses += 1
            heapq.heappush(free, (self.hours.now + told, network))

    async def own(self, number: int) -> None:
        """The owner, each time in another hotel, who tries again when told to."""
        began = self.hours.now
        while (told := await self.try_once(b"hotel %d" % number, PASSWORD)) is not True:
            await self.hours.sleep(told or 1)
        self.waits.append(self.hours.now - began)


class Unhashed:
    """Passwords that cost nothing to check."""

    async def verify(self, _: str | None, password: str) -> bool:
        return password == PASSWORD

    def outdated(self, _: str) -> bool:
        return False


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Hours:
    """Hours by which quotas are counted as well."""
    hours = Hours()
    clock = SimpleNamespace(time=lambda: hours.now)
    monkeypatch.setattr(counting, "time", clock)
    monkeypatch.setattr("limits.aio.storage.memory.time", clock)
    return hours


async def begun(hours: Hours, *, for_hours: int) -> Attack:
    world = World.in_memory()
    await world.account()

    class Now:
        def now(self) -> Any:
            return NOON + timedelta(seconds=hours.now)

    sign_in = SignIn(
        transaction=world.transaction,
        passwords=Unhashed(),  # type: ignore[arg-type]
        throttle=CountingThrottle(),
        turns=PacedTurns(monotonic=hours, sleep=hours.sleep),
        clock=Now(),
    )
    return Attack(sign_in, hours, until=for_hours * 3600)


@pytest.mark.parametrize(
    ("networks", "an_hour", "hours"), [(1, 40, 2), (10, 400, 2), (32, 1280, 1), (500, 1280, 1)]
)
async def test_from_however_many_networks_only_so_much_is_guessed(
    passing: Hours, networks: int, an_hour: int, hours: int
) -> None:
    """960 guesses a day from each network, and never more than 30,720 at one account."""
    attack = await begun(passing, for_hours=hours)
    guessing = asyncio.create_task(attack.guess_together(networks))
    await passing.pass_by(attack.until + 1000, steps=8)
    await guessing

    # One more where the last begins at the very end.
    assert an_hour * hours <= attack.guesses <= an_hour * hours + 1


async def test_the_owner_gets_in_from_anywhere_while_many_guess(passing: Hours) -> None:
    attack = await begun(passing, for_hours=1)
    attack.until = 880
    tasks = [asyncio.create_task(attack.guess_together(200, part)) for part in range(3)]
    # By now each network has guessed, so that a caller from a new one goes first.
    await passing.pass_by(650, steps=8)
    for number in range(10):
        tasks.append(asyncio.create_task(attack.own(number)))
        await passing.pass_by(20, steps=8)
    await passing.pass_by(1000, steps=8)
    await asyncio.gather(*tasks)

    assert len(attack.waits) == 10
    assert max(attack.waits) <= PACE_SECONDS
