"""Reads that a replica may answer: never from before what was committed when they began.

A reader asks the primary where its log is by then, and reads from the replica once that has
replayed so much. So everybody sees their own writes and those of others, by whichever process they
were made, and no write costs more. Readers that come at the same time share the question. Where the
replica is behind, silent or gone, the primary answers.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from types import TracebackType
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

import asyncpg
import structlog
from sqlalchemy import URL, BigInteger, Select, case, cast, column, func, select, table

from booking_system.platform.postgres.faults import meaning_of, said_of_the_server
from booking_system.platform.postgres.hosts import timeline_now
from booking_system.platform.postgres.leases import Lease, Leases
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database, Deadlines, engine_for
from booking_system.platform.postgres.whole import WHOLE
from booking_system.shared_kernel.errors import Transient

QUICK = Deadlines(connect=0.5, command=0.8)
"""In seconds: a replica that is silent for longer is left, and the primary asked."""
ANSWER_SECONDS = 0.25
"""So long a replica may take to say how far it is."""
BEHIND_SECONDS = 0.05
"""So long a reader waits for a replica that is behind."""
REST_AFTER_DELAY = 0.25
REST_AFTER_FAILURE = 1.0
"""For so many seconds nobody asks it; then one reader tries."""

_flushed = func.pg_wal_lsn_diff(func.pg_current_wal_flush_lsn(), "0/0")
_inserted = func.pg_wal_lsn_diff(func.pg_current_wal_insert_lsn(), "0/0")
_is_careless = func.current_setting("synchronous_commit") == "off"
POSITION: Statement[Any] = Statement(
    select(timeline_now, cast(case((_is_careless, _inserted), else_=_flushed), BigInteger))
)
"""Behind all that others can see: a commit is seen once it is flushed, or at once where it need not
be (PostgreSQL documentation, `synchronous_commit`)."""
_replayed = func.pg_wal_lsn_diff(func.pg_last_wal_replay_lsn(), "0/0")
# What it receives only `pg_monitor` may know; what it has written down is up to minutes old.
_received: Select[Any] = select(column("received_tli")).select_from(table("pg_stat_wal_receiver"))
_written: Select[Any] = select(column("timeline_id")).select_from(func.pg_control_checkpoint())
REPLAYED: Statement[Any] = Statement(
    select(
        func.greatest(_received.scalar_subquery(), _written.scalar_subquery()),
        cast(case((func.pg_is_in_recovery(), _replayed)), BigInteger),
    )
)
"""The second null: it is no replica (any more)."""

log = structlog.get_logger("booking_system.replica")


class Place(NamedTuple):
    """A place in the log. Places of two timelines say nothing of each other."""

    timeline: int
    reached: int


class Reads(Protocol):
    """What searches need of a database."""

    def reading(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Open a block with a connection for single statements that only read."""
        ...

    async def close(self) -> None:
        """Give all connections back; again, nothing happens."""
        ...


def searches_at(
    database: Database, url: URL | None, *, pool_size: int, outcomes: Counter[str]
) -> Reads:
    """Return where searches read: at the replica's address too, where there is one.

    By which place each of them was answered is added to `outcomes`.
    """
    if url is None:
        return database
    leases = Leases(engine_for(url, pool_size=pool_size, deadlines=QUICK), size=pool_size)
    return Searches(database, Replica(leases, Position(database)), outcomes)


class Position:
    """Where the primary's log is: one statement for all who ask before it is sent."""

    def __init__(self, database: Database) -> None:
        """`database` is the primary."""
        self._database = database
        self._present: asyncio.Task[Place] | None = None
        self._next: asyncio.Task[Place] | None = None

    async def now(self) -> Place:
        """Return a place behind all that was committed before this call."""
        if self._next is None:
            # In an empty context: it works for all, not for the request that comes first.
            following = self._asked(self._present)
            loop = asyncio.get_running_loop()
            self._next = loop.create_task(following, name="log position", context=Context())
            # All who wait may have gone away.
            self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._next)

    async def _asked(self, before: "asyncio.Task[Place] | None") -> Place:
        if before is not None:
            await asyncio.wait([before])
        try:
            async with self._database.reading() as connection:
                # From here on it is too late to join.
                self._present, self._next = self._next, None
                found: Any = await POSITION.fetchrow(connection)
        except BaseException as error:
            if isinstance(error, asyncpg.ObjectNotInPrerequisiteStateError):
                # It is being asked as the primary, and is a replica.
                self._database.leases.leave_server()
            if self._next is asyncio.current_task():
                self._next = None
            raise
        timeline, reached = found
        return Place(int(timeline, 16), reached)


