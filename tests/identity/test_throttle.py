"""Attempts are counted by account and by address, and refused with the time to wait."""

from uuid import UUID

import pytest
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage

from booking_system.identity.adapters.throttle import (
    QUOTAS,
    CountingThrottle,
    throttle_for,
)
from booking_system.identity.domain.refusals import RateLimited
from booking_system.identity.domain.throttling import (
    ACCOUNT,
    ADDRESS,
    CROWD,
    account_key,
    address_key,
    calendar_feed_key,
    crowd_key,
    invitation_key,
    link_key,
    lookup_key,
    overlap_keys,
    password_change_key,
    registration_key,
    reset_keys,
    staff_key,
    verification_key,
)
from booking_system.shared_kernel.identifiers import SessionId, UserId
from tests.identity.builders import ELSEWHERE, HOME

MINE, OTHER = account_key("a@example.com", HOME), account_key("b@example.com", HOME)
HERE = HOME
NOBODY = UUID(int=0)


def a_throttle() -> CountingThrottle:
    return CountingThrottle(
        {ACCOUNT: RateLimitItemPerSecond(2, 900), ADDRESS: RateLimitItemPerSecond(3, 600)}
    )


async def test_the_tightest_allowance_counts_down() -> None:
    throttle = a_throttle()

    first = await throttle.admit(address_key(HERE), MINE)
    second = await throttle.admit(address_key(HERE), MINE)

    assert (first.policy, first.quota, first.window, first.remaining) == (ACCOUNT, 2, 900, 1)
    assert (second.policy, second.remaining) == (ACCOUNT, 0)
    assert 890 <= second.reset <= 900


async def test_a_used_up_quota_refuses_and_says_for_how_long() -> None:
    throttle = a_throttle()
    for _ in range(2):
        await throttle.admit(MINE)

    with pytest.raises(RateLimited) as refused:
        await throttle.admit(MINE)

    assert 890 <= refused.value.extras["retry_after"] <= 900
    await throttle.admit(OTHER)


async def test_a_look_counts_nothing_and_says_what_an_attempt_would() -> None:
    throttle = a_throttle()
    for _ in range(5):
        await throttle.check(MINE)
    for _ in range(2):
        await throttle.admit(MINE)

    with pytest.raises(RateLimited) as refused:
        await throttle.check(OTHER, MINE)

    assert 890 <= refused.value.extras["retry_after"] <= 900
    assert (await throttle.admit(OTHER)).remaining == 1


async def test_an_address_is_limited_across_accounts() -> None:
    throttle = a_throttle()
    for number in range(3):
        await throttle.admit(address_key(HERE), account_key(f"{number}@example.com", HERE))

    with pytest.raises(RateLimited) as refused:
        await throttle.admit(address_key(HERE), account_key("3@example.com", HERE))

    assert refused.value.extras["retry_after"] <= 600
    assert (await throttle.admit(address_key(ELSEWHERE), MINE)).remaining == 1


async def test_what_the_address_refuses_does_not_count_for_the_account() -> None:
    throttle = a_throttle()
    for number in range(3):
        await throttle.admit(address_key(HERE), account_key(f"{number}@example.com", HERE))
    for _ in range(5):
        with pytest.raises(RateLimited):
            await throttle.admit(address_key(HERE), MINE)

    assert (await throttle.admit(MINE)).remaining == 1


async def test_forgiven_attempts_begin_anew() -> None:
    throttle = a_throttle()
    await throttle.admit(MINE)
    await throttle.admit(MINE)
    await throttle.forgive(MINE)
    assert (await throttle.admit(MINE)).remaining == 1


async def test_a_window_ends() -> None:
    throttle = CountingThrottle({ACCOUNT: RateLimitItemPerSecond(1, 1)})
    await throttle.admit(MINE)
    with pytest.raises(RateLimited) as refused:
        await throttle.admit(MINE)
    assert refused.value.extras["retry_after"] == 1
    throttle._limiter.storage.expirations.clear()  # type: ignore[attr-defined]
    assert (await throttle.admit(MINE)).remaining == 0


async def test_the_usual_quotas_know_every_kind_of_key() -> None:
    throttle = throttle_for(MemoryStorage(), rate_limit=True)
    change = password_change_key(UserId(NOBODY), SessionId(NOBODY))
    for key in (
        MINE,
        address_key(HERE),
        registration_key(HERE),
        lookup_key(NOBODY),
        staff_key(NOBODY),
        invitation_key(HERE),
        link_key(HERE),
        calendar_feed_key(NOBODY),
        *reset_keys("a@example.com", HERE),
        verification_key(UserId(NOBODY)),
        change,
        *overlap_keys(NOBODY, NOBODY),
    ):
        await throttle.check(key)
        assert await throttle.admit(key)
    assert not await throttle.is_crowded(crowd_key("a@example.com"))
    assert {kind: (quota.amount, quota.get_expiry()) for kind, quota in QUOTAS.items()} == {
        "account": (10, 900),
        "calendar_feed": (120, 3600),
        "address": (60, 900),
        "crowd": (20, 900),
        "password_change": (10, 900),
        "registration": (20, 3600),
        "lookup": (60, 900),
        "staff": (100, 3600),
        "invitation": (60, 900),
        "overlap_of_patient": (10, 86400),
        "overlap": (60, 86400),
        "link": (60, 900),
        "reset": (20, 3600),
        "reset_of_address": (5, 3600),
        "verification": (5, 3600),
    }


async def test_switched_off_it_limits_nothing() -> None:
    throttle = throttle_for(MemoryStorage(), rate_limit=False)
    for _ in range(100):
        assert await throttle.admit(MINE) is None
        await throttle.check(MINE)
    await throttle.forgive(MINE)


async def test_a_crowd_is_told_and_refused_nothing() -> None:
    throttle = CountingThrottle({CROWD: RateLimitItemPerSecond(2, 900)})
    key = crowd_key("a@example.com")
    assert [await throttle.is_crowded(key) for _ in range(4)] == [False, False, True, True]
    assert not await throttle.is_crowded(crowd_key("b@example.com"))


def test_keys_put_together_what_one_attacker_has() -> None:
    assert account_key("A@example.com ", HERE) == MINE != account_key("a@example.com", ELSEWHERE)
    assert crowd_key("A@example.com ") == crowd_key("a@example.com")
    assert "example" not in MINE + crowd_key("a@example.com")
    assert account_key("\ud800", HERE)
    assert crowd_key("\ud800")
    assert address_key(HERE) == f"address:{HERE.hex()}" != address_key(ELSEWHERE)
    assert registration_key(HERE) == f"registration:{HERE.hex()}"
