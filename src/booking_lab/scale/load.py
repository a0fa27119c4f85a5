"""Loads demo data at size, in one transaction: it is there as a whole, or not at all."""

import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex, token_urlsafe

import asyncpg
from sqlalchemy import exists, pool, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from booking_lab.demo.data import CREDENTIALS, ONE_AT_A_TIME
from booking_lab.scale.calendars import Calendars
from booking_lab.scale.directory import Founding, Practice
from booking_lab.scale.guards import Guards
from booking_lab.scale.size import Size
from booking_system.bootstrap.container import Container
from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.directory.adapters.postgres import work_on
from booking_system.directory.records.tables import clinics
from booking_system.platform.postgres.url import sqlalchemy_url
from booking_system.scheduling.adapters.availability import PostgresAvailabilityWork

Progress = Callable[[int, int], None]

SETTINGS = {"application_name": "booking-system", "timezone": "UTC", "lock_timeout": "10000"}
MEMORY = "SET LOCAL maintenance_work_mem = '256MB'"
INDEX_SHARE = 8
"""Making one index, or checking one constraint, takes an eighth as long as copying the rows."""
SHOWN_ACCOUNTS = 2


class DatabaseNotEmptyError(Exception):
    """There are clinics already, and nobody said that this is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleReport:
    """What has been loaded. `size_bytes` is that of the whole database."""

    size: Size
    slots: int
    appointments: int
    seconds: float
    size_bytes: int
    password: str
    accounts: tuple[tuple[str, str], ...]

    def lines(self) -> list[str]:
        """Return the text for the operator."""
        size = self.size
        return [
            f"{size.clinics} clinics, {size.doctors:,} doctors, {self.slots:,} slots.",
            f"{self.appointments:,} are booked; bookings are taken {size.days} days ahead.",
            f"Loaded in {self.seconds:.0f} s; the database has {self.size_bytes / 1e9:.2f} GB.",
            *(f"{email:38} {role}" for email, role in self.accounts[:SHOWN_ACCOUNTS]),
            f"Password of these, and of reception-2 and so on: {self.password}",
        ]


async def load_scale(
    container: Container,
    url: str,
    size: Size,
    *,
    even_if_not_empty: bool,
    progress: Progress,
) -> ScaleReport:
    """Load it as the role of `url`, which owns the tables, and gather statistics.

    Into an empty database the slots are copied before their indexes and constraints are made; one
    with clinics keeps them, which takes longer and locks nobody out. Accounts and password are
    written to `demo-credentials.txt` in the data directory. Raises `DatabaseNotEmptyError`,
    `DatabaseProblemError`.
    """
    began, password = time.monotonic(), token_urlsafe(9)
    password_hash = await container.identity.passwords().hash(password)
    async with _connected(url) as connection:
        async with connection.begin():
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})"))
            is_empty = not await connection.scalar(select(exists(select(clinics.c.id))))
            if not (is_empty or even_if_not_empty):
                raise DatabaseNotEmptyError
            driver = await _driver_of(connection)
            founding = Founding(
                work=work_on(connection, container.identity.accounts_of()),
                availability=PostgresAvailabilityWork(driver),
                size=size,
                now=container.clock().now(),
                password_hash=password_hash,
                mark=token_hex(3),
            )
            filling = _Filling(driver, founding.now, size, progress)
            guards = await Guards.taken_from(driver) if is_empty else Guards(())
            await filling.everything(await founding.everything(), guards)
        await driver.execute("VACUUM (ANALYZE)")
        report = ScaleReport(
            size=size,
            slots=filling.slots,
            appointments=filling.appointments,
            seconds=time.monotonic() - began,
            size_bytes=await driver.fetchval("SELECT pg_database_size(current_database())"),
            password=password,
            accounts=tuple(founding.accounts),
        )
    _keep(report, container.settings().data_dir)
    return report


class _Filling:
    """Copies one calendar after the other."""

    def __init__(
        self, driver: asyncpg.Connection, now: datetime, size: Size, progress: Progress
    ) -> None:
        self._driver = driver
        # No secrets: which slots are booked, and references of appointments.
        self._calendars = Calendars(now=now, days=size.days, chance=random.Random())  # noqa: S311
        self._progress = progress
        self.slots = 0
        self.appointments = 0

    async def everything(self, practices: list[Practice], guards: Guards) -> None:
        copying = len(practices) * INDEX_SHARE
        total = copying + len(practices) * len(guards.statements)
        for place, practice in enumerate(practices):
            self._progress(place * INDEX_SHARE, total)
            await self._copy(practice)
        await self._driver.execute(MEMORY)
        for place, statement in enumerate(guards.statements):
            self._progress(copying + place * len(practices), total)
            await self._driver.execute(statement)
        self._progress(total, total)

    async def _copy(self, practice: Practice) -> None:
        rows = self._calendars.rows_of(practice)
        for table, columns, records in rows.tables():
            await self._driver.copy_records_to_table(table, columns=columns, records=records)
        self.slots += len(rows.slots)
        self.appointments += len(rows.appointments)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection without the API's deadlines: an index takes longer than a request may."""
    engine = create_async_engine(
        sqlalchemy_url(url),
        poolclass=pool.NullPool,
        hide_parameters=True,
        connect_args={"timeout": 5, "server_settings": SETTINGS},
    )
    try:
        async with engine.connect() as connection:
            yield connection
    except (OSError, DBAPIError, asyncpg.PostgresError) as error:
        # The name of the error only: its text may quote a row.
        raise DatabaseProblemError(
            f"The database could not be filled, nothing was loaded: {type(error).__name__}."
        ) from error
    finally:
        await engine.dispose()


async def _driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    return (await connection.get_raw_connection()).driver_connection


def _keep(report: ScaleReport, data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    kept = os.open(data_dir / CREDENTIALS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(kept, "w", encoding="utf-8") as file:
        file.writelines(f"{email:38} {role}\n" for email, role in report.accounts)
        file.write(f"The password of all of them: {report.password}\n")