class Replica:
    """A standby of the primary, as long as it is of use."""

    def __init__(
        self,
        leases: Leases,
        position: Position,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic` counts seconds."""
        self.leases = leases
        self._position = position
        self._monotonic = monotonic
        # Of each connection: a replica that is started anew begins before where it was.
        self._replayed = WeakKeyDictionary[Lease, Place]()
        self._rests_until: float | None = None
        self._is_tried = False

    async def lease(self) -> Lease | None:
        """Lease a connection that shows all that was committed before; None: ask the primary."""
        if not self._is_of_use():
            return None
        try:
            wanted = await self._position.now()
            lease = await self.leases.take()
        except asyncio.CancelledError:
            self._is_tried = False
            raise
        except Exception as error:  # noqa: BLE001  (the primary may answer all the same)
            self.failed(error)
            return None
        try:
            is_there = self._shows(lease, wanted) or await self._reaches(lease, wanted)
        except BaseException as error:
            await self.leases.give(lease)
            self._is_tried = False
            if not isinstance(error, Exception):
                raise
            self.failed(error)
            return None
        if not is_there:
            await self.leases.give(lease)
            self._rest(REST_AFTER_DELAY, "behind")
            return None
        self._works()
        return lease

    def failed(self, error: BaseException) -> None:
        """Leave it alone for a while; where it has several hosts, another may be of use then."""
        if isinstance(error, NoReplicaError | OtherTimelineError):
            self.leases.leave_server()
        else:
            self.leases.heard(said_of_the_server(error))
        self._rest(REST_AFTER_FAILURE, type(error).__name__)

    async def close(self) -> None:
        """Close all connections."""
        await self.leases.close()

    def _is_of_use(self) -> bool:
        if self._rests_until is None:
            return True
        if self._is_tried or self._monotonic() < self._rests_until:
            return False
        self._is_tried = True
        return True

    def _shows(self, lease: Lease, wanted: Place) -> bool:
        known = self._replayed.get(lease)
        return known is not None and known.timeline == wanted.timeline and known >= wanted

    async def _reaches(self, lease: Lease, wanted: Place) -> bool:
        pause, end = 0.001, self._monotonic() + BEHIND_SECONDS
        while True:
            async with asyncio.timeout(ANSWER_SECONDS):
                found: Any = await REPLAYED.fetchrow(lease.driver)
            timeline, reached = found
            if reached is None:
                raise NoReplicaError
            if timeline != wanted.timeline:
                raise OtherTimelineError
            self._replayed[lease] = Place(timeline, reached)
            if self._shows(lease, wanted):
                return True
            if self._monotonic() >= end:
                return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.01)

    def _rest(self, seconds: float, why: str) -> None:
        if self._rests_until is None:
            log.warning("replica_left", why=why)
        self._rests_until, self._is_tried = self._monotonic() + seconds, False

    def _works(self) -> None:
        if self._rests_until is not None:
            log.info("replica_back")
        self._rests_until, self._is_tried = None, False


class NoReplicaError(Exception):
    """What should be a replica is none: it was promoted, or never was one."""


class OtherTimelineError(Exception):
    """It and the primary have two histories, or it has not got to the primary's yet.

    One of them was promoted. However far such a replica is, it may lack what was committed since.
    """


class Searches:
    """Reads from the replica where it shows enough, else from the primary."""

    def __init__(self, primary: Database, replica: Replica, outcomes: Counter[str]) -> None:
        """Nothing is opened yet."""
        self.primary = primary
        self.replica = replica
        self._outcomes = outcomes

    async def close(self) -> None:
        """Close those to the replica; the primary is others' to close."""
        await self.replica.close()

    def reading(self) -> "SearchReading":
        """Open a block. What fails at the replica is `Transient`, and the next try is elsewhere."""
        return SearchReading(self.primary, self.replica, self._outcomes)


class SearchReading(AbstractAsyncContextManager[asyncpg.Connection]):
    """A connection for single statements that only read, of either."""

    __slots__ = ("_lease", "_outcomes", "_primary", "_replica")

    def __init__(self, primary: Database, replica: Replica, outcomes: Counter[str]) -> None:
        """Nothing is leased yet."""
        self._outcomes = outcomes
        self._primary, self._replica = primary.reading(), replica
        self._lease: Lease | None = None

    async def __aenter__(self) -> asyncpg.Connection:
        """Lease a connection; within a whole it is the primary's, which sees what that does."""
        if WHOLE.get() is None:
            self._lease = await self._replica.lease()
        if self._lease is None:
            self._outcomes["primary"] += 1
            return await self._primary.__aenter__()
        self._outcomes["replica"] += 1
        return self._lease.driver

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Give it back. Raises `Transient` for what the database is to blame for."""
        if self._lease is None:
            return await self._primary.__aexit__(kind, error, trace)
        await self._replica.leases.give(self._lease)
        if error is not None and meaning_of(error, {}, committing=False) is not None:
            self._replica.failed(error)
            raise Transient(type(error).__name__) from None
        return None
