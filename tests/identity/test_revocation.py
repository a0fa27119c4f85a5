"""A revocation reaches every process within a second, and a lost database opens no door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from booking_system.identity.application.access_ports import AccessChanges, RecentChanges
from booking_system.identity.application.authenticate import Authenticator
from booking_system.identity.application.end_session import SignOut
from booking_system.identity.application.follow_changes import PAUSE_SECONDS, FollowChanges
from booking_system.identity.application.known_actors import TRUST_SECONDS, KnownActors
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.domain.tokens import Tokens
from booking_system.platform.keyring import Keyring
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.shared_kernel.errors import Transient, Unauthenticated, Unavailable
from booking_system.shared_kernel.identifiers import UserId
from tests.identity.builders import NOON, a_key, access_tokens, an_actor
from tests.identity.relay import Relay
from tests.identity.world import World
from tests.patience import soon


class Looks:
    """The changes of access, and how often somebody has looked at them."""

    def __init__(self, changes: AccessChanges) -> None:
        self._changes = changes
        self.begun = self.done = 0

    async def since(self, moment: datetime | None) -> RecentChanges:
        self.begun += 1
        recent = await self._changes.since(moment)
        self.done += 1
        return recent

    async def two_more(self) -> None:
        """Wait for a look that begins from now on to be over."""
        enough = self.done + 2
        await soon(lambda: self.done >= enough)


@dataclass
class Process:
    """What one process of several has of its own."""

    known: KnownActors
    opens: Authenticator
    follow: FollowChanges
    looks: Looks

    async def knows(self, tokens: Tokens) -> None:
        """Wait until it relies on what it remembers: not while it has not looked for a second."""
        await soon(lambda: self.known.find(tokens.access_token) is not None)


def a_process(world: World) -> Process:
    known, looks = KnownActors(), Looks(world.access)
    opens = Authenticator(
        known=known, access_tokens=world.access_tokens, access=world.access, clock=world.clock
    )
    follow = FollowChanges(known=known, changes=looks)
    return Process(known=known, opens=opens, follow=follow, looks=looks)


@pytest.fixture
async def other_process(real_world: World) -> AsyncIterator[Process]:
    process = a_process(real_world)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process.follow.running())
        await process.looks.two_more()
        yield process


def header_of(tokens: Tokens) -> str:
    return f"Bearer {tokens.access_token}"


async def looks_until_forgotten(process: Process, tokens: Tokens) -> int:
    """How many looks it takes from now on, one that is under way among them."""
    before = process.looks.done
    await soon(lambda: process.known._actors.get(tokens.access_token) is None)
    return process.looks.done - before


def test_two_looks_fit_into_a_second_and_who_cannot_look_relies_on_nothing_for_longer() -> None:
    assert 2 * PAUSE_SECONDS < 1
    assert TRUST_SECONDS <= 1


async def test_signing_out_reaches_another_process_within_a_second(
    real_world: World, other_process: Process
) -> None:
    tokens = await real_world.session(await real_world.account())
    await other_process.opens(header_of(tokens))
    await other_process.knows(tokens)

    await SignOut(transaction=real_world.transaction, clock=real_world.clock)(
        actor=real_world.actor_of(tokens)
    )
    looks = await looks_until_forgotten(other_process, tokens)

    assert looks <= 2
    with pytest.raises(Unauthenticated):
        await other_process.opens(header_of(tokens))


async def test_a_lost_role_reaches_another_process_within_a_second(
    real_world: World, other_process: Process
) -> None:
    user_id, (clinic_id, _) = await real_world.account(), await real_world.clinic()
    tokens = await real_world.session(user_id)
    async with real_world.transaction() as work:
        role = RoleGrant(role=Role.RECEPTIONIST, clinic_id=clinic_id)
        await work.accounts.grant(user_id, role, NOON)
    # As if the grant lay back far enough to be remembered.
    await other_process.looks.two_more()
    other_process.known._doubted.clear()
    before = await other_process.opens(header_of(tokens))
    await other_process.knows(tokens)

    async with real_world.transaction() as work:
        await work.accounts.revoke(user_id, clinic_id, NOON)
    looks = await looks_until_forgotten(other_process, tokens)

    after = await other_process.opens(header_of(tokens))
    assert looks <= 2
    assert before is not None
    assert after is not None
    assert before.works_at(clinic_id)
    assert not after.works_at(clinic_id)


async def test_a_lost_database_closes_the_door(database_url: str, tmp_path: Path) -> None:
    relay = Relay(sqlalchemy_url(database_url), tmp_path)
    database = Database.at(relay.url, pool_size=2)
    world = World.over(database)
    process = a_process(world)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        async with relay.opened():
            tokens = await world.session(await world.account())
            await stack.enter_async_context(process.follow.running())
            await process.looks.two_more()
            await process.opens(header_of(tokens))
            await process.knows(tokens)
        await asyncio.sleep(TRUST_SECONDS)

        assert process.known.find(tokens.access_token) is None
        for _ in range(3):
            with pytest.raises((Transient, Unavailable)):
                await process.opens(header_of(tokens))

        async with relay.opened():
            await process.knows(tokens)


async def test_the_reader_knows_sessions_users_and_roles(real_world: World) -> None:
    user_id, (clinic_id, _) = await real_world.account(), await real_world.clinic()
    me = real_world.actor_of(await real_world.session(user_id))
    role = RoleGrant(role=Role.RECEPTIONIST, clinic_id=clinic_id)
    access = real_world.access

    assert await access.grants_in_force(user_id, me.session_id) == []
    async with real_world.transaction() as work:
        await work.accounts.grant(user_id, role, NOON)
    assert await access.grants_in_force(user_id, me.session_id) == [role]
    assert await access.grants_in_force(an_actor().user_id, me.session_id) is None
    assert await access.grants_in_force(user_id, an_actor().session_id) is None

    assert real_world.database is not None
    async with real_world.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE users SET deleted_at = now()")
    assert await access.grants_in_force(user_id, me.session_id) is None


async def test_the_feed_overlaps_so_that_late_commits_are_seen(real_world: World) -> None:
    assert real_world.database is not None
    start = await real_world.access.since(None)
    assert start.changes == []
    user_id = await real_world.account()

    async with real_world.database.transaction() as slow:
        await slow.exec_driver_sql(f"INSERT INTO access_changes (user_id) VALUES ('{user_id}')")
        between = await real_world.access.since(start.until)
        assert between.changes == []
    after = await real_world.access.since(between.until)

    assert [change.user_id for change in after.changes] == [user_id]
    assert after.until >= between.until >= start.until
    later = await real_world.access.since(after.until)
    assert later.changes == after.changes


async def test_the_feed_does_not_reach_back_for_ever(real_world: World) -> None:
    assert real_world.database is not None
    async with real_world.database.transaction() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO access_changes (user_id, changed_at) VALUES"
            " (gen_random_uuid(), now() - interval '16 seconds')"
        )
    start = await real_world.access.since(None)
    assert (await real_world.access.since(start.until)).changes == []


async def test_every_change_of_access_is_written_down(real_world: World) -> None:
    user_id, (clinic_id, _) = await real_world.account(), await real_world.clinic()
    here, there = await real_world.session(user_id), await real_world.session(user_id)
    me, other = real_world.actor_of(here), real_world.actor_of(there)
    role = RoleGrant(role=Role.RECEPTIONIST, clinic_id=clinic_id)
    sign_out = SignOut(transaction=real_world.transaction, clock=real_world.clock)

    async def told() -> list[tuple[UserId, object]]:
        assert real_world.database is not None
        async with real_world.database.reading() as connection:
            rows = await connection.fetch(
                "WITH gone AS (DELETE FROM access_changes RETURNING id, user_id, session_id)"
                " SELECT user_id, session_id FROM gone ORDER BY id"
            )
        return [(row[0], row[1]) for row in rows]

    async with real_world.transaction() as work:
        await work.accounts.grant(user_id, role, NOON)
        await work.accounts.grant(user_id, role, NOON)
    assert await told() == [(user_id, None)]
    async with real_world.transaction() as work:
        await work.accounts.revoke(user_id, clinic_id, NOON)
        await work.accounts.revoke(user_id, clinic_id, NOON)
    assert await told() == [(user_id, None)]
    await real_world.change_password()(
        current_password="three quiet otters",
        new_password="four curious hares",
        actor=me,
    )
    assert await told() == [(user_id, None), (user_id, other.session_id)]
    await sign_out(actor=me)
    await sign_out(actor=me)
    assert await told() == [(user_id, me.session_id)]


async def test_an_undone_change_is_not_told(real_world: World) -> None:
    user_id = await real_world.account()
    start = await real_world.access.since(None)

    async def grant_and_fail() -> None:
        async with real_world.transaction() as work:
            await work.accounts.grant(user_id, RoleGrant(role=Role.PLATFORM_ADMIN), NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await grant_and_fail()
    assert (await real_world.access.since(start.until)).changes == []


async def test_a_token_of_another_key_never_reaches_the_database(real_world: World) -> None:
    process = a_process(real_world)
    me = real_world.actor_of(await real_world.session(await real_world.account()))
    forged = access_tokens(keys=Keyring((a_key(),))).sign(me.user_id, me.session_id, NOON)
    with pytest.raises(Unauthenticated):
        await process.opens(f"Bearer {forged}")
