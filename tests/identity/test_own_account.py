"""Somebody reads and changes their own profile and password; the platform gets its first admin."""

import asyncio

import pytest

from booking_system.identity.application.ensure_admin import ADMIN, EnsureAdmin
from booking_system.identity.application.own_profile import ChangeProfile, ReadProfile
from booking_system.identity.domain.account import ProfileChange
from booking_system.identity.domain.password import PasswordOwner
from booking_system.identity.domain.refusals import (
    EmailTaken,
    InvalidCredentials,
    PasswordTooWeak,
    RateLimited,
)
from booking_system.platform.uuid7 import RandomIdentities
from booking_system.shared_kernel.errors import Stale, Unauthenticated
from tests.identity.builders import EMAIL, HOME, NOON, PASSWORD, an_actor
from tests.identity.world import RacingPasswords, World

NEW_PASSWORD = "four curious hares"


async def test_a_profile_shows_account_and_roles(world: World) -> None:
    user_id = await world.account()
    async with world.transaction() as work:
        await work.accounts.grant(user_id, ADMIN, NOON)

    profile = await ReadProfile(transaction=world.transaction)(actor=an_actor(user_id=user_id))

    assert (profile.account.email, profile.grants) == (EMAIL, (ADMIN,))


async def test_a_profile_changes_only_from_the_version_that_was_read(world: World) -> None:
    actor = an_actor(user_id=await world.account())
    change = ChangeProfile(transaction=world.transaction, clock=world.clock)

    first = await change(change=ProfileChange(full_name="New Name"), version=1, actor=actor)
    with pytest.raises(Stale):
        await change(change=ProfileChange(full_name="Lost Name"), version=1, actor=actor)
    second = await change(change=ProfileChange(locale="en"), version=None, actor=actor)
    nothing = await change(change=ProfileChange(), version=3, actor=actor)

    assert (first.account.version, second.account.version) == (2, 3)
    assert nothing == second
    assert second.account.full_name == "New Name"


async def test_who_is_gone_has_no_profile_and_no_password(world: World) -> None:
    actor = an_actor()
    with pytest.raises(Unauthenticated):
        await ReadProfile(transaction=world.transaction)(actor=actor)
    with pytest.raises(Unauthenticated):
        await ChangeProfile(transaction=world.transaction, clock=world.clock)(
            change=ProfileChange(), version=None, actor=actor
        )
    with pytest.raises(Unauthenticated):
        await world.change_password()(
            current_password=PASSWORD, new_password=NEW_PASSWORD, actor=actor
        )


async def test_a_new_password_ends_all_other_sessions(world: World) -> None:
    user_id = await world.account()
    here, elsewhere = await world.session(user_id), await world.session(user_id)

    await world.change_password()(
        current_password=PASSWORD,
        new_password=NEW_PASSWORD,
        actor=world.actor_of(here),
    )

    await world.refresh()(refresh_token=here.refresh_token)
    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=elsewhere.refresh_token)
    signing_in = world.sign_in()
    with pytest.raises(InvalidCredentials):
        await signing_in(username=EMAIL, password=PASSWORD, network=HOME, user_agent=None)
    await signing_in(username=EMAIL, password=NEW_PASSWORD, network=HOME, user_agent=None)


async def test_a_wrong_current_password_changes_nothing(world: World) -> None:
    here = await world.session(await world.account())
    change = world.change_password()

    for current, new, refusal in (
        ("not the password", NEW_PASSWORD, InvalidCredentials),
        (PASSWORD, "short", PasswordTooWeak),
        (PASSWORD, EMAIL.upper(), PasswordTooWeak),
    ):
        with pytest.raises(refusal):
            await change(
                current_password=current,
                new_password=new,
                actor=world.actor_of(here),
            )
    assert world.passwords.hashed == 0
    assert world.throttle.forgiven == []


async def test_changing_the_password_is_throttled_before_hashing(world: World) -> None:
    here = await world.session(await world.account())
    world.throttle.refuses = True

    with pytest.raises(RateLimited):
        await world.change_password()(
            current_password=PASSWORD,
            new_password=NEW_PASSWORD,
            actor=world.actor_of(here),
        )
    assert world.passwords.verified == []


async def test_a_password_that_changed_meanwhile_is_not_changed_again(world: World) -> None:
    here = await world.session(await world.account())
    world.passwords = RacingPasswords(world=world)

    with pytest.raises(InvalidCredentials):
        await world.change_password()(
            current_password=PASSWORD,
            new_password=NEW_PASSWORD,
            actor=world.actor_of(here),
        )


def ensure_admin(world: World) -> EnsureAdmin:
    return EnsureAdmin(
        transaction=world.transaction,
        passwords=world.passwords,
        clock=world.clock,
        identities=RandomIdentities(),
    )


async def test_the_first_administrator_is_made_once(world: World) -> None:
    ensure = ensure_admin(world)

    assert await ensure(email=EMAIL, password=PASSWORD)
    assert not await ensure(email=EMAIL, password="quite another one")

    async with world.transaction() as work:
        account = await work.accounts.by_email(EMAIL)
        assert account is not None
        assert await work.accounts.grants_of(account.id) == [ADMIN]
    assert await world.passwords.verify(account.password_hash, PASSWORD)


async def test_who_claimed_the_administrators_address_gets_no_role(world: World) -> None:
    user_id = await world.account()

    with pytest.raises(EmailTaken):
        await ensure_admin(world)(email=EMAIL, password=NEW_PASSWORD)

    assert world.passwords.hashed == 0
    async with world.transaction() as work:
        assert await work.accounts.grants_of(user_id) == []


async def test_an_administrator_needs_a_password_that_holds(world: World) -> None:
    with pytest.raises(PasswordTooWeak):
        await ensure_admin(world)(email=EMAIL, password="password123")


async def test_processes_that_start_together_make_one_administrator(real_world: World) -> None:
    ensure = ensure_admin(real_world)

    made = await asyncio.gather(*(ensure(email=EMAIL, password=PASSWORD) for _ in range(4)))

    assert sorted(made) == [False, False, False, True]


async def test_who_registers_meanwhile_does_not_become_the_administrator(world: World) -> None:
    async def hash_while_a_rival_registers(password: str, owner: PasswordOwner) -> str:
        await world.account()
        return password

    world.passwords.hash_chosen = hash_while_a_rival_registers  # type: ignore[method-assign]

    with pytest.raises(EmailTaken):
        await ensure_admin(world)(email=EMAIL, password=PASSWORD)
