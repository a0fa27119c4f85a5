"""Of several hosts the wanted server is found, and a silent host keeps nobody."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from booking_system.platform.postgres import hosts as module
from booking_system.platform.postgres.faults import DependencyUnavailable
from booking_system.platform.postgres.hosts import Hosts, OvertakenServerError
from booking_system.platform.postgres.leases import Leases
from booking_system.platform.postgres.transaction import Database, engine_for
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.shared_kernel.errors import Transient
from tests.patience import PATIENCE, turns


class Driver:
    """A connection to a server that has got to a timeline; None: it does not tell."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.is_over = False

    async def fetchval(self, *_: object, **__: object) -> str:
        if self.server.timeline is None:
            raise asyncpg.FeatureNotSupportedError
        return f"{self.server.timeline:08X}"

    def terminate(self) -> None:
        self.is_over = True


class Server:
    """What is behind one host. `says` None: nothing, for ever."""

    def __init__(self, says: "BaseException | str | None", timeline: int | None = 1) -> None:
        self.says, self.timeline = says, timeline
        self.asked = 0
        self.drivers = list[Driver]()

    async def connect(self) -> Any:
        self.asked += 1
        await asyncio.sleep(0)
        if self.says is None:
            await asyncio.Event().wait()
        if isinstance(self.says, BaseException):
            raise self.says
        self.drivers.append(Driver(self))
        return self.drivers[-1]


REFUSED = ConnectionRefusedError()
STANDBY = asyncpg.TargetServerAttributeNotMatched("it is a standby")
Made = Callable[..., Hosts]


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Makes an address of these servers. Of what it opened one connection is left, or none."""
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.01)
    servers = list[Server]()

    async def connect(*, port: int, **_: object) -> Any:
        return await servers[port].connect()

    def made(*some: Server, wanted: str = "read-write") -> Hosts:
        servers.extend(some)
        return Hosts([("db", number) for number in range(len(some))], wanted)

    monkeypatch.setattr(asyncpg, "connect", connect)
    yield made
    for server in servers:
        assert all(one.is_over for one in server.drivers[:-1])


async def found(hosts: Hosts) -> Server:
    """The server; the connection to it is closed again."""
    driver: Any = await hosts.connect(timeout=PATIENCE)
    driver.terminate()
    server: Server = driver.server
    return server


def asked(*servers: Server) -> list[int]:
    told = [one.asked for one in servers]
    for one in servers:
        one.asked = 0
    return told


@pytest.mark.parametrize("trouble", [None, REFUSED, STANDBY, asyncpg.CannotConnectNowError("up")])
async def test_one_that_is_not_it_is_passed_and_not_asked_again(
    behind: Made, trouble: BaseException | None
) -> None:
    one, two, three = Server(trouble), Server("yes"), Server(REFUSED)
    hosts = behind(one, two, three)
    assert await found(hosts) is two
    asked(one, two, three)
    for _ in range(3):
        assert await found(hosts) is two
    assert asked(one, two, three) == [0, 3, 0]
    assert hosts.moves == 0


async def test_when_the_one_it_keeps_to_falls_silent_the_next_is_found(behind: Made) -> None:
    one, two = Server("yes"), Server(STANDBY)
    hosts = behind(one, two)
    assert await found(hosts) is one
    one.says, two.says, two.timeline = None, "yes", 2
    assert await found(hosts) is two
    assert hosts.moves == 1


async def test_of_two_that_would_write_the_one_with_the_newer_log_is_taken(behind: Made) -> None:
    """Also where the other answers first, and by a program that has seen neither before."""
    old, new = Server("yes", 3), Server("yes", 4)
    hosts = behind(old, new)
    assert await found(hosts) is new
    assert all(one.is_over for one in old.drivers)
    # And it stays so where the newer one cannot be reached.
    new.says = REFUSED
    with pytest.raises(OvertakenServerError):
        await found(hosts)
    assert all(one.is_over for one in old.drivers)


async def test_a_primary_that_answers_is_left_once_there_is_a_newer_one(behind: Made) -> None:
    """Nobody has stopped it: its commits wait for a standby that does not follow any more."""
    old, new = Server("yes", 1), Server(STANDBY)
    hosts = behind(old, new)
    assert await found(hosts) is old
    new.says, new.timeline = "yes", 2
    assert await found(hosts) is old
    hosts.forget()
    assert await found(hosts) is new


async def test_a_service_that_hides_its_log_is_used(behind: Made) -> None:
    one, two = Server(STANDBY), Server("yes", None)
    assert await found(behind(one, two)) is two


async def test_standbys_are_asked_in_their_order_and_one_that_is_wrong_last(behind: Made) -> None:
    one, two = Server("yes"), Server("yes")
    hosts = behind(one, two, wanted="standby")
    assert await found(hosts) is one
    hosts.forget()
    assert await found(hosts) is one
    hosts.forget(is_wrong=True)
    assert await found(hosts) is two
    assert asked(one, two) == [2, 1]


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ([REFUSED, STANDBY], asyncpg.TargetServerAttributeNotMatched),
        ([STANDBY, asyncpg.InvalidPasswordError("no")], asyncpg.InvalidPasswordError),
        ([REFUSED, REFUSED], ConnectionRefusedError),
    ],
)
async def test_what_says_most_is_told(
    behind: Made, says: list[BaseException], told: type[BaseException]
) -> None:
    for order in (says, says[::-1]):
        with pytest.raises(told):
            await found(behind(*(Server(one) for one in order)))


async def test_the_time_for_connecting_is_one_for_all(behind: Made) -> None:
    hosts = behind(Server(None), Server(STANDBY), Server(None))
    with pytest.raises(TimeoutError):
        await hosts.connect(timeout=0.05)
    await turns()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "database host"] == []


@contextmanager
def silent_port() -> Iterator[int]:
    """Takes connections and never says a word, as a server that was frozen, or a lost packet."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def of_several(url: str, *before: str) -> str:
    """The same database, behind other hosts; each is a host, or a folder, and its port."""
    database, _, query = url.partition("?")
    own = dict(one.split("=") for one in query.split("&"))
    places = [*before, f"{own['host']}:{own['port']}"]
    hosts = ",".join(one.rpartition(":")[0] for one in places)
    ports = ",".join(one.rpartition(":")[2] for one in places)
    return f"{database}?host={hosts}&port={ports}"


