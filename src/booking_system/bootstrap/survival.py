"""Says what of the data would be there still, were a part of this deployment lost."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.hosts import hosts_of
from booking_system.platform.postgres.transaction import engine_for
from booking_system.platform.postgres.url import sqlalchemy_url

FACTS = text("""
SELECT current_user::text AS role, pg_is_in_recovery() AS is_standby,
 current_setting('fsync') = 'on' AS flushes,
 current_setting('full_page_writes') = 'on' AS writes_whole_pages,
 current_setting('wal_level') AS wal_level,
 current_setting('archive_mode') <> 'off' AS archives,
 current_setting('synchronous_commit') AS commits,
 current_setting('synchronous_standby_names') AS names,
 (SELECT count(*) FROM pg_stat_replication) AS standbys,
 (SELECT count(*) FROM pg_stat_replication WHERE sync_state IS NULL) AS unseen,
 (SELECT count(*) FROM pg_stat_replication
   WHERE sync_state IN ('sync', 'quorum', 'potential') AND state = 'streaming') AS waited_for,
 (SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
    FROM pg_stat_archiver) AS archiving_fails
""")
"""Of who connects now. Without `pg_monitor` standbys are seen, but not what they are."""

MEANT = re.compile(r"^\s*(?:(?:ANY|FIRST)\s+)?(\d+)\s*\(", re.IGNORECASE)
MORE = "docs/availability.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the database says of itself, and how many hosts its address names."""

    role: str
    is_standby: bool
    flushes: bool
    writes_whole_pages: bool
    wal_level: str
    archives: bool
    archiving_fails: bool
    commits: str
    names: str
    standbys: int
    unseen: int
    waited_for: int
    hosts: int = 1

    @property
    def wanted(self) -> int:
        """For how many standbys a commit waits."""
        if not self.names.strip():
            return 0
        found = MEANT.match(self.names)
        return int(found[1]) if found else 1

    @property
    def waits(self) -> bool:
        """Say whether a commit is acknowledged only once a standby has it on its disk."""
        return self.wanted > 0 and self.commits in {"on", "remote_apply"}


async def told(settings: Settings, *, is_embedded: bool) -> list[str]:
    """Ask the database, and say in sentences what the deployment survives.

    Raises `DatabaseProblemError`.
    """
    facts = await _asked(settings)
    return list(of_one_machine(facts) if is_embedded else of_a_deployment(facts))


def of_one_machine(facts: Facts) -> Iterator[str]:
    """About the embedded server, which has no standby."""
    yield from _of_a_crash(facts)
    yield (
        "It does not survive the loss of this machine's disk: what was booked since the last "
        f"`booking-system backup` is lost then. A server with a standby loses less ({MORE})."
    )


def of_a_deployment(facts: Facts) -> Iterator[str]:
    """About a server of the operator's own."""
    if facts.is_standby:
        yield "BOOKING_DATABASE_URL leads to a standby, where nothing can be booked."
        return
    yield from _of_a_crash(facts)
    yield from _of_a_lost_server(facts)
    yield from _of_a_failover(facts)
    yield from _of_an_archive(facts)


def _of_a_crash(facts: Facts) -> Iterator[str]:
    if not (facts.flushes and facts.writes_whole_pages):
        off = "fsync" if not facts.flushes else "full_page_writes"
        yield (
            f"The database does not survive a loss of power: {off} is off, and all of it may be "
            "unreadable then. Turn it on."
        )
    elif facts.commits == "off":
        yield (
            "The database survives a crash, but not whole: synchronous_commit is off for the role "
            f"{facts.role}, so bookings that were acknowledged within the last second may be lost. "
            "Turn it on."
        )
    else:
        yield (
            "The database survives a crash of its programs and of its machine: what was "
            "acknowledged is on its disk."
        )


def _of_a_lost_server(facts: Facts) -> Iterator[str]:
    if facts.wanted and not facts.waits:
        yield (
            f"The database does not wait for its standbys: synchronous_commit is {facts.commits} "
            f"for the role {facts.role}, although synchronous_standby_names is set. What was "
            "acknowledged in the last moments is lost where its disk is. Turn it on."
        )
    elif not facts.wanted:
        yield _without_synchronous_standby(facts)
    elif facts.unseen:
        yield (
            f"Each commit waits for a standby, and {_count(facts.standbys)} connected; whether one "
            f"of them is waited for the role {facts.role} may not know. It may after: GRANT "
            f"pg_monitor TO {facts.role};"
        )
    elif facts.waited_for < facts.wanted:
        yield (
            f"Nothing is acknowledged at present: each commit waits for {facts.wanted} of the "
            f"standbys in synchronous_standby_names, and {_count(facts.waited_for)} connected."
        )
    else:
        yield (
            "The loss of the primary, with its disk, loses no acknowledged booking, if the standby "
            "that takes its place is one of those that commits wait for."
        )
        if facts.waited_for == facts.wanted:
            yield (
                "The loss of one more standby stops everything that writes, until it is back or "
                "another one is named in synchronous_standby_names: connect one more than commits "
                "wait for."
            )


def _without_synchronous_standby(facts: Facts) -> str:
    if facts.standbys:
        return (
            f"The database has no synchronous standby ({_count(facts.standbys)} connected that "
            "nobody waits for): what was acknowledged in the last moments is lost where its disk "
            f"is. Name them in synchronous_standby_names ({MORE})."
        )
    hint = ""
    if facts.wal_level == "minimal":
        hint = " None can be connected before wal_level is replica."
    return (
        "The database has no standby: where its disk is lost, what was booked since the last "
        f"backup is lost, unless the service that runs it keeps a second copy ({MORE}).{hint}"
    )


def _of_a_failover(facts: Facts) -> Iterator[str]:
    if facts.hosts > 1:
        yield (
            f"BOOKING_DATABASE_URL names {facts.hosts} hosts: after a failover the program finds "
            "the server that writes by itself."
        )
    elif facts.standbys or facts.wanted:
        yield (
            "BOOKING_DATABASE_URL names one host: after a failover the program finds the server "
            "that writes only where that name leads there. Else name all: host1:5432,host2:5432."
        )


def _of_an_archive(facts: Facts) -> Iterator[str]:
    if not facts.archives:
        yield (
            "WAL is not archived (archive_mode is off): what somebody deletes by mistake comes "
            "back only from a backup, without what was booked since."
        )
    elif facts.archiving_fails:
        yield (
            "WAL is to be archived, but the last attempt failed: see pg_stat_archiver. The disk "
            "fills up until it works."
        )


def _count(standbys: int) -> str:
    return {0: "none is", 1: "one is"}.get(standbys, f"{standbys} are")


async def _asked(settings: Settings) -> Facts:
    assert settings.database_url is not None
    url = sqlalchemy_url(settings.database_url)
    hosts = hosts_of(url)
    engine = engine_for(url, pool_size=1)
    try:
        async with engine.connect() as connection:
            row = (await connection.execute(FACTS)).one()
    except (SQLAlchemyError, OSError):
        raise DatabaseProblemError("The database broke off the connection.") from None
    finally:
        await engine.dispose()
    return Facts(**row._asdict(), hosts=1 if hosts is None else len(hosts.places))
