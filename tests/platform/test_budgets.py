"""Each caller has a budget of reads and one of writes: generous, and their own."""

from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.platform.http.budgets import Budget, budgets_for
from tests.api import Api, Person, code_of, running_api

QUOTA = 6


class Stopwatch:
    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


def spend(budget: Budget, who: object) -> tuple[dict[str, str], int]:
    """What is told of what is left, and the seconds to wait: 0 where it was spent."""
    told, wait = budget.spend(who) or ([], 0)
    return {name.decode(): value.decode() for name, value in told}, wait


def test_all_may_be_spent_at_once_and_is_earned_again_bit_by_bit(watch: Stopwatch) -> None:
    budget = Budget("reads", QUOTA, monotonic=watch)
    told, waits = zip(*[spend(budget, "a") for _ in range(QUOTA)], strict=True)
    assert set(waits) == {0}
    assert told[:2] == ({}, {})
    assert told[2] == {"ratelimit-policy": '"reads";q=6;w=60', "ratelimit": '"reads";r=3;t=1'}
    assert [one["ratelimit"] for one in told[3:]] == [
        '"reads";r=2;t=1',
        '"reads";r=1;t=1',
        '"reads";r=0;t=10',
    ]
    refused = {"ratelimit-policy": '"reads";q=6;w=60', "ratelimit": '"reads";r=0;t=10'}
    assert spend(budget, "a") == (refused, 10)
    assert spend(budget, "b") == ({}, 0)
    watch.now += 9.9
    assert spend(budget, "a")[1] == 1
    watch.now += 0.1
    assert [spend(budget, "a")[1] for _ in range(2)] == [0, 10]


@pytest.mark.parametrize("pause", [0.0, 1.0, 7.0, 9.5, 30.0, 59.0])
def test_in_no_minute_does_anybody_get_more_than_twice_the_quota(
    watch: Stopwatch, pause: float
) -> None:
    budget, came = Budget("reads", QUOTA, monotonic=watch), []
    for _ in range(2000):
        if spend(budget, "a")[1]:
            watch.now += 0.25
        else:
            came.append(watch.now)
        watch.now += pause / 10
    assert all(sum(moment <= other < moment + 60 for other in came) <= 2 * QUOTA for moment in came)
    # And over a long time exactly what was agreed, where more was asked for.
    lasted = came[-1] - came[0]
    assert len(came) <= QUOTA * (lasted / 60 + 1) + 1


def test_nobody_is_forgotten_before_everything_is_earned_again(watch: Stopwatch) -> None:
    budget = Budget("reads", QUOTA, monotonic=watch)
    watch.now += 59.9
    for _ in range(QUOTA):
        budget.spend("a")
    for _ in range(40):
        watch.now += 0.2
        budget.spend(f"other {watch.now}")
    assert spend(budget, "a")[1] > 0


def test_those_who_are_gone_are_forgotten_and_a_flood_of_names_is_bounded(
    watch: Stopwatch,
) -> None:
    budget = Budget("reads", QUOTA, most=100, monotonic=watch)
    for number in range(1000):
        budget.spend(number)
        assert len(budget) <= 200
    for _ in range(2):
        watch.now += 61
        budget.spend("a")
    assert len(budget) <= 2


def budgeted(api: Api, patch: pytest.MonkeyPatch, reads: int = QUOTA, writes: int = QUOTA) -> None:
    budgets = budgets_for(rate_limit=True, reads=reads, writes=writes)
    patch.setitem(api.app.state._state, "budgets", budgets)


async def asked(api: Api, times: int, by: Person | None = None, path: str = "/v1/clinics") -> Any:
    return [code_of(await api.get(path, by)) for _ in range(times)]


OK, FULL = (200, None), (429, "rate_limited")


