"""What a database error means, when a transaction is tried again, and that it is one at all."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from booking_system.booking.domain.events import SlotInherited
from booking_system.platform.postgres import leases, retry
from booking_system.platform.postgres.driver_blocks import DriverTransaction, NothingStored
from booking_system.platform.postgres.faults import (
    DependencyUnavailable,
    OutcomeUnknown,
    Overloaded,
    meaning_of,
)
from booking_system.platform.postgres.outbox import payload_text
from booking_system.platform.postgres.retry import retried, retrying
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import DatabaseUrlError, sqlalchemy_url
from booking_system.shared_kernel.errors import Conflict, Overtaken, Refusal, Transient
from tests.commits import Commit, around_commits

INSERT = "INSERT INTO outbox (id, name, payload, occurred_at) VALUES ($1, 'x', '{}', now())"
INSERT_FIRST = """INSERT INTO outbox (n, id, name, payload, occurred_at) OVERRIDING SYSTEM VALUE
 VALUES (1, $1, 'x', '{}', now())"""


class Taken(Conflict):
    """It is taken."""

    code = "slot_overlap"


def wrapped(error: BaseException) -> DBAPIError:
    """As SQLAlchemy's asyncpg dialect hands an error on."""
    outer = Exception("translated")
    outer.__cause__ = error
    return DBAPIError("SELECT 1", None, outer)


@pytest.mark.parametrize("wrap", [wrapped, lambda error: error])
@pytest.mark.parametrize(
    ("error", "committing", "meaning"),
    [
        (asyncpg.LockNotAvailableError("x"), False, Transient),
        (asyncpg.DeadlockDetectedError("x"), False, Transient),
        (asyncpg.SerializationError("x"), True, Transient),
        (asyncpg.ReadOnlySQLTransactionError("x"), False, Transient),
        (asyncpg.CannotConnectNowError("x"), False, Transient),
        (asyncpg.ConnectionDoesNotExistError("x"), False, Transient),
        (asyncpg.ConnectionDoesNotExistError("x"), True, OutcomeUnknown),
        (asyncpg.AdminShutdownError("x"), True, OutcomeUnknown),
        (asyncpg.InternalClientError("x"), True, OutcomeUnknown),
        (asyncpg.InterfaceError("x"), True, OutcomeUnknown),
        (asyncpg.QueryCanceledError("x"), False, DependencyUnavailable),
    ],
)
def test_a_database_error_has_one_meaning_however_it_arrives(
    wrap: object, error: Exception, committing: bool, meaning: type[Exception]
) -> None:
    assert callable(wrap)
    assert type(meaning_of(wrap(error), {}, committing=committing)) is meaning


@pytest.mark.parametrize(
    ("error", "committing", "meaning"),
    [
        (ConnectionRefusedError(), False, Transient),
        (FileNotFoundError(), False, Transient),
        (TimeoutError(), False, DependencyUnavailable),
        (TimeoutError(), True, OutcomeUnknown),
        (ConnectionResetError(), True, OutcomeUnknown),
        (ValueError(), True, type(None)),
        (Taken(), True, type(None)),
        (asyncio.CancelledError(), True, type(None)),
    ],
)
def test_so_have_errors_of_the_machine(
    error: BaseException, committing: bool, meaning: type[object]
) -> None:
    assert type(meaning_of(error, {}, committing=committing)) is meaning


async def test_a_broken_constraint_becomes_its_refusal(database: Database) -> None:
    identity = uuid4()
    knowing = database.knowing({"pk_outbox": Taken})
    async with database.driver_transaction() as connection:
        await connection.execute(INSERT_FIRST, identity)

    with pytest.raises(Taken):
        async with knowing.driver_transaction() as connection:
            await connection.execute(INSERT_FIRST, identity)
    with pytest.raises(Taken):
        async with knowing.transaction() as core:
            await core.exec_driver_sql(INSERT_FIRST, (identity,))
    with pytest.raises(IntegrityError) as surfaced:
        async with database.transaction() as core:
            await core.exec_driver_sql(INSERT_FIRST, (identity,))
    assert str(identity) not in str(surfaced.value.statement)
    assert surfaced.value.hide_parameters


