"""Searches read a replica, and nobody can tell: not by what they see, and not by an error."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from sqlalchemy import text

from booking_system.bootstrap import migrations, replica_check, survival
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres import searches
from booking_system.platform.postgres.faults import OutcomeUnknown, Said
from booking_system.platform.postgres.leases import Lease
from booking_system.platform.postgres.searches import Place, Position, Replica, Searches
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.shared_kernel.errors import Transient
from tests.api import Api, running_api
from tests.patience import PATIENCE, soon
from tests.platform.two_instances import a_slot, books_and_looks, shown
from tests.postgres import TestServer, running_server
from tests.replica import NAME, PORT, Standby, a_standby

WANTED = Place(1, 80)


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[TestServer]:
    """A primary of its own: its log is followed."""
    # Else what is committed goes to the replica a fifth of a second later.
    with running_server(synchronous_commit="on") as server:
        await server.prepare()
        yield server


@pytest.fixture(scope="module")
async def standby(server: TestServer) -> AsyncIterator[Standby]:
    async with a_standby(server.server) as standby:
        yield standby


class Two:
    """Two instances on one database and its replica."""

    def __init__(self, one: Api, other: Api, standby: Standby) -> None:
        self.one, self.other, self.standby = one, other, standby

    @property
    def replicas(self) -> list[Replica]:
        found = [api.container.searches() for api in (self.one, self.other)]
        return [one.replica for one in found if isinstance(one, Searches)]


@pytest.fixture(scope="module")
async def two(
    server: TestServer, standby: Standby, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Two]:
    tmp_path = tmp_path_factory.mktemp("two")
    async with server.database() as url, AsyncExitStack() as stack:
        replica = url.replace("port=5432", f"port={PORT}")
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
        (tmp_path / "other" / "secret-key.pem").symlink_to(tmp_path / "one" / "secret-key.pem")
        apis = [
            await stack.enter_async_context(
                running_api(url, tmp_path / name, database_replica_url=replica)
            )
            for name in ("one", "other")
        ]
        yield Two(*apis, standby)


@contextmanager
def counted() -> Iterator[list[bool]]:
    """For each search: whether the replica answered it."""
    told, lease = list[bool](), Replica.lease

    async def noted(self: Replica) -> Lease | None:
        found = await lease(self)
        told.append(found is not None)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Replica, "lease", noted)
        yield told


async def test_everybody_sees_what_was_done_before_by_whichever_instance(two: Two) -> None:
    await until_the_replica_answers(two)
    before = two.one.container.databases.reads().copy()
    with counted() as told:
        await books_and_looks(two.one, two.other)
    assert sum(told) > len(told) / 2, "the replica answers"
    assert two.one.container.databases.reads()["replica"] > before["replica"]


@asynccontextmanager
async def held(standby: Standby) -> AsyncIterator[None]:
    """The replica has the log and shows nothing of it."""
    await standby.execute("SELECT pg_wal_replay_pause()")
    try:
        yield
    finally:
        await standby.execute("SELECT pg_wal_replay_resume()")


async def until_the_replica_answers(two: Two) -> None:
    async with asyncio.timeout(PATIENCE):
        for api in (two.one, two.other):
            with counted() as told:
                while not any(told):
                    await shown(api, {})
                    await asyncio.sleep(0.02)


async def test_what_is_behind_is_not_shown(two: Two) -> None:
    async with held(two.standby):
        with counted() as told:
            await books_and_looks(two.one, two.other, rounds=3)
        assert not any(told)
    await until_the_replica_answers(two)


async def test_a_replica_that_is_killed_is_missed_by_nobody(two: Two) -> None:
    await until_the_replica_answers(two)
    two.standby.kill()
    try:
        with counted() as told:
            await books_and_looks(two.one, two.other, rounds=3)
        assert not any(told)
    finally:
        await two.standby.start({})
    await until_the_replica_answers(two)
    await books_and_looks(two.one, two.other, rounds=2)


async def test_a_replica_that_is_frozen_keeps_nobody(two: Two) -> None:
    await until_the_replica_answers(two)
    two.standby.signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        await books_and_looks(two.one, two.other, rounds=2)
        took = time.monotonic() - started
    finally:
        two.standby.signal(signal.SIGCONT)
    # The first reader of each instance waits for it, and one more after each rest.
    assert took < 60.0
    await until_the_replica_answers(two)


async def test_a_server_that_is_no_replica_is_not_read(server: TestServer, tmp_path: Path) -> None:
    """Such as a server that was promoted: it and the primary have two histories."""
    async with (
        server.database() as url,
        server.database() as other,
        running_api(url, tmp_path, database_replica_url=other) as api,
    ):
        slot, search, _ = await a_slot(api)
        with counted() as told:
            assert await shown(api, search) == [slot["id"]]
        assert told
        assert not any(told)


async def test_a_search_that_the_replica_breaks_off_is_answered(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby cancels what keeps it from following (PostgreSQL documentation, 26.4.2)."""
    await until_the_replica_answers(two)
    slot, search, _ = await a_slot(two.one)
    lease = Replica.lease

    async def broken(self: Replica) -> Lease | None:
        found = await lease(self)
        if found is not None:
            monkeypatch.setattr(Replica, "lease", lease)
            found.driver.terminate()
        return found

    monkeypatch.setattr(Replica, "lease", broken)
    assert await shown(two.one, search) == [slot["id"]]
    assert Replica.lease is lease