async def test_strangers_of_one_network_share_a_budget_and_no_other_does(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = await api.patient()
    budgeted(api, monkeypatch)

    assert await asked(api, QUOTA + 1) == [*[OK] * QUOTA, FULL]

    assert await asked(api, 1, patient) == [OK]
    transport = ASGITransport(api.app, client=("2001:db8:1:2::1", 1))
    async with AsyncClient(transport=transport, base_url="http://test") as elsewhere:
        answers = [await elsewhere.get("/v1/clinics") for _ in range(QUOTA)]
    assert {one.status_code for one in answers} == {200}
    transport = ASGITransport(api.app, client=("2001:db8:1:2:ffff::2", 1))
    async with AsyncClient(transport=transport, base_url="http://test") as household:
        assert code_of(await household.get("/v1/clinics")) == FULL


async def test_a_user_has_one_budget_on_all_devices_and_another_one_for_writes(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await api.person(RoleGrant(role=Role.PLATFORM_ADMIN))
    async with api.container.database().transaction() as connection:
        accounts = api.container.identity.accounts_of()(connection)
        tokens = await accounts.start_session(first.user_id, None, api.container.clock().now())
    second = Person(first.user_id, tokens.access_token)
    budgeted(api, monkeypatch)

    assert await asked(api, QUOTA, first, "/v1/me") == [OK] * QUOTA
    assert await asked(api, 1, second, "/v1/me") == [FULL]
    for _ in range(QUOTA):
        answer = await api.send("PATCH", "/v1/me", second, json={"locale": "de"})
        assert code_of(answer) == OK
    assert code_of(await api.send("PATCH", "/v1/me", first, json={"locale": "en"})) == FULL
    assert (await api.get("/v1/me", api.admin)).status_code == 200


async def test_an_answer_says_what_is_left_once_it_is_less_than_half(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgeted(api, monkeypatch, reads=4)
    answers: list[Response] = [await api.get("/v1/slots") for _ in range(5)]

    assert "ratelimit" not in answers[0].headers
    assert [one.headers["ratelimit"] for one in answers[2:]] == [
        '"reads";r=1;t=1',
        '"reads";r=0;t=15',
        '"reads";r=0;t=15',
    ]
    assert {one.headers["ratelimit-policy"] for one in answers[2:]} == {'"reads";q=4;w=60'}
    assert answers[-1].headers["retry-after"] == "15"
    assert "rate_limit" not in answers[-1].json()


async def test_machines_are_never_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    budgeted(api, monkeypatch, reads=1)
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert {(await api.get(path)).status_code for _ in range(3)} == {200}
    assert await asked(api, 2) == [OK, FULL]


async def test_a_replay_is_one_request_and_what_is_refused_has_no_effect(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = [await api.slot() for _ in range(2)]
    patient = await api.patient()
    budgeted(api, monkeypatch, reads=1, writes=3)
    booking = f"/v1/bookings/{(await api.book(slots[0], patient)).json()['id']}"
    key = {"headers": {"Idempotency-Key": "once"}}
    for _ in range(2):
        answer = await api.post(f"{booking}/cancel", {}, patient, **key)
        assert code_of(answer) == OK
    assert answer.headers["idempotent-replayed"] == "true"
    # Three writes; what was read to show the appointment again cost nothing.
    assert code_of(await api.book(slots[1], patient)) == FULL
    assert await asked(api, 1, patient, booking) == [OK]
    assert (await api.get(f"/v1/slots/{slots[1]['id']}", api.admin)).json()["status"] == "open"


async def test_a_head_is_a_read(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    budgeted(api, monkeypatch, reads=2, writes=1)
    for _ in range(2):
        assert (await api.send("HEAD", "/v1/clinics")).status_code == 200
    assert (await api.send("HEAD", "/v1/clinics")).status_code == 429


async def test_the_settings_switch_budgets_on_and_off(database_url: str, tmp_path: Path) -> None:
    for about, last in (
        ({"rate_limit": True, "reads_per_minute": 2}, FULL),
        ({"rate_limit": True, "reads_per_minute": 0}, OK),
        ({"rate_limit": True}, OK),
        ({"rate_limit": False, "reads_per_minute": 2}, OK),
    ):
        async with running_api(database_url, tmp_path, **about) as api:
            assert (await asked(api, 3))[-1] == last
