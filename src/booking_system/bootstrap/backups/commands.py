"""The commands for backups."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from booking_system.bootstrap.backups.contents import Contents
from booking_system.bootstrap.chosen_database import database_for
from booking_system.bootstrap.console import (
    FAILED,
    out,
    progress,
    settings_and_logs,
    told_plainly,
)
from booking_system.bootstrap.settings import Settings

Result = TypeVar("Result")


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, which will hold the backup.")],
) -> None:
    """Write a backup while the program goes on.

    It holds the database and the files on this machine, of one moment. The secret key is no part of
    it: keep that in another place. Needs PostgreSQL's pg_dump, as new as the server or newer.
    """
    with told_plainly():
        from booking_system.bootstrap.backups import taking  # noqa: PLC0415  (loads the contexts)

        made = _with_database(lambda settings: taking.take(settings, folder, progress))
        out.print(f"{folder}: {_told(made.contents)}.")
        if made.files is None:
            out.print("Files are in a bucket, which has to be kept by its own means.")
        out.print(f"Try it: `booking-system restore {folder} --rehearse`.")


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    *,
    rehearse: Annotated[
        bool,
        typer.Option(
            "--rehearse", help="Into a database of its own, which is compared and dropped again."
        ),
    ] = False,
) -> None:
    """Restore a backup into an empty database.

    Each table is compared with what was backed up. All sessions end with it. Exit code 1: something
    came out otherwise than it was.
    """
    with told_plainly():
        from booking_system.bootstrap.backups import restoring  # noqa: PLC0415  (the contexts)

        work = restoring.rehearse if rehearse else restoring.restore
        done = _with_database(lambda settings: work(settings, folder, progress))
        for sentence in [*done.differences, *done.advice]:
            out.print(sentence)
        if done.differences:
            raise typer.Exit(FAILED)
        told = f"{_told(done.manifest.contents)}, as on {done.manifest.taken_at:%Y-%m-%d %H:%M} UTC"
        out.print(f"{told}." if rehearse else f"Restored: {told}.")


def _with_database(work: Callable[[Settings], Awaitable[Result]]) -> Result:
    async def run(ready: Settings) -> Result:
        return await work(ready)

    with database_for(settings_and_logs()) as ready:
        return asyncio.run(run(ready))


def _told(contents: Contents) -> str:
    return f"{len(contents.tables)} tables with {contents.rows} rows"
