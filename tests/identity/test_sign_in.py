"""Signing in: the same answer and cost for whatever is wrong, and nothing is hashed in vain."""

import pytest
from argon2 import PasswordHasher

from booking_system.identity.adapters.passwords import Argon2Passwords
from booking_system.identity.application.sign_in import SignedIn
from booking_system.identity.domain.refusals import InvalidCredentials, RateLimited
from booking_system.identity.domain.session import EndedBecause
from booking_system.identity.domain.throttling import LATELY, account_key, address_key, crowd_key
from tests.identity.builders import (
    ELSEWHERE,
    EMAIL,
    HOME,
    PASSWORD,
    SECOND,
    an_allowance,
)
from tests.identity.world import RacingPasswords, World


async def sign_in(
    world: World, username: str = EMAIL, password: str = PASSWORD, network: bytes = HOME
) -> SignedIn:
    return await world.sign_in()(
        username=username, password=password, network=network, user_agent="Example Browser"
    )


async def test_the_right_password_begins_a_session(world: World) -> None:
    user_id = await world.account()

    signed = await sign_in(world)

    assert world.actor_of(signed.tokens).user_id == user_id
    assert signed.allowance == an_allowance()
    assert world.throttle.admitted == [address_key(HOME), account_key(EMAIL, HOME)]
    assert world.throttle.counted == [crowd_key(EMAIL)]
    assert world.throttle.forgiven == [account_key(EMAIL, HOME)]
    assert world.turns.taken == []


async def test_wrong_password_unknown_account_and_none_take_the_same_path(world: World) -> None:
    await world.account()
    await world.account("without@example.com", password=None)
    details = set()
    for username in (EMAIL, "unknown@example.com", "without@example.com"):
        with pytest.raises(InvalidCredentials) as refused:
            await sign_in(world, username, "not the password")
        details.add((refused.value.detail, str(refused.value.extras)))

    assert len(details) == 1
    assert len(world.passwords.verified) == 3
    assert world.passwords.verified[1:] == [None, None]
    assert world.throttle.forgiven == []


async def test_a_refused_attempt_is_never_hashed(world: World) -> None:
    await world.account()
    world.throttle.refuses = True

    with pytest.raises(RateLimited):
        await sign_in(world)

    assert world.passwords.verified == []


async def test_a_hash_made_too_cheaply_is_renewed(world: World) -> None:
    await world.account()
    async with world.transaction() as work:
        before = await work.accounts.by_email(EMAIL)
    dearer = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)
    world.passwords.real = Argon2Passwords(dearer, threads=1)

    await sign_in(world)

    async with world.transaction() as work:
        after = await work.accounts.by_email(EMAIL)
    assert before is not None
    assert after is not None
    assert before.password_hash != after.password_hash
    assert not world.passwords.outdated(after.password_hash or "")
    await sign_in(world)


@pytest.mark.parametrize(("times", "gets_in"), [(1, True), (2, False)])
async def test_a_hash_that_changed_meanwhile_is_looked_at_once_more(
    world: World, times: int, *, gets_in: bool
) -> None:
    await world.account()
    world.passwords = RacingPasswords(world=world, times=times)

    if gets_in:
        await sign_in(world)
    else:
        with pytest.raises(InvalidCredentials):
            await sign_in(world)
    assert len(world.passwords.verified) == 2


async def test_in_a_crowd_only_those_wait_who_come_from_elsewhere(world: World) -> None:
    await world.account()
    await sign_in(world)
    world.throttle.crowded = True

    await sign_in(world)
    assert world.turns.taken == []
    await sign_in(world, network=ELSEWHERE)
    assert world.turns.taken == [(crowd_key(EMAIL), 1)]
    # That was proof: from now on they come from there as well.
    await sign_in(world, network=ELSEWHERE)
    assert len(world.turns.taken) == 1


async def test_where_a_device_was_refreshed_its_owner_is_known(world: World) -> None:
    tokens = await world.session(await world.account(), network=HOME)
    world.throttle.crowded = True
    await world.refresh()(refresh_token=tokens.refresh_token, network=ELSEWHERE)

    await sign_in(world, network=ELSEWHERE)

    assert world.turns.taken == []


async def test_an_account_is_known_in_a_network_for_a_while_only(world: World) -> None:
    await world.session(await world.account(), network=HOME)
    world.throttle.crowded = True
    world.clock.pass_by(LATELY + SECOND)

    await sign_in(world)

    assert len(world.turns.taken) == 1


async def test_nobody_is_known_by_the_sessions_of_others(world: World) -> None:
    await world.session(await world.account(), network=HOME)
    await world.account("other@example.com")
    world.throttle.crowded = True

    await sign_in(world, "other@example.com")
    with pytest.raises(InvalidCredentials):
        await sign_in(world, "unknown@example.com")

    assert [key for key, _ in world.turns.taken] == [
        crowd_key("other@example.com"),
        crowd_key("unknown@example.com"),
    ]


@pytest.mark.parametrize("because", list(EndedBecause))
async def test_a_session_that_may_have_been_a_thiefs_makes_nobody_known(
    world: World, because: EndedBecause
) -> None:
    user_id = await world.account()
    thief = world.actor_of(await world.session(user_id, network=ELSEWHERE))
    async with world.transaction() as work:
        await work.sessions.end(thief.session_id, user_id, because, world.clock.now())
    world.throttle.crowded = True

    await sign_in(world, network=ELSEWHERE)

    assert (world.turns.taken == []) is (because is EndedBecause.SIGNED_OUT)
