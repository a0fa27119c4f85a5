"""An address with several hosts: the server among them that is wanted is found, and kept to.

The driver asks one host after the other, and a silent host takes the whole time of connecting
from all behind it. Here the next one is asked as soon as one has been silent for a moment, and the
host that was found last is asked first.

A primary that was replaced and comes back takes connections as if nothing had happened. Its log is
of an older timeline (PostgreSQL documentation, 25.3.6), by which it is told apart.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from sqlalchemy import URL, func, select

from booking_system.platform.postgres.statement import Statement

SILENT_SECONDS = 0.25
"""So long one host is waited for alone."""
WRITES = frozenset({"read-write", "primary"})
"""What is wanted of a server that commits."""
CONNECT_SECONDS = 60.0
OPTION = "hosts"
"""The engine's option that holds them."""

timeline_now = func.substr(func.pg_walfile_name(func.pg_current_wal_insert_lsn()), 1, 8)
"""Eight hexadecimal digits; a server that is promoted begins the next one at once."""
TIMELINE: Statement[Any] = Statement(select(timeline_now))

log = structlog.get_logger("booking_system.database")


class OvertakenServerError(ConnectionError):
    """A server that would write, but was replaced: another one has a newer timeline."""


@dataclass(frozen=True, slots=True)
class Found:
    """A connection to the host of that number."""

    number: int
    timeline: int
    driver: asyncpg.Connection


class Hosts:
    """Several hosts of one database; connections go to the `wanted` one."""

    def __init__(self, places: Sequence[tuple[str, int]], wanted: str) -> None:
        """`places` are hosts, or folders of sockets, and ports.

        `wanted` is what libpq calls `target_session_attrs`.
        """
        self.places = tuple(places)
        self.wanted = wanted
        self.moves = 0
        """How often another server was found than the time before."""
        self._timeline = 0
        self._order = list(range(len(self.places)))
        self._last: int | None = None
        self._is_sure = False

    def forget(self, *, is_wrong: bool = False) -> None:
        """Look at all of them at the next time. `is_wrong`: the last one is asked last then."""
        self._is_sure = False
        if is_wrong and self._last is not None:
            self._order.remove(self._last)
            self._order.append(self._last)

    async def connect(self, **about: Any) -> asyncpg.Connection:
        """Connect as the driver does, whose words these are; `timeout` among them is in seconds.

        Raises what the host that said most was refused with, or `TimeoutError`.
        """
        timeout = about.pop("timeout", CONNECT_SECONDS)
        trying = _Trying(self, about)
        try:
            async with asyncio.timeout(timeout):
                found = await trying.best(
                    list(self._order), at_once=self.wanted in WRITES and not self._is_sure
                )
        finally:
            await trying.end()
        self._found(found)
        return found.driver

    async def at(self, number: int, about: dict[str, Any]) -> Found:
        """Connect to one of them. Raises where it is not the wanted server."""
        host, port = self.places[number]
        driver = await asyncpg.connect(
            host=host, port=port, target_session_attrs=self.wanted, **about
        )
        try:
            timeline = await _timeline_of(driver) if self.wanted in WRITES else 0
        except BaseException:
            driver.terminate()
            raise
        if timeline < self._timeline:
            driver.terminate()
            log.warning("database_overtaken", host=host, port=port)
            raise OvertakenServerError
        return Found(number, timeline, driver)

    def _found(self, found: Found) -> None:
        if self._last not in {None, found.number}:
            self.moves += 1
            host, port = self.places[found.number]
            log.warning("database_moved", host=host, port=port)
        self._timeline = max(self._timeline, found.timeline)
        self._last, self._is_sure = found.number, True
        self._order.remove(found.number)
        self._order.insert(0, found.number)


class _Trying:
    """One search for a server; all but the best of what it opened is closed in the end."""

    def __init__(self, hosts: Hosts, about: dict[str, Any]) -> None:
        self._hosts = hosts
        self._about = about
        self._tasks = set[asyncio.Task[Found]]()
        self._waiting = list[int]()
        self._found = list[Found]()
        self._errors = list[BaseException]()
        self._best: Found | None = None

    async def best(self, order: list[int], *, at_once: bool) -> Found:
        """Return the first that answers, or, of all that do `at_once`, that of the newest log."""
        self._waiting = order
        while self._waiting and (at_once or not self._tasks):
            self._next()
        while self._tasks:
            has_to_go_on = bool(self._found or self._waiting)
            done, self._tasks = await asyncio.wait(
                self._tasks,
                timeout=SILENT_SECONDS if has_to_go_on else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                self._take(task)
            if self._found and (not at_once or not self._tasks or not done):
                break
            if self._waiting and not self._found:
                self._next()
        if not self._found:
            worst = max(self._errors, key=_how_much_it_says)
            if isinstance(worst, asyncpg.TargetServerAttributeNotMatched):
                message = f"none of the hosts is {self._hosts.wanted}"
                raise asyncpg.TargetServerAttributeNotMatched(message) from None
            raise worst
        self._best = max(self._found, key=lambda one: one.timeline)
        return self._best

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for task in self._tasks:
            self._take(task)
        for one in self._found:
            if one is not self._best:
                one.driver.terminate()

    def _next(self) -> None:
        number = self._waiting.pop(0)
        self._tasks.add(
            asyncio.create_task(self._hosts.at(number, self._about), name="database host")
        )

    def _take(self, task: "asyncio.Task[Found]") -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._found.append(task.result())
        else:
            self._errors.append(error)


def _how_much_it_says(error: BaseException) -> int:
    """A server's own refusal says more than that it is no primary, and that more than silence."""
    if isinstance(error, asyncpg.PostgresError):
        return 2
    return int(isinstance(error, asyncpg.InternalClientError | OvertakenServerError))


async def _timeline_of(driver: asyncpg.Connection) -> int:
    try:
        return int(await TIMELINE.fetchval(driver), 16)
    except asyncpg.PostgresError:
        # A service that hides its log sees itself to it that nobody writes at two places.
        return 0


def hosts_of(url: URL) -> Hosts | None:
    """Return the hosts of an address that names several; None for any other."""
    names = url.query.get("host", ())
    if isinstance(names, str):
        return None
    places = [(host, int(port)) for host, _, port in (name.rpartition(":") for name in names)]
    return Hosts(places, str(url.query.get("target_session_attrs", "any"))) if places else None


def engine_options(url: URL, connect_args: dict[str, Any]) -> tuple[URL, dict[str, Any]]:
    """Return the address and the options with which SQLAlchemy connects to any of its hosts."""
    hosts = hosts_of(url)
    if hosts is None:
        return url, {"connect_args": connect_args}
    return url.difference_update_query(["host", "target_session_attrs"]), {
        "connect_args": {**connect_args, "async_creator_fn": hosts.connect},
        "execution_options": {OPTION: hosts},
    }