async def test_a_silent_host_in_front_keeps_no_connection(database_url: str) -> None:
    """The tests' deadline for connecting is as long as their patience: it would be over first."""
    with silent_port() as port:
        url = sqlalchemy_url(of_several(database_url, f"127.0.0.1:{port}"))
        database = Database.at(url, pool_size=3)
        async with asyncio.timeout(PATIENCE / 2):
            async with database.reading(), database.reading(), database.reading() as connection:
                assert await connection.fetchval("SELECT 1") == 1
        await database.close()


@pytest.fixture
async def leases(database_url: str) -> AsyncIterator[Leases]:
    """At the same server by two addresses, as if they were two."""
    folder = database_url.partition("host=")[2].partition("&")[0]
    url = sqlalchemy_url(of_several(database_url, f"{folder}:5432"))
    some = Leases(engine_for(url, pool_size=3), size=3)
    yield some
    assert some.in_use == 0
    await some.close()


async def test_who_meets_a_standby_meets_none_of_its_connections_again(database: Database) -> None:
    """25006, as a primary says that has become a standby, or a name that leads to one now."""
    leases = database.leases
    async with database.reading(), database.reading() as still_out:
        with pytest.raises(Transient):
            async with database.driver_transaction() as connection:
                await connection.execute("SET TRANSACTION READ ONLY")
                await connection.execute("DELETE FROM feed_consumers")
        assert not still_out.is_closed()
        assert await still_out.fetchval("SELECT 1") == 1
    async with leases.leased() as one, leases.leased() as two:
        assert still_out not in {one.driver, two.driver}
        assert await two.driver.fetchval("SELECT 1") == 1


async def test_a_lost_connection_makes_the_next_one_look_at_all_hosts(leases: Leases) -> None:
    database = Database(leases)
    async with leases.leased() as one, leases.leased() as two:
        pass
    with pytest.raises(DependencyUnavailable):
        async with database.reading():
            raise TimeoutError
    async with leases.leased() as looking:
        assert looking not in {one, two}
    async with leases.leased() as again:
        assert again is looking


async def test_once_another_server_is_found_nobody_gets_the_first_any_more(
    leases: Leases,
) -> None:
    hosts: Hosts | None = leases._hosts
    assert hosts is not None
    async with leases.leased() as out:
        async with leases.leased() as idle, leases.leased():
            pass
        first = hosts._last
        assert first is not None
        gone = hosts.places[first]
        hosts.places = tuple(
            ("/nowhere", 1) if number == first else gone for number in range(len(hosts.places))
        )
        hosts.forget()
        leases._has_to_look = True
        async with leases.leased() as new:
            assert hosts.moves == leases.moves == 1
            assert new not in {idle, out}
            # The other one had to make room for the new one.
            assert idle.driver.is_closed()
            assert not out.driver.is_closed(), "what it does may end"
    assert out.driver.is_closed()
    async with leases.leased() as again:
        assert again is new
