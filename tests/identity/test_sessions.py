"""Sessions: rotation, reuse, signing out, and a list that pages."""

import asyncio
from datetime import timedelta

import pytest

from booking_system.identity.adapters.tokens import DerivedRefreshTokens
from booking_system.identity.application.end_session import EndSession, ListSessions, SignOut
from booking_system.identity.domain.refusals import InvalidCredentials
from booking_system.identity.domain.session import Lifetimes
from booking_system.identity.domain.tokens import REPEAT_WINDOW
from booking_system.platform.keyring import Keyring
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import SessionId
from tests.identity.builders import LIFETIMES, NOON, SECOND, a_key
from tests.identity.world import World
from tests.patience import PATIENCE

DAY = timedelta(days=1)


def list_of(world: World) -> ListSessions:
    return ListSessions(transaction=world.transaction, lifetimes=world.lifetimes, clock=world.clock)


async def test_a_session_is_over_so_long_after_it_began_however_much_it_is_used(
    world: World,
) -> None:
    tokens = await world.session(await world.account())
    me = world.actor_of(tokens)
    for _ in range(89):
        world.clock.pass_by(DAY)
        tokens = await world.refresh()(refresh_token=tokens.refresh_token)
    world.clock.pass_by(DAY - SECOND)
    tokens = await world.refresh()(refresh_token=tokens.refresh_token)
    assert [one.id for one in await list_of(world)(actor=me, after=None, limit=5)] == [
        me.session_id
    ]

    world.clock.pass_by(SECOND)

    # A repeated answer would be one more token as well.
    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=tokens.refresh_token)
    assert await list_of(world)(actor=me, after=None, limit=5) == []


async def test_shorter_lifetimes_end_the_sessions_that_there_are(world: World) -> None:
    user_id = await world.account()
    unused, used = await world.session(user_id), await world.session(user_id)
    world.clock.pass_by(8 * DAY)
    used = await world.refresh()(refresh_token=used.refresh_token)
    world.lifetimes = Lifetimes.of_days(absolute=0, idle=7)

    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=unused.refresh_token)
    used = await world.refresh()(refresh_token=used.refresh_token)
    world.lifetimes = Lifetimes.of_days(absolute=8, idle=7)
    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=used.refresh_token)
    me = world.actor_of(used)
    assert await list_of(world)(actor=me, after=None, limit=5) == []


async def test_without_an_absolute_end_a_session_goes_on_as_long_as_it_is_used(
    world: World,
) -> None:
    world.lifetimes = Lifetimes.of_days(absolute=0, idle=30)
    tokens = await world.session(await world.account())
    for _ in range(40):
        world.clock.pass_by(29 * DAY)
        tokens = await world.refresh()(refresh_token=tokens.refresh_token)


async def test_a_refresh_token_is_traded_for_the_next(world: World) -> None:
    first = await world.session(await world.account())
    world.clock.pass_by(timedelta(days=29))

    second = await world.refresh()(refresh_token=first.refresh_token)
    third = await world.refresh()(refresh_token=second.refresh_token)

    assert len({one.refresh_token for one in (first, second, third)}) == 3
    assert world.actor_of(first) == world.actor_of(third)
    claims = world.access_tokens.verify(third.access_token)
    assert claims.expires_at - world.clock.now() == timedelta(minutes=10)


async def test_a_repeated_refresh_gets_the_same_successor_for_a_while(world: World) -> None:
    first = await world.session(await world.account())
    second = await world.refresh()(refresh_token=first.refresh_token)
    world.clock.pass_by(REPEAT_WINDOW)

    again = await world.refresh()(refresh_token=first.refresh_token)

    assert again.refresh_token == second.refresh_token
    await world.refresh()(refresh_token=again.refresh_token)


async def test_a_used_refresh_token_ends_the_family(world: World) -> None:
    user_id = await world.account()
    first, other = await world.session(user_id), await world.session(user_id)
    second = await world.refresh()(refresh_token=first.refresh_token)
    world.clock.pass_by(REPEAT_WINDOW + SECOND)

    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=first.refresh_token)

    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=second.refresh_token)
    await world.refresh()(refresh_token=other.refresh_token)


