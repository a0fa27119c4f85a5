"""What is remembered about callers is relied on only while changes are being followed."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import pytest

from booking_system.identity.application.access_ports import AccessChange, RecentChanges
from booking_system.identity.application.authenticate import Authenticator
from booking_system.identity.application.follow_changes import (
    LONGEST_GAP_SECONDS,
    FollowChanges,
)
from booking_system.identity.application.known_actors import (
    DOUBT_SECONDS,
    TRUST_SECONDS,
    KnownActors,
)
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.identity.domain.tokens import ACCESS_LIFETIME
from booking_system.shared_kernel.errors import TokenExpired, Unauthenticated
from booking_system.shared_kernel.identifiers import SessionId, UserId
from tests.identity.builders import (
    NOON,
    FixedClock,
    Stopwatch,
    access_tokens,
    an_actor,
    trusted_actors,
)
from tests.patience import soon


@dataclass
class FakeAccess:
    """Says what each user may do, and counts how often it was asked."""

    grants: list[RoleGrant] | None = field(default_factory=list)
    asked: int = 0

    async def grants_in_force(
        self, user_id: UserId, session_id: SessionId
    ) -> list[RoleGrant] | None:
        self.asked += 1
        return self.grants


@dataclass
class FakeChanges:
    """Tells what a test put there; breaks when asked to."""

    changes: list[AccessChange] = field(default_factory=list)
    since_when: list[datetime | None] = field(default_factory=list)
    broken: bool = False

    async def since(self, moment: datetime | None) -> RecentChanges:
        if self.broken:
            raise ConnectionResetError
        self.since_when.append(moment)
        return RecentChanges(until=NOON, changes=list(self.changes))


@dataclass
class Door:
    """An authenticator with everything around it."""

    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    clock: FixedClock = field(default_factory=FixedClock)
    access: FakeAccess = field(default_factory=FakeAccess)

    def __post_init__(self) -> None:
        self.known = trusted_actors(self.stopwatch)
        self.opens = Authenticator(
            known=self.known, access_tokens=access_tokens(), access=self.access, clock=self.clock
        )
        self.user_id, self.session_id = UserId(uuid4()), SessionId(uuid4())
        token = access_tokens().sign(self.user_id, self.session_id, NOON)
        self.header = f"Bearer {token}"


async def test_a_token_is_looked_up_once_and_then_remembered() -> None:
    door = Door()
    door.access.grants = [RoleGrant(role=Role.PLATFORM_ADMIN)]

    first, second = await door.opens(door.header), await door.opens(door.header)

    assert first == second
    assert first is not None
    assert (first.user_id, first.session_id) == (door.user_id, door.session_id)
    assert first.is_platform_admin
    assert door.access.asked == 1


async def test_no_header_is_an_anonymous_caller() -> None:
    assert await Door().opens(None) is None


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcg==", "bearer  x", "é"])
async def test_a_header_that_is_no_token_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        await Door().opens(header)


async def test_the_scheme_is_read_in_any_case() -> None:
    door = Door()
    assert await door.opens(door.header.replace("Bearer", "bEARER"))


async def test_an_expired_token_is_refused_remembered_or_not() -> None:
    remembered, fresh = Door(), Door()
    await remembered.opens(remembered.header)
    for door in (remembered, fresh):
        door.clock.pass_by(ACCESS_LIFETIME)
        with pytest.raises(TokenExpired):
            await door.opens(door.header)
    assert fresh.access.asked == 0


async def test_a_token_whose_session_is_over_is_refused_and_not_remembered() -> None:
    door = Door()
    door.access.grants = None
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await door.opens(door.header)
    assert door.access.asked == 2
    assert len(door.known) == 0


async def test_nothing_is_relied_on_without_a_look_at_the_changes() -> None:
    door = Door()
    await door.opens(door.header)
    door.stopwatch.seconds += TRUST_SECONDS

    await door.opens(door.header)

    assert door.access.asked == 2


async def test_a_doubted_user_is_not_remembered_until_the_doubt_is_over() -> None:
    door = Door()
    await door.opens(door.header)
    door.known.doubt(door.user_id)
    for asked in (2, 3):
        await door.opens(door.header)
        assert door.access.asked == asked

    door.stopwatch.seconds += DOUBT_SECONDS
    door.known.trust(door.stopwatch())
    assert door.known._doubted == {}
    for _ in range(2):
        await door.opens(door.header)
        assert door.access.asked == 4


def test_only_the_doubted_user_is_forgotten() -> None:
    known = trusted_actors(Stopwatch())
    mine, other = an_actor(), an_actor()
    known.remember("mine", mine, NOON)
    known.remember("other", other, NOON)

    known.doubt(mine.user_id)

    assert known.find("mine") is None
    assert known.find("other") == (other, NOON)


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    known = trusted_actors(Stopwatch(), most=32)
    both = an_actor()
    known.remember("first", both, NOON)
    known.remember("second", both, NOON)
    for number in range(30):
        known.remember(str(number), an_actor(), NOON)
    assert len(known) == 32

    known.remember("last", both, NOON)

    assert len(known) == 31
    assert known.find("first") is known.find("second") is None
    assert known.find("last") is not None
    assert known._tokens[both.user_id] == {"last"}
    assert len(known._tokens) == 31


async def test_each_change_is_applied_once() -> None:
    stopwatch, changes = Stopwatch(), FakeChanges()
    known = KnownActors(monotonic=stopwatch)
    follow = FollowChanges(known=known, changes=changes, monotonic=stopwatch)
    actor = an_actor()
    await follow.look()
    known.remember("token", actor, NOON)
    assert known.find("token") is not None

    changes.changes = [AccessChange(id=1, user_id=actor.user_id)]
    await follow.look()
    assert known.find("token") is None

    stopwatch.seconds += DOUBT_SECONDS
    await follow.look()
    known.remember("token", actor, NOON)
    assert known.find("token") is not None
    assert changes.since_when == [None, NOON, NOON]


async def test_after_a_long_gap_everything_is_forgotten() -> None:
    stopwatch = Stopwatch()
    known = KnownActors(monotonic=stopwatch)
    follow = FollowChanges(known=known, changes=FakeChanges(), monotonic=stopwatch)
    await follow.look()
    known.remember("token", an_actor(), NOON)

    stopwatch.seconds += LONGEST_GAP_SECONDS + 1
    await follow.look()

    assert known.find("token") is None
    assert len(known) == 0


def is_relied_on(known: KnownActors) -> bool:
    known.remember("token", an_actor(), NOON)
    return known.find("token") is not None


async def test_following_goes_on_after_a_failure_and_reports_it_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = "booking_system.identity.application.follow_changes"
    monkeypatch.setattr(f"{module}.PAUSE_SECONDS", 0.001)
    known, changes = KnownActors(), FakeChanges(broken=True)
    async with FollowChanges(known=known, changes=changes).running():
        known.remember("token", an_actor(), NOON)
        await soon(lambda: bool(caplog.records))
        assert known.find("token") is None
        changes.broken = False
        await soon(lambda: is_relied_on(known))
    assert [record.getMessage() for record in caplog.records] == [
        "access changes cannot be read: ConnectionResetError"
    ]
    looks = len(changes.since_when)
    await asyncio.sleep(0.01)
    assert len(changes.since_when) == looks
