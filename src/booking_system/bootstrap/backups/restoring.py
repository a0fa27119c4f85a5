"""Restores a backup into an empty database, or into one for a rehearsal, and compares both."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, text

from booking_system.bootstrap.backups import packing, programs
from booking_system.bootstrap.backups.contents import contents_of, is_empty
from booking_system.bootstrap.backups.manifest import DUMP, FILES, Manifest, thumbprints
from booking_system.bootstrap.backups.packing import Wanted
from booking_system.bootstrap.backups.taking import Bar
from booking_system.bootstrap.migrations import (
    DatabaseProblemError,
    connected,
    newest,
    revisions,
)
from booking_system.bootstrap.settings import Settings, SettingsProblem
from booking_system.files.application.check_upload import part_of
from booking_system.files.domain.purposes import RULES, FilePurpose
from booking_system.files.domain.stored_file import FileState
from booking_system.files.records.tables import files
from booking_system.identity.adapters.all_sessions import end_all
from booking_system.platform.postgres.feed import begin_new_epoch
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url

LEFT_BEHIND = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = '{name}' AND usename = current_user"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came out: sentences of what is otherwise than it was, and of what is to be done next."""

    manifest: Manifest
    differences: list[str]
    advice: list[str]


async def rehearse(settings: Settings, folder: Path, bar: Bar) -> Restored:
    """Restore into a database of its own beside the present one, compare, and drop it.

    Nothing else is touched. Raises `SettingsProblem`, `DatabaseProblemError`; the role needs the
    right to make databases.
    """
    manifest = _readable(folder)
    async with _scratch(settings) as url:
        differences = await _restored(settings, folder, manifest, url, bar)
        if manifest.files is not None:
            differences += await _files_that_lack(folder, url, bar)
    return Restored(
        manifest=manifest, differences=differences, advice=list(_about_keys(settings, manifest))
    )


async def restore(settings: Settings, folder: Path, bar: Bar) -> Restored:
    """Restore into the empty database of the settings, and files where they are on this machine.

    All sessions end, because some may have been ended since the backup was taken; the feed begins a
    new history, because its numbers will be given anew. Raises `SettingsProblem`,
    `DatabaseProblemError`.
    """
    manifest, url = _readable(folder), settings.url_for_migrations
    assert url is not None
    async with connected(url) as connection:
        if not await is_empty(connection):
            raise SettingsProblem(
                ["The database is not empty: a backup is restored into one without any table."]
            )
    has_files = manifest.files is not None and settings.storage is None
    if has_files and packing.is_in_use(settings.files_folder):
        raise SettingsProblem([f"{settings.files_folder} holds files: name an empty folder."])
    differences = await _restored(settings, folder, manifest, url, bar)
    if has_files:
        with bar("Files") as step:
            packing.unpack(folder / FILES, settings.files_folder, step)
    await _begin_anew(url)
    advice = [*_about_keys(settings, manifest), *_about_files(settings, manifest)]
    if manifest.contents.revision != newest():
        advice.append("The tables are of an older version: run `booking-system migrate` next.")
    return Restored(manifest=manifest, differences=differences, advice=advice)


def _readable(folder: Path) -> Manifest:
    manifest = Manifest.of(folder)
    if manifest.contents.revision not in revisions():
        raise DatabaseProblemError(
            f"The backup has schema {manifest.contents.revision}, which this version does not "
            f"know: it was taken by version {manifest.program}."
        )
    return manifest


@asynccontextmanager
async def _scratch(settings: Settings) -> AsyncIterator[str]:
    """A database that is there as long as the block."""
    url, name = settings.url_for_migrations, f"booking_rehearsal_{secrets.token_hex(6)}"
    assert url is not None
    await _apart(url, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield programs.other_database(url, name)
    finally:
        # Not by FORCE, which wants to end the server's own processes, too, and may not.
        await _apart(url, LEFT_BEHIND.format(name=name), f"DROP DATABASE {name}")


async def _apart(url: str, *statements: str) -> None:
    """Carry out statements that no transaction may hold."""
    async with connected(url) as connection:
        await connection.rollback()
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await connection.execute(text(statement))


async def _restored(
    settings: Settings, folder: Path, manifest: Manifest, url: str, bar: Bar
) -> list[str]:
    await programs.run(
        settings,
        "pg_restore",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        str(folder / DUMP),
        target=programs.Target.of(url),
    )
    with bar("Comparing") as step:
        async with connected(url) as connection:
            return manifest.contents.differences(await contents_of(connection, step))


async def _files_that_lack(folder: Path, url: str, bar: Bar) -> list[str]:
    async with connected(url) as connection:
        stored = await connection.execute(
            select(files.c.id, files.c.purpose, files.c.served_key, files.c.sha256).where(
                files.c.state == FileState.READY
            )
        )
        wanted = {
            str(row.id): Wanted(
                keys=[
                    part_of(row.served_key, part) for part in RULES[FilePurpose(row.purpose)].parts
                ],
                sha256=row.sha256,
            )
            for row in stored
        }
    with bar("Files") as step:
        missing = packing.missing_in(folder / FILES, wanted, step)
    return [f"The file {name} is not in the backup as it was stored." for name in missing]


async def _begin_anew(url: str) -> None:
    database = Database.at(sqlalchemy_url(url), pool_size=1)
    try:
        async with database.transaction() as connection:
            await begin_new_epoch(connection)
            await end_all(connection, now=datetime.now(UTC))
    finally:
        await database.close()


def _about_keys(settings: Settings, manifest: Manifest) -> Iterator[str]:
    if not set(manifest.keys) & set(thumbprints(settings)):
        yield (
            "The secret key is another one than when the backup was taken: what clinics keep "
            "sealed (accounts of their own) can be read with that one only. Set "
            "BOOKING_SECRET_KEY or BOOKING_OTHER_SECRET_KEYS to it."
        )


def _about_files(settings: Settings, manifest: Manifest) -> Iterator[str]:
    if manifest.files is None:
        yield "Files were in a bucket, which this backup does not hold."
    elif settings.storage is not None:
        yield (
            f"Files are in a bucket now: copy what {FILES} holds into it, below the prefix of "
            "BOOKING_STORAGE_URL."
        )
