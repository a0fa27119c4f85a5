"""BEGIN goes out with the first statement, COMMIT with the last: nothing else changes by that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text

from booking_system.bootstrap.postgres_cluster import PORT
from booking_system.platform.postgres import pipelining, transaction
from booking_system.platform.postgres.driver_blocks import Last, Leave, NothingStored
from booking_system.platform.postgres.faults import DependencyUnavailable, OutcomeUnknown
from booking_system.platform.postgres.pipelining import VERSION, PipeliningConnection, Wire
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.platform.ticket import TICKET, Ticket
from booking_system.shared_kernel.errors import Conflict, Transient
from tests.cutting import CuttingLink, Fate
from tests.postgres import TestServer
from tests.waits import until_waiting

LOOK = Statement(text("SELECT count(*) FROM outbox WHERE id = CAST(:id AS uuid)"))


class Row(NamedTuple):
    """What is added."""

    n: int
    id: UUID


ADD = Statement(
    text(
        "INSERT INTO outbox (n, id, name, payload, occurred_at) OVERRIDING SYSTEM VALUE"
        " SELECT CAST(:n AS int), CAST(:id AS uuid), 'x', '{}', now() WHERE CAST(:n AS int) > 0"
        " RETURNING true"
    ),
    Row,
)
STORED = "SELECT array_agg(n ORDER BY n) FROM outbox"
GONE = "nothing was written"
PLAIN = "plain connections"


class Taken(Conflict):
    """It is taken."""

    code = "slot_overlap"


class Work:
    """A transaction's connection, and what leaves its last statement."""

    def __init__(self, connection: asyncpg.Connection, leave: Leave) -> None:
        self.connection, self._leave = connection, leave

    async def add_last(self, n: int) -> None:
        await self._leave(Last(ADD, Row(n, uuid4()), GONE))