async def test_a_driver_transaction_is_one(database: Database) -> None:
    identity = uuid4()
    with pytest.raises(ValueError, match="undo"):
        async with database.driver_transaction() as connection:
            assert connection.is_in_transaction()
            await connection.execute(INSERT, identity)
            raise ValueError("undo")
    async with database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0


async def test_parts_of_a_whole_undo_themselves_and_end_with_it(database: Database) -> None:
    kept, undone, lost = uuid4(), uuid4(), uuid4()
    with pytest.raises(ValueError, match="whole"):
        async with database.whole(), database.transaction() as core:
            await core.exec_driver_sql(INSERT, (lost,))
            raise ValueError("whole")
    async with database.whole():
        async with database.transaction() as core:
            await core.exec_driver_sql(INSERT, (kept,))
        for opener in (database.transaction, database.driver_transaction):
            with pytest.raises(ValueError, match="part"):
                async with opener() as part:
                    run = getattr(part, "exec_driver_sql", part.execute)
                    await run(INSERT.replace("$1", f"'{undone}'"))
                    assert database.leases.in_use == 1
                    raise ValueError("part")
        async with database.reading() as inside:
            assert await inside.fetchval("SELECT count(*) FROM outbox") == 1
        assert database.leases.in_use == 1
    async with database.reading() as connection:
        assert await connection.fetchval("SELECT id FROM outbox") == kept


async def test_a_connection_of_unknown_state_is_not_used_again(database: Database) -> None:
    pids = []
    with pytest.raises((Refusal, Transient)):
        async with database.driver_transaction() as connection:
            pids.append(connection.get_server_pid())
            connection.terminate()
            await connection.execute("SELECT 1")
    async with database.driver_transaction() as connection:
        assert connection.get_server_pid() not in pids


async def test_after_a_refusal_the_connection_is_as_good_as_before(database: Database) -> None:
    pids = []
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            async with database.driver_transaction() as connection:
                pids.append(connection.get_server_pid())
                await connection.execute(INSERT, uuid4())
                raise ValueError("no")
    assert pids[0] == pids[1]


@pytest.mark.parametrize("wrong", [TimeoutError, ConnectionResetError, asyncio.CancelledError])
async def test_after_a_commit_whose_end_nobody_knows_the_connection_goes(
    database: Database, wrong: type[BaseException]
) -> None:
    async def stored_and_lost(commit: Commit) -> None:
        await commit()
        raise wrong

    with pytest.MonkeyPatch.context() as patch:
        around_commits(patch, stored_and_lost)
        with pytest.raises(OutcomeUnknown if issubclass(wrong, Exception) else wrong):
            async with database.driver_transaction() as connection:
                await connection.execute(INSERT, uuid4())
    assert connection.is_closed()
    assert database.leases.in_use == 0


def test_an_event_tells_its_own_fields_and_not_the_moment_which_is_a_column() -> None:
    event = SlotInherited(
        **dict.fromkeys((one.name for one in fields(SlotInherited)), "told")  # type: ignore[arg-type]
    )
    names = {one.name for one in fields(SlotInherited)}
    assert json.loads(payload_text(event)).keys() == names - {"occurred_at"}


@pytest.mark.parametrize("wrong", [asyncpg.InternalClientError, ConnectionResetError])
async def test_a_rollback_that_fails_hides_no_refusal_and_the_connection_goes(
    database: Database, monkeypatch: pytest.MonkeyPatch, wrong: type[Exception]
) -> None:
    async def broken(_: object) -> None:
        raise wrong

    monkeypatch.setattr(DriverTransaction, "_rollback", broken)
    with pytest.raises(Taken):
        async with database.driver_transaction() as connection:
            raise Taken
    assert connection.is_closed()
    assert database.leases.in_use == 0


async def test_a_full_pool_says_so_soon(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "WAIT_SECONDS", 0.01)
    database = Database.at(sqlalchemy_url(database_url), pool_size=1)
    async with database.reading():
        with pytest.raises(Overloaded):
            async with database.reading():
                pass
    await database.close()


async def test_what_is_transient_is_tried_three_times() -> None:
    tried = 0

    async def failing(*, until: int) -> int:
        nonlocal tried
        tried += 1
        if tried < until:
            raise Transient("40P01")
        return tried

    assert await retrying(failing)(until=3) == 3
    tried = 0
    with pytest.raises(DependencyUnavailable):
        await retrying(failing)(until=4)
    assert tried == 3