async def test_a_decision_is_not_made_by_the_replica(two: Two) -> None:
    """Bookings, and what is proposed instead of one, are the primary's matter alone."""
    slot, _, patient = await a_slot(two.one)
    other = await two.one.patient()
    with counted() as told:
        assert (await two.one.book(slot, patient)).status_code == 201
        assert (await two.one.book(slot, other)).status_code == 409
    assert told == []


async def test_the_operator_is_told_what_is_no_replica(two: Two) -> None:
    settings: Settings = two.one.container.settings()
    gone = "postgresql://postgres@127.0.0.1:1/none"
    told = [
        await replica_check.advice(settings.model_copy(update={"database_replica_url": url}))
        for url in (None, settings.database_replica_url, settings.database_url, gone)
    ]
    assert told[:2] == [[], []]
    assert [one[0].partition(": ")[0].rpartition("_URL ")[2] for one in told[2:]] == [
        "is no replica",
        "cannot be reached",
    ]


def at_both(server: TestServer, database: str, ports: tuple[int, int]) -> str:
    """The address of the server and its replica, in the order of these ports."""
    url, folder = server.url(database), quote(str(server.server.sockets))
    both = url.replace("port=5432", f"port={ports[0]},{ports[1]}")
    return both.replace(folder, f"{folder},{folder}")


async def port_of(url: str, *, wanted: str = "read-write") -> int:
    """Of the server that was found."""
    database = Database.at(sqlalchemy_url(url, of_several=wanted), pool_size=1)
    async with database.reading() as connection:
        found = int(await connection.fetchval("SHOW port"))
    await database.close()
    return found


@pytest.mark.parametrize("ports", [(PORT, 5432), (5432, PORT)])
async def test_several_hosts_lead_to_the_one_that_is_wanted(
    standby: Standby, server: TestServer, ports: tuple[int, int]
) -> None:
    url = at_both(server, "postgres", ports)
    assert standby.process is not None
    assert await port_of(url) == 5432
    assert await port_of(url, wanted="standby") == PORT
    assert await port_of(f"{url}&target_session_attrs=standby") == PORT, "what is written counts"
    async with migrations.connected(url) as connection:
        assert (await connection.execute(text("SHOW port"))).scalar_one() == "5432"


async def test_a_standby_asked_as_the_primary_is_left(two: Two, standby: Standby) -> None:
    """Such as behind a name that leads elsewhere now."""
    database = Database.at(sqlalchemy_url(standby.url_for("postgres")), pool_size=1)
    async with database.reading() as first:
        pass
    with pytest.raises(Transient):
        async with database.driver_transaction() as connection:
            await connection.execute("CREATE TABLE x (y int)")
    assert first.is_closed()
    async with database.reading() as second:
        pass
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await Position(database).now()
    assert second.is_closed()
    await database.close()


