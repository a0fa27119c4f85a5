"""How many connections each program opens, and whether the database takes all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres.transaction import engine_for
from booking_system.platform.postgres.url import sqlalchemy_url

SHARE = 0.8
"""The rest is for a second instance that takes the place of one, for monitoring, for people."""
COMMANDS = 5
"""`migrate`, `backup` and `check`, and somebody who looks in."""
LIMITS = text("""
SELECT current_setting('max_connections')::int AS most,
 current_setting('superuser_reserved_connections')::int
  + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved
""")
"""Servers older than 16 have no `reserved_connections`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the programs of one kind open, each of them, at most."""

    program: str
    how_many: int
    pool: int = 0
    """By `BOOKING_DATABASE_URL`: through the pooler, where there is one."""
    direct: int = 0
    """By `BOOKING_DATABASE_DIRECT_URL`: past it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the server takes in all, and how many of these are for superusers and such roles."""

    most: int
    reserved: int

    @property
    def usable(self) -> int:
        """How many the programs may open."""
        return min(self.most - self.reserved, int(self.most * SHARE))


def opened_by(settings: Settings) -> Sequence[Opened]:
    """The table: one instance with these settings, one worker beside it, and commands."""
    pool = settings.database_pool_size
    return (
        # One of each process listens, for consultations.
        Opened(program="API process", how_many=settings.api_processes, pool=pool, direct=1),
        Opened(program="worker", how_many=1, pool=pool),
        Opened(program="command", how_many=COMMANDS, direct=1),
    )


def wanted_by(settings: Settings) -> int:
    """How many connections the database itself has to take; a pooler's have limits of their own."""
    return sum(one.how_many * _each(settings, one) for one in opened_by(settings))


def most_for(settings: Settings) -> int:
    """Return the `max_connections` of a server that has room for them, for the embedded one."""
    return int(wanted_by(settings) / SHARE) + 1


def too_many(settings: Settings, limits: Limits) -> Iterator[str]:
    """Say in a sentence that the database does not take as many as the settings open."""
    wanted = wanted_by(settings)
    if wanted <= limits.usable:
        return
    parts = " + ".join(_part(settings, one) for one in opened_by(settings) if _each(settings, one))
    where = "past the pooler " if settings.is_pooled else ""
    yield (
        f"The programs open up to {wanted} connections {where}({parts}), and the database takes "
        f"{limits.most}, of which {limits.reserved} are reserved and a fifth should stay free: at "
        f"most {limits.usable}. Lower BOOKING_API_PROCESSES or BOOKING_DATABASE_POOL_SIZE, or "
        "raise max_connections."
    )


async def limits_of(url: str) -> Limits:
    """Ask the server. Raises SQLAlchemy's errors, and `OSError`."""
    engine = engine_for(sqlalchemy_url(url), pool_size=1)
    try:
        async with engine.connect() as connection:
            row = (await connection.execute(LIMITS)).one()
    finally:
        await engine.dispose()
    return Limits(most=row.most, reserved=row.reserved)


def _each(settings: Settings, one: Opened) -> int:
    return one.direct if settings.is_pooled else one.pool + one.direct


def _part(settings: Settings, one: Opened) -> str:
    return f"{one.how_many} × {_each(settings, one)} {one.program}"
