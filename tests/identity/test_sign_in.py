"""Signing in: the same answer and cost for whatever is wrong, and nothing is hashed in vain."""

import pytest
from argon2 import PasswordHasher

from booking_system.identity.adapters.passwords import Argon2Passwords
from booking_system.identity.application.sign_in import SignedIn
from booking_system.identity.domain.refusals import InvalidCredentials, RateLimited
from booking_system.identity.domain.throttling import account_key, address_key
from tests.identity.builders import (
    EMAIL,
    PASSWORD,
    an_allowance,
)
from tests.identity.world import RacingPasswords, World

ADDRESS = "192.0.2.1"


async def sign_in(world: World, username: str = EMAIL, password: str = PASSWORD) -> SignedIn:
    return await world.sign_in()(
        username=username, password=password, address=ADDRESS, user_agent="Example Browser"
    )


async def test_the_right_password_begins_a_session(world: World) -> None:
    user_id = await world.account()

    signed = await sign_in(world)

    assert world.actor_of(signed.tokens).user_id == user_id
    assert signed.allowance == an_allowance()
    assert world.throttle.admitted == [address_key(ADDRESS), account_key(EMAIL)]
    assert world.throttle.forgiven == [account_key(EMAIL)]


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