async def test_the_operator_is_told_of_a_replica_of_something_else(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In place of the system's number, what differs between these two.
    monkeypatch.setattr(replica_check, "SYSTEM", "SELECT pg_is_in_recovery()")
    (told,) = await replica_check.advice(two.one.container.settings())
    assert "is a replica of another database" in told


@asynccontextmanager
async def commits_waiting_for(server: TestServer, name: str) -> AsyncIterator[None]:
    await server.execute(f"ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 ({name})'")
    await server.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await server.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await server.execute("SELECT pg_reload_conf()")


async def test_what_a_standby_is_worth_is_told_to_who_may_know(
    two: Two, server: TestServer
) -> None:
    """Without the right only that it is there."""
    url = two.one.container.settings().database_url
    assert url is not None
    await server.execute("CREATE ROLE looker LOGIN")
    settings = Settings(database_url=url.replace("postgres@", "looker@"))
    facts = await survival._asked(settings)
    assert (facts.standbys, facts.unseen, facts.wanted) == (1, 1, 0)
    (lost,) = [one for one in survival.of_a_deployment(facts) if "no synchronous standby" in one]
    assert "(one is connected that nobody waits for)" in lost
    await server.execute("GRANT pg_monitor TO looker")
    facts = await survival._asked(settings)
    assert (facts.standbys, facts.unseen, facts.waited_for) == (1, 0, 0)
    async with commits_waiting_for(server, NAME):
        async with asyncio.timeout(PATIENCE):
            while not (facts := await survival._asked(settings)).waited_for:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        told = list(survival.of_a_deployment(facts))
        assert facts.waits
        assert any(
            one.startswith("The loss of the primary, with its disk, loses no") for one in told
        )
    await server.execute("DROP ROLE looker")


WRITE = "UPDATE feed_consumers SET tries = tries"


async def by_block(database: Database) -> None:
    async with database.driver_transaction() as connection:
        await connection.execute(WRITE)


async def by_sqlalchemy(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text(WRITE))


async def by_one_statement(database: Database) -> None:
    async with database.at_once() as connection:
        await connection.execute(WRITE)


async def by_a_whole(database: Database) -> None:
    async with database.whole():
        await by_block(database)


async def again_and_again(write: Callable[[Database], Awaitable[None]], database: Database) -> None:
    """The server takes a moment to read its settings."""
    while True:
        await write(database)


async def cancel_the_wait(server: TestServer, database: str) -> None:
    """As an operator does who sees a commit that does not end."""
    cancel = """SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
 WHERE wait_event = 'SyncRep' AND datname = $1"""
    connection = await asyncpg.connect(server.url("postgres"))
    async with asyncio.timeout(PATIENCE):
        while not await connection.fetchval(cancel, database):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await connection.close()


@pytest.mark.parametrize("write", [by_block, by_sqlalchemy, by_one_statement, by_a_whole])
async def test_a_commit_that_no_standby_has_is_not_told_as_done(
    server: TestServer, write: Callable[[Database], Awaitable[None]]
) -> None:
    """PostgreSQL calls it done, with a warning."""
    async with server.database() as url:
        name, database = (
            url.partition("@/")[2].partition("?")[0],
            Database.at(sqlalchemy_url(url), pool_size=1),
        )
        await write(database)
        async with commits_waiting_for(server, "nobody"):
            writing = asyncio.create_task(again_and_again(write, database))
            await cancel_the_wait(server, name)
            with pytest.raises(OutcomeUnknown):
                await asyncio.wait_for(writing, PATIENCE)
        await write(database)
        await database.close()


@dataclass
class Told:
    """A replica by hand: how far each connection says that it is, or what goes wrong."""

    says: list[int | Exception | None]
    wanted: Place = WANTED
    timeline: int = 1
    left: int = 0
    asked: int = 0
    clock: float = 0.0

    async def fetchrow(self, driver: object) -> tuple[int, int | None]:
        said = self.says[min(self.asked, len(self.says) - 1)]
        self.asked += 1
        # Time goes by where nobody waits for it.
        self.clock += searches.BEHIND_SECONDS
        if isinstance(said, Exception):
            raise said
        return self.timeline, said

    async def now(self) -> Place:
        return self.wanted

    def leave_server(self) -> None:
        self.left += 1

    def heard(self, said: Said) -> None:
        """Nothing to be done: there is one host."""

    async def take(self) -> Any:
        return Lease(None, None)  # type: ignore[arg-type]

    async def give(self, lease: Lease) -> None:
        """Forget it: the next one is another."""


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Told, Replica]]:
    def made(*says: int | Exception | None) -> tuple[Told, Replica]:
        told = Told(list(says))
        monkeypatch.setattr(searches, "REPLAYED", told)
        return told, Replica(told, told, monotonic=lambda: told.clock)  # type: ignore[arg-type]

    return made


async def test_a_connection_shows_what_it_has_said_itself(
    by_hand: Callable[..., tuple[Told, Replica]],
) -> None:
    """Another one may lead to a server that was started anew, and is behind."""
    told, replica = by_hand(100, 50)
    first = await replica.lease()
    assert first is not None
    assert await replica.lease() is None
    assert told.asked == 2
    assert first in replica._replayed


@pytest.mark.parametrize(
    ("trouble", "rest"),
    [
        (50, searches.REST_AFTER_DELAY),
        (None, searches.REST_AFTER_FAILURE),
        (OSError(), searches.REST_AFTER_FAILURE),
    ],
)
async def test_one_that_is_of_no_use_rests_and_is_tried_by_one_reader(
    by_hand: Callable[..., tuple[Told, Replica]], trouble: int | Exception | None, rest: float
) -> None:
    told, replica = by_hand(trouble, 100)
    for _ in range(5):
        assert await replica.lease() is None
    assert told.asked == 1, "while it rests nobody asks it"
    told.clock += rest
    replica._is_tried = True
    assert await replica.lease() is None, "somebody is trying it"
    replica._is_tried = False
    assert await replica.lease() is not None
    assert await replica.lease() is not None