@pytest.fixture(params=["pipelining", PLAIN])
async def database(
    request: pytest.FixtureRequest, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """With one connection, of either kind."""
    if request.param == PLAIN:
        monkeypatch.setattr(transaction, "CONNECTION_CLASS", asyncpg.Connection)
    async with _database(database_url) as one:
        yield one


@pytest.fixture
async def quick(database_url: str) -> AsyncIterator[Database]:
    """With one connection that can send both along."""
    async with _database(database_url) as one:
        yield one


@asynccontextmanager
async def _database(url: str) -> AsyncIterator[Database]:
    one = Database.at(sqlalchemy_url(url), pool_size=1).knowing({"pk_outbox": Taken})
    try:
        # Else the first would be the ones that have to be prepared.
        async with one.working(Work) as work:
            await LOOK.fetchval(work.connection, id=uuid4())
            await work.add_last(1)
        async with one.working(Work) as work:
            await LOOK.fetchval(work.connection, id=uuid4())
            await work.add_last(2)
        yield one
        assert one.leases.in_use == 0
    finally:
        await one.close()


async def stored(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        found: list[int] = await connection.fetchval(STORED)
        return found
    finally:
        await connection.close()


@pytest.fixture
def ticket() -> Ticket:
    return Ticket(None, None, 0.0)  # type: ignore[arg-type]


def test_it_goes_by_the_sources_of_one_version_of_the_driver() -> None:
    assert asyncpg.__version__ == VERSION, (
        f"platform/postgres/pipelining.py goes by how asyncpg {VERSION} reads and writes."
        f" This is asyncpg {asyncpg.__version__}, on whose connections nothing is sent along."
        " Read its protocol/coreproto.pyx, protocol/protocol.pyx and connection.py again: what is"
        " said at the top of the module has to hold. Then name this version there."
    )
    assert pipelining.CONNECTION_CLASS is PipeliningConnection


async def test_a_transaction_with_a_last_statement_is_two_round_trips(
    quick: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with quick.reading() as connection:
        wire = connection._protocol.wire
    sent = list[bytes]()
    write = wire._as_it_comes

    def seen(data: Any) -> None:
        sent.append(bytes(data))
        write(data)

    monkeypatch.setattr(wire, "_as_it_comes", seen)
    monkeypatch.setattr(wire, "write", seen)
    async with quick.working(Work) as work:
        await LOOK.fetchval(work.connection, id=uuid4())
        await work.add_last(3)
    assert [(b"BEGIN" in one, b"COMMIT" in one) for one in sent] == [(True, False), (False, True)]
    assert await stored(database_url) == [1, 2, 3]


async def test_a_transaction_is_one(database: Database, database_url: str) -> None:
    with pytest.raises(ValueError, match="undo"):
        async with database.working(Work) as work:
            assert work.connection.is_in_transaction()
            seen = await work.connection.fetchval("SELECT pg_current_xact_id()")
            assert await work.connection.fetchval("SELECT pg_current_xact_id()") == seen
            await ADD.execute(work.connection, Row(3, uuid4()))
            raise ValueError("undo")
    assert await stored(database_url) == [1, 2]


async def test_a_simple_query_may_be_the_first(database: Database, database_url: str) -> None:
    with pytest.raises(ValueError, match="undo"):
        async with database.driver_transaction() as connection:
            await connection.execute("DELETE FROM outbox; SELECT 1")
            assert connection.is_in_transaction()
            raise ValueError("undo")
    assert await stored(database_url) == [1, 2]
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with database.driver_transaction() as connection:
            await connection.execute("SELECT 1 / 0")
    async with database.driver_transaction() as connection:
        await connection.execute("DELETE FROM outbox WHERE n = 2")
    assert await stored(database_url) == [1]


async def test_rows_may_be_copied_first(database: Database, database_url: str) -> None:
    for n, wrong in ((8, ValueError()), (9, None)):
        with suppress(ValueError):
            async with database.driver_transaction() as connection:
                records = [(n, uuid4(), "x", "{}", datetime.now(UTC))]
                columns = ["n", "id", "name", "payload", "occurred_at"]
                await connection.copy_records_to_table("outbox", records=records, columns=columns)
                if wrong is not None:
                    raise wrong
    assert await stored(database_url) == [1, 2, 9]


async def test_the_first_may_have_to_be_prepared_and_may_be_wrong(
    database: Database, database_url: str
) -> None:
    async with database.driver_transaction() as connection:
        assert await connection.fetchval("SELECT $1::int + 1", 1) == 2
        assert connection.is_in_transaction()
    with pytest.raises(asyncpg.UndefinedTableError):
        async with database.driver_transaction() as connection:
            await connection.fetchval("SELECT $1::int FROM nowhere", 1)
    async with database.driver_transaction() as connection:
        await connection.fetchval("SELECT $1::int + 2", 1)
        await ADD.execute(connection, Row(3, uuid4()))
    assert await stored(database_url) == [1, 2, 3]


async def test_a_block_that_asks_nothing_sends_nothing(quick: Database) -> None:
    for wrong in (None, ValueError()):
        with pytest.MonkeyPatch.context() as patch:
            async with quick.reading() as connection:
                patch.setattr(connection._protocol.wire, "_as_it_comes", None)
            with suppress(ValueError):
                async with quick.driver_transaction() as connection:
                    assert connection.is_in_transaction()
                    if wrong is not None:
                        raise wrong
        assert not connection.is_in_transaction()
        assert not connection.is_closed()


async def test_the_driver_begins_no_other_inside(database: Database) -> None:
    async with database.driver_transaction() as connection:
        with pytest.raises(asyncpg.InterfaceError):
            await connection.transaction().start()


async def test_a_last_statement_may_be_the_only_one(database: Database, database_url: str) -> None:
    async with database.working(Work) as work:
        await work.add_last(3)
    assert await stored(database_url) == [1, 2, 3]


async def test_a_last_statement_may_have_to_be_prepared(
    database: Database, database_url: str
) -> None:
    async with database.reading() as connection:
        await connection.reload_schema_state()
    async with database.working(Work) as work:
        await LOOK.fetchval(work.connection, id=uuid4())
        await work.add_last(3)
    assert await stored(database_url) == [1, 2, 3]


async def test_in_a_whole_the_last_is_run_at_once(database: Database, database_url: str) -> None:
    with pytest.raises(ValueError, match="undo"):
        async with database.whole():
            async with database.working(Work) as work:
                await work.add_last(3)
            assert await work.connection.fetchval("SELECT max(n) FROM outbox") == 3
            raise ValueError("undo")
    assert await stored(database_url) == [1, 2]


@pytest.mark.parametrize(("n", "refusal"), [(1, Taken), (0, Transient)])
async def test_a_last_statement_that_is_refused_is_undone_and_known_to_be(
    database: Database, database_url: str, n: int, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        async with database.working(Work) as work:
            await LOOK.fetchval(work.connection, id=uuid4())
            await work.add_last(n)
    assert not work.connection.is_closed()
    assert await stored(database_url) == [1, 2]
    async with database.working(Work) as again:
        await again.add_last(3)
    assert again.connection is work.connection
    assert await stored(database_url) == [1, 2, 3]


async def test_who_was_refused_is_not_told_that_it_may_be_stored(
    quick: Database, ticket: Ticket
) -> None:
    TICKET.set(ticket)
    for stored_before in (False, True):
        ticket.stores = stored_before
        with pytest.raises(Taken):
            async with quick.working(Work) as work:
                await LOOK.fetchval(work.connection, id=uuid4())
                await work.add_last(1)
        assert ticket.stores is stored_before
    ticket.stores = False
    async with quick.working(Work) as work:
        await work.add_last(3)
    assert ticket.stores


async def test_a_block_that_hides_an_error_stores_nothing(
    database: Database, database_url: str
) -> None:
    with pytest.raises((NothingStored, asyncpg.InFailedSQLTransactionError)):
        async with database.working(Work) as work:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await work.connection.fetchval("SELECT $1::int / 0", 1)
            await work.add_last(3)
    assert await stored(database_url) == [1, 2]


@pytest.mark.parametrize("way", ["left", "late"])
async def test_a_last_statement_that_is_given_up_in_time_is_undone_and_known_to_be(
    quick: Database, database_url: str, ticket: Ticket, way: str
) -> None:
    """Its COMMIT is on the way already; PostgreSQL skips it, as the statement was cancelled."""
    holder = await asyncpg.connect(database_url)
    blocking = holder.transaction()
    await blocking.start()
    await holder.execute("LOCK TABLE outbox")
    watching = Database.at(sqlalchemy_url(database_url), pool_size=1)

    async def add() -> None:
        TICKET.set(ticket)
        async with quick.working(Work) as work:
            connection = work.connection
            if way == "late":
                connection._config = connection._config._replace(command_timeout=0.05)
            await connection.fetchval("SELECT 1")
            await work.add_last(3)

    adding = asyncio.create_task(add())
    if way == "left":
        await until_waiting(watching)
        adding.cancel()
    with pytest.raises(asyncio.CancelledError if way == "left" else DependencyUnavailable):
        await adding
    assert not ticket.stores
    await blocking.rollback()
    await holder.close()
    await watching.close()
    async with quick.working(Work) as work:
        await work.add_last(4)
    assert await stored(database_url) == [1, 2, 4]


@pytest.mark.parametrize("hides", [False, True])
async def test_a_first_statement_that_is_given_up_leaves_a_clean_connection(
    database: Database, database_url: str, hides: bool
) -> None:
    """Until its answer comes, the driver thinks that no transaction has begun."""
    holder = await asyncpg.connect(database_url)
    blocking = holder.transaction()
    await blocking.start()
    await holder.execute("LOCK TABLE outbox")
    with pytest.raises(NothingStored if hides else DependencyUnavailable):
        async with database.working(Work) as work:
            try:
                await work.connection.fetchval(ADD.text, *Row(3, uuid4()), timeout=0.05)
            except TimeoutError:
                if not hides:
                    raise
    await blocking.rollback()
    await holder.close()
    async with database.reading() as connection:
        assert connection is work.connection
        assert not connection.is_in_transaction()
        await ADD.fetchval(connection, Row(4, uuid4()))
    assert await stored(database_url) == [1, 2, 4]


class FatedLink(CuttingLink):
    """Cuts the next one."""

    fate = Fate.PASSED

    def decide(self) -> Fate:
        return self.fate


@pytest.mark.parametrize("word", [b"BEGIN", b"COMMIT"])
@pytest.mark.parametrize("fate", [Fate.CUT_BEFORE, Fate.CUT_AFTER])
@pytest.mark.parametrize("kind", ["pipelining", PLAIN])
async def test_a_link_that_breaks_is_told_as_it_is(
    postgres: TestServer,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    word: bytes,
    fate: Fate,
    kind: str,
) -> None:
    if kind == PLAIN:
        monkeypatch.setattr(transaction, "CONNECTION_CLASS", asyncpg.Connection)
    link = FatedLink(postgres.server.sockets / f".s.PGSQL.{PORT}", share=1.0, word=word)
    name = database_url.partition("@/")[2].partition("?")[0]
    async with (
        link.listening() as port,
        _database(f"postgresql://postgres@127.0.0.1:{port}/{name}") as database,
    ):
        link.fate = fate
        meaning = OutcomeUnknown if word == b"COMMIT" else (Transient, DependencyUnavailable)
        with pytest.raises(meaning) as told:
            async with database.working(Work) as work:
                await LOOK.fetchval(work.connection, id=uuid4())
                await work.add_last(3)
        assert word == b"COMMIT" or not isinstance(told.value, OutcomeUnknown)
        assert work.connection.is_closed() if word == b"COMMIT" else True
        link.fate = Fate.PASSED
        async with database.working(Work) as work:
            await LOOK.fetchval(work.connection, id=uuid4())
            await work.add_last(4)
    is_stored = word == b"COMMIT" and fate is Fate.CUT_AFTER
    assert await stored(database_url) == ([1, 2, 3, 4] if is_stored else [1, 2, 4])


async def test_who_leaves_before_the_answer_came_makes_nobody_sure(
    quick: Database, database_url: str, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is committed and the answer is on its way."""
    monkeypatch.setattr(pipelining, "SETTLE_SECONDS", 0.05)

    async def add() -> None:
        TICKET.set(ticket)
        async with quick.working(Work) as work:
            connection = work.connection
            await LOOK.fetchval(connection, id=uuid4())
            connection._transport.pause_reading()
            await work.add_last(3)

    adding = asyncio.create_task(add())
    looking = await asyncpg.connect(database_url)
    while await looking.fetchval(STORED) != [1, 2, 3]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await looking.close()
    adding.cancel()
    with pytest.raises((asyncio.CancelledError, TimeoutError, OutcomeUnknown)):
        await adding
    assert ticket.stores
    async with quick.working(Work) as work:
        await work.add_last(4)
    assert await stored(database_url) == [1, 2, 3, 4]


def test_nothing_is_added_to_goodbye() -> None:
    class Sink:
        def __init__(self) -> None:
            self.sent = list[bytes]()

        def write(self, data: Any) -> None:
            self.sent.append(bytes(data))

        def __getattr__(self, name: str) -> Any:
            return None

    sink = Sink()
    wire = Wire(sink)
    wire.begin()
    wire.write(memoryview(b"X\0\0\0\4"))
    wire.write(memoryview(b"S\0\0\0\4"))
    wire.commit()
    # Of what is parsed first, only the first piece is looked at.
    wire.write(memoryview(b"P\0\0\0\4" + pipelining.SYNC))
    wire.write(memoryview(b"B\0\0\0\4" + pipelining.SYNC))
    begun = pipelining.BEGIN + pipelining.SYNC
    assert sink.sent == [
        b"X\0\0\0\4",
        begun,
        b"P\0\0\0\4" + pipelining.SYNC,
        b"B\0\0\0\4" + pipelining.SYNC,
    ]
