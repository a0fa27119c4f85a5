"""Takes a backup of one moment, while the program goes on."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from booking_system import __version__
from booking_system.bootstrap.backups import packing, programs
from booking_system.bootstrap.backups.contents import Contents, Step, contents_of
from booking_system.bootstrap.backups.manifest import DUMP, FILES, NAME, Manifest, Part, thumbprints
from booking_system.bootstrap.migrations import DatabaseProblemError, connected, newest
from booking_system.bootstrap.settings import Settings, SettingsProblem

Bar = Callable[[str], AbstractContextManager[Step]]
"""Shows how far something of this title is."""


async def take(settings: Settings, folder: Path, bar: Bar) -> Manifest:
    """Write a backup into a folder that is not there yet; it appears when it is whole.

    Raises `SettingsProblem`, `DatabaseProblemError`.
    """
    with _appearing(folder) as draft:
        return await _written(settings, draft, bar)


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A folder for its owner alone, which gets its name when the block has filled it."""
    if folder.exists():
        raise SettingsProblem([f"{folder} is there already: name a new folder."])
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    draft.mkdir(mode=0o700, parents=True)
    try:
        yield draft
        for path in draft.iterdir():
            path.chmod(0o600)
            _keep(path)
        _keep(draft)
        draft.rename(folder)
        _keep(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


async def _written(settings: Settings, draft: Path, bar: Bar) -> Manifest:
    taken_at = datetime.now(UTC)
    with bar("Database") as step:
        contents, version = await _dumped(settings, draft / DUMP, step)
    files = None
    if settings.storage is None:
        # Behind the dump: all files that it names were stored by then.
        with bar("Files") as step:
            packing.pack(settings.files_folder, draft / FILES, step)
        files = Part.of(draft / FILES)
    manifest = Manifest(
        program=__version__,
        taken_at=taken_at,
        postgresql=version,
        keys=thumbprints(settings),
        contents=contents,
        dump=Part.of(draft / DUMP),
        files=files,
    )
    (draft / NAME).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return manifest


async def _dumped(settings: Settings, target: Path, step: Step) -> tuple[Contents, str]:
    """Dump and count what one snapshot shows, both at a time."""
    url = settings.url_for_migrations
    assert url is not None
    async with connected(url) as connection:
        await connection.rollback()
        await connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        version = str(await connection.scalar(text("SHOW server_version")))
        snapshot = await connection.scalar(text("SELECT pg_export_snapshot()"))
        dumping = asyncio.create_task(
            programs.run(
                settings,
                "pg_dump",
                "--format=custom",
                "--no-owner",
                "--no-privileges",
                f"--snapshot={snapshot}",
                f"--file={target}",
                target=programs.Target.of(url),
            )
        )
        try:
            contents = await contents_of(connection, step)
            await dumping
        finally:
            dumping.cancel()
            await asyncio.gather(dumping, return_exceptions=True)
    if contents.revision != newest():
        raise DatabaseProblemError(
            "The tables are not those of this version: take the backup with the version that "
            "works with them (where it has no `backup`, stop it and copy the data directory, or "
            "run `pg_dump`), or run `booking-system migrate` first."
        )
    return contents, version


def _keep(path: Path) -> None:
    """See that it is there behind a loss of power, too."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