async def test_how_far_a_replica_of_another_timeline_is_says_nothing(
    by_hand: Callable[..., tuple[Told, Replica]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of a primary that was promoted begins before where that of the old one ended."""
    told, replica = by_hand(100)
    only = await told.take()

    async def take() -> Lease:
        return only

    monkeypatch.setattr(told, "take", take)
    assert await replica.lease() is only
    told.wanted = Place(2, 90)
    assert await replica.lease() is None, "what it has replayed beyond the fork is another history"
    assert (told.asked, told.left) == (2, 1)
    told.clock += searches.REST_AFTER_FAILURE
    told.timeline = 2
    assert await replica.lease() is not None
    told.wanted = Place(1, 10)
    assert await replica.lease() is None, "it is the primary that was overtaken"


async def test_one_that_is_none_any_more_is_looked_for_elsewhere(
    by_hand: Callable[..., tuple[Told, Replica]],
) -> None:
    told, replica = by_hand(None)
    assert await replica.lease() is None
    assert told.left == 1


async def test_one_that_says_nothing_is_not_waited_for(
    by_hand: Callable[..., tuple[Told, Replica]], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, replica = by_hand(100)

    async def silent(_: object) -> int:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(told, "fetchrow", silent)
    monkeypatch.setattr(searches, "ANSWER_SECONDS", 0.01)
    async with asyncio.timeout(PATIENCE):
        assert await replica.lease() is None


async def test_one_that_breaks_a_search_off_rests_too(
    by_hand: Callable[..., tuple[Told, Replica]], database: Database
) -> None:
    told, replica = by_hand(100)
    with pytest.raises(Transient):
        async with Searches(database, replica, Counter()).reading():
            raise ConnectionResetError
    assert await replica.lease() is None
    told.clock += searches.REST_AFTER_FAILURE
    assert await replica.lease() is not None
    # What is a fault of the program's stays one, and the replica is not to blame.
    with pytest.raises(ZeroDivisionError):
        async with Searches(database, replica, Counter()).reading():
            raise ZeroDivisionError
    assert await replica.lease() is not None


async def test_all_who_ask_at_a_time_share_the_question(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, goes_on, fetchrow = [0], asyncio.Event(), searches.POSITION.fetchrow

    class Slow:
        async def fetchrow(self, connection: asyncpg.Connection) -> asyncpg.Record | None:
            found = await fetchrow(connection)
            asked[0] += 1
            await goes_on.wait()
            return found

    monkeypatch.setattr(searches, "POSITION", Slow())
    position = Position(database)
    first = [asyncio.create_task(position.now()) for _ in range(20)]
    await soon(lambda: asked[0] == 1)
    # These come too late for the question that is under way: something may have been committed.
    async with database.driver_transaction() as connection:
        await connection.execute("UPDATE feed_consumers SET tries = tries")
    late = [asyncio.create_task(position.now()) for _ in range(20)]
    goes_on.set()
    before, after = await asyncio.gather(*first), await asyncio.gather(*late)
    assert asked == [2]
    assert (len(set(before)), len(set(after))) == (1, 1)
    assert before[0].reached < after[0].reached


async def test_a_commit_that_is_seen_before_it_is_flushed_is_waited_for(
    database: Database,
) -> None:
    """The server of these tests has `synchronous_commit` off."""
    inserted = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
    for _ in range(5):
        async with database.driver_transaction() as connection:
            assert await connection.fetchval("SHOW synchronous_commit") == "off"
            await connection.execute("UPDATE feed_consumers SET tries = tries")
        async with database.reading() as connection:
            behind = await connection.fetchval(inserted)
        assert (await Position(database).now()).reached >= behind


async def test_a_question_that_fails_is_asked_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = Position(database)
    with monkeypatch.context() as patch:
        patch.setattr("booking_system.platform.postgres.leases.Leases.take", _refused)
        with pytest.raises(Transient):
            await position.now()
    assert (await position.now()).reached > 0


async def _refused(_: object) -> Lease:
    raise ConnectionRefusedError


async def test_searches_go_on_when_the_replica_is_promoted(two: Two, server: TestServer) -> None:
    """It has a history of its own from then on. The last test here: there is no way back."""
    await until_the_replica_answers(two)
    await two.standby.execute("SELECT pg_promote()")
    with counted() as told:
        await books_and_looks(two.one, two.other, rounds=3)
    assert not any(told)
    # Both would write: the one with the newer history is the primary, in any order.
    for ports in ((PORT, 5432), (5432, PORT)):
        assert await port_of(at_both(server, "postgres", ports)) == PORT
    with pytest.raises(Transient):
        await port_of(at_both(server, "postgres", (PORT, 5432)), wanted="standby")