async def test_an_unused_refresh_token_expires(world: World) -> None:
    tokens = await world.session(await world.account())
    world.clock.pass_by(LIFETIMES.idle)

    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=tokens.refresh_token)


async def test_an_unknown_refresh_token_is_refused(world: World) -> None:
    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token="unknown")


async def test_another_key_cannot_repeat_an_answer_that_it_did_not_give(world: World) -> None:
    tokens = await world.session(await world.account())
    await world.refresh()(refresh_token=tokens.refresh_token)
    world.refresh_tokens = DerivedRefreshTokens(Keyring((a_key(),)))

    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=tokens.refresh_token)


async def test_those_that_refresh_at_once_get_the_same_successor(real_world: World) -> None:
    refresh = real_world.refresh()
    token = (await real_world.session(await real_world.account())).refresh_token

    # The first round merely opens the connections: only then do they really race.
    for _ in range(5):
        twins = await asyncio.gather(*(refresh(refresh_token=token) for _ in range(8)))
        (successor,) = {one.refresh_token for one in twins}
        assert successor != token
        token = successor


async def test_a_deleted_user_cannot_refresh(real_world: World) -> None:
    tokens = await real_world.session(await real_world.account())
    assert real_world.database is not None
    async with real_world.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE users SET deleted_at = now()")

    with pytest.raises(InvalidCredentials):
        await real_world.refresh()(refresh_token=tokens.refresh_token)


async def test_a_new_session_waits_for_nobody_who_holds_the_user(real_world: World) -> None:
    user_id = await real_world.account()
    async with real_world.transaction() as work:
        await work.accounts.lock(user_id)
        async with asyncio.timeout(PATIENCE / 2):
            await real_world.session(user_id)


async def test_signing_out_ends_the_session_for_good(world: World) -> None:
    tokens = await world.session(await world.account())
    actor = world.actor_of(tokens)
    sign_out = SignOut(transaction=world.transaction, clock=world.clock)

    await sign_out(actor=actor)
    await sign_out(actor=actor)

    with pytest.raises(InvalidCredentials):
        await world.refresh()(refresh_token=tokens.refresh_token)


async def test_only_the_owner_ends_a_session_and_only_once(world: World) -> None:
    user_id, other_id = await world.account(), await world.account("other@example.com")
    mine, phone = await world.session(user_id), await world.session(user_id)
    me, stranger = world.actor_of(mine), world.actor_of(await world.session(other_id))
    lost = world.actor_of(phone).session_id
    end = EndSession(transaction=world.transaction, clock=world.clock)

    with pytest.raises(NotFound):
        await end(session_id=lost, actor=stranger)
    with pytest.raises(NotFound):
        await end(session_id=SessionId(uuid7()), actor=me)
    await end(session_id=lost, actor=me)
    with pytest.raises(NotFound):
        await end(session_id=lost, actor=me)

    await world.refresh()(refresh_token=mine.refresh_token)


async def test_the_list_pages_through_living_sessions_newest_first(world: World) -> None:
    user_id = await world.account()
    await world.session(user_id, "too old")
    world.clock.pass_by(LIFETIMES.idle)
    agents = ["first", "second", "third", "fourth"]
    for agent in agents:
        world.clock.pass_by(SECOND)
        tokens = await world.session(user_id, agent)
    await world.session(await world.account("other@example.com"))
    me = world.actor_of(tokens)
    await SignOut(transaction=world.transaction, clock=world.clock)(actor=me)
    sessions = list_of(world)

    page = await sessions(actor=me, after=None, limit=1)
    rest = await sessions(actor=me, after=(page[0].created_at, page[0].id), limit=5)

    assert [one.user_agent for one in page] == ["third", "second"]
    assert [one.user_agent for one in rest] == ["second", "first"]
    assert rest[0].created_at == rest[0].last_used_at > NOON


async def test_a_long_name_of_a_device_is_cut(real_world: World) -> None:
    user_id = await real_world.account()
    me = real_world.actor_of(await real_world.session(user_id, "x" * 1000))
    sessions = list_of(real_world)

    (session,) = await sessions(actor=me, after=None, limit=5)

    assert session.user_agent == "x" * 300