async def test_what_was_overtaken_is_tried_as_often_as_there_is_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "LONGEST_PAUSE_SECONDS", 0.001)
    kinds: Iterator[type[Transient]] = iter([*[Overtaken] * 20, Transient, Overtaken, Transient])

    async def slow() -> str:
        if (kind := next(kinds, None)) is not None:
            raise kind
        return "done"

    assert await retrying(slow)() == "done"

    async def always() -> None:
        raise Overtaken

    monkeypatch.setattr(retry, "DEADLINE_SECONDS", 0.01)
    with pytest.raises(Overloaded):
        await retrying(always)()


@dataclass(frozen=True, slots=True)
class Flaky:
    """A use case with more than one question."""

    asked: list[str]

    async def __call__(self, *, until: int) -> int:
        return self._count("call", until)

    async def other(self, *, until: int) -> int:
        return self._count("other", until)

    def _count(self, name: str, until: int) -> int:
        self.asked.append(name)
        if len(self.asked) < until:
            raise Transient
        return len(self.asked)


async def test_a_use_case_that_is_retried_stays_what_it_is() -> None:
    use_case = retried(Flaky)([])
    assert isinstance(use_case, Flaky)
    assert (type(use_case).__name__, type(use_case).__doc__) == ("Flaky", Flaky.__doc__)
    assert await use_case(until=3) == 3
    assert await retried(Flaky)([]).other(until=2) == 2
    with pytest.raises(DependencyUnavailable):
        await retried(Flaky)([])(until=4)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("postgresql://u:p%40ss@db:6432/name", ("u", "p@ss", "name", "db", "6432")),
        ("postgresql://u@[::1]/name", ("u", None, "name", "::1", "5432")),
        ("postgresql://u@[fe80::1]:6432/name", ("u", None, "name", "fe80::1", "6432")),
        ("postgres://u@db/name", ("u", None, "name", "db", "5432")),
        (
            "postgresql://u@/name?host=/run/pg&port=5433",
            ("u", None, "name", "/run/pg", "5433"),
        ),
        (
            "postgresql://u@one:1,two/name",
            ("u", None, "name", ("one:1", "two:5432"), None),
        ),
        (
            "postgresql://u@[fe80::1]:1,two:2/name",
            ("u", None, "name", ("fe80::1:1", "two:2"), None),
        ),
        (
            "postgresql://u@/name?host=/run/pg,/run/pg&port=5433,5434",
            ("u", None, "name", ("/run/pg:5433", "/run/pg:5434"), None),
        ),
        (
            "postgresql://u@/name?host=one,two&port=5433",
            ("u", None, "name", ("one:5433", "two:5433"), None),
        ),
    ],
)
def test_an_address_is_read_as_libpq_reads_it(written: str, read: tuple[object, ...]) -> None:
    url = sqlalchemy_url(written)
    found = (url.username, url.password, url.database, url.query["host"], url.query.get("port"))
    assert found == read


@pytest.mark.parametrize(
    "wrong", ["mysql://u:secret@db/x", "secret", "", "postgresql://u:secret@a,b,c/x?port=1,2"]
)
def test_an_address_that_cannot_be_read_is_not_repeated(wrong: str) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        sqlalchemy_url(wrong)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("postgresql://one:1,two/name", "read-write"),
        ("postgresql://one:1,two/name?target_session_attrs=any", "any"),
        ("postgresql://one/name", None),
        ("postgresql://one/name?target_session_attrs=primary", "primary"),
    ],
)
def test_of_several_hosts_the_one_that_writes_is_wanted(written: str, wanted: str | None) -> None:
    assert sqlalchemy_url(written).query.get("target_session_attrs") == wanted


async def test_a_block_that_hides_an_error_of_the_database_is_not_told_that_it_stored(
    database: Database,
) -> None:
    """PostgreSQL answers such a COMMIT by undoing everything, which is no error to a driver."""
    first = uuid4()
    with pytest.raises(NothingStored):
        async with database.driver_transaction() as connection:
            await connection.execute(INSERT, first)
            with pytest.raises(asyncpg.DivisionByZeroError):
                await connection.execute("SELECT 1 / 0")
    async with database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    assert database.leases.in_use == 0
