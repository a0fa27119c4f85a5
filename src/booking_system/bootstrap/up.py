"""Brings the whole program up, and does the operator's single jobs; knows nothing of consoles.

The contexts are imported only by what needs them: the process that watches the others does not,
and would start a second later.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from booking_system import __version__
from booking_system.bootstrap import laboratory, production_database
from booking_system.bootstrap.chosen_database import database_for
from booking_system.bootstrap.embedded_postgres import is_made
from booking_system.bootstrap.migrations import DatabaseProblemError, downgrade, problem_of, upgrade
from booking_system.bootstrap.serve import ApiProcesses, listeners
from booking_system.bootstrap.settings import Settings, SettingsProblem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from booking_system.bootstrap.container import Container
    from booking_system.scheduling.application.extend_horizon import Extension

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
"""How many of how many are done."""
ADDRESS_TAKEN = (
    "No administrator was made: the account with this address (BOOKING_ADMIN_EMAIL) belongs to"
    " somebody who is none. Choose another address."
)
CREDENTIALS = "demo-credentials.txt"
"""In the data directory: who can sign in to the demo."""


def bring_up(settings: Settings, say: Say, progress: Progress) -> None:
    """Start everything and serve until an exception comes, such as `Interrupted`.

    Raises `AddressUnavailable`, `SettingsProblem`, `LocalStackError`, `DatabaseProblemError`,
    `ApiFailed`.
    """
    with listeners(settings) as sockets:
        settings.signing_key()
        say("Starting the database ...")
        # Else a start from another folder would look like a loss of everything.
        is_new = settings.database_url is None and not is_made(settings.data_dir)
        with database_for(settings) as ready:
            asyncio.run(_prepare(ready, say, progress))
            say("Starting the API ...")
            processes = ApiProcesses(ready, sockets, has_worker=True)
            processes.run(lambda: _announce(ready, say, is_new=is_new))


def serve(settings: Settings, say: Say) -> None:
    """Serve the API of a database that is up to date; raises as `bring_up` does."""
    with listeners(settings) as sockets, database_for(settings) as ready:
        asyncio.run(refuse_unfit(ready))
        ApiProcesses(ready, sockets).run(lambda: _announce(ready, say))


def migrate(settings: Settings) -> None:
    """Bring the tables to this version. Raises `LocalStackError`, `DatabaseProblemError`."""
    with database_for(settings) as ready:
        asyncio.run(_migrate(ready))


def take_back(settings: Settings, revision: str) -> None:
    """Take the tables back to an older schema. Raises as `migrate` does."""
    with database_for(settings) as ready:
        assert ready.url_for_migrations is not None
        asyncio.run(downgrade(ready.url_for_migrations, revision))


def create_admin(settings: Settings) -> bool:
    """Make the administrator whom the settings name; say whether anything changed."""
    with database_for(settings) as ready:
        return asyncio.run(_ensure_admin(ready))


def extend_horizon(settings: Settings, progress: Progress) -> "Extension":
    """Fill the calendars as far as the clinics take bookings. Raises `DatabaseProblemError`."""
    with database_for(settings) as ready:
        return asyncio.run(_extend(ready, progress))


def openapi(settings: Settings) -> str:
    """Return the OpenAPI document as JSON; needs no database and leaves no files.

    It names no public address, so that it is the same on every machine.
    """
    with tempfile.TemporaryDirectory() as nowhere:
        nothing = {"database_url": "postgresql:///none", "data_dir": Path(nowhere)}
        from booking_system.bootstrap.container import build  # noqa: PLC0415  (see above)
        from booking_system.bootstrap.http_app import create_app  # noqa: PLC0415

        app = create_app(build(settings.model_copy(update={**nothing, "public_url": ""})))
        return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def asyncapi() -> str:
    """Return the AsyncAPI document as JSON. It names no public address, as the other one."""
    from booking_system.consultations.adapters.asyncapi import document_of  # noqa: PLC0415

    document = document_of(public_url=None, version=__version__)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


async def _prepare(settings: Settings, say: Say, progress: Progress) -> None:
    await _migrate(settings)
    await refuse_unfit(settings)
    if settings.admin_email is not None:
        try:
            await _ensure_admin(settings)
        except DatabaseProblemError as problem:
            # No reason to be away for everybody else.
            say(str(problem))
    if settings.demo:
        await _fill(settings, say, progress)


async def _fill(settings: Settings, say: Say, progress: Progress) -> None:
    if (demo := laboratory.demo()) is None:
        say(f"No demo data: {laboratory.HOW_TO_INSTALL}")
        return
    async with container_of(settings) as container:
        report = await demo.load()(container, progress=progress)
        for line in () if report is None else report.lines():
            say(line)


async def _migrate(settings: Settings) -> None:
    assert settings.url_for_migrations is not None
    await upgrade(settings.url_for_migrations)


async def refuse_unfit(settings: Settings) -> None:
    """Raise `DatabaseProblemError`, `SettingsProblem` where nothing should work on the database."""
    await refuse_other_schema(settings)
    if settings.in_production and (sentences := await production_database.refused(settings)):
        raise SettingsProblem(sentences)


async def refuse_other_schema(settings: Settings) -> None:
    """Raise `DatabaseProblemError` where this version cannot work on the tables."""
    assert settings.direct_url is not None
    if problem := await problem_of(settings.direct_url):
        raise DatabaseProblemError(problem)


async def _ensure_admin(settings: Settings) -> bool:
    assert settings.admin_email is not None
    assert settings.admin_password is not None
    from booking_system.identity.domain.refusals import (  # noqa: PLC0415  (see above)
        EmailTaken,
    )

    async with container_of(settings) as container:
        ensure_admin = container.identity.ensure_admin()
        try:
            made: bool = await ensure_admin(
                email=settings.admin_email, password=settings.admin_password.get_secret_value()
            )
        except EmailTaken:
            raise DatabaseProblemError(ADDRESS_TAKEN) from None
        return made


async def _extend(settings: Settings, progress: Progress) -> "Extension":
    await refuse_other_schema(settings)
    async with container_of(settings) as container:
        done: Extension = await container.scheduling.extend_horizon()(progress)
        return done


@asynccontextmanager
async def container_of(settings: Settings) -> "AsyncIterator[Container]":
    """Build the program on a database, and close it again."""
    from booking_system.bootstrap.container import build, close  # noqa: PLC0415  (see above)

    container = build(settings)
    try:
        yield container
    finally:
        await close(container)


def _announce(settings: Settings, say: Say, *, is_new: bool = False) -> None:
    for line in _announcement(settings, is_new=is_new):
        say(line)


def _announcement(settings: Settings, *, is_new: bool) -> Iterator[str]:
    url = settings.public_url
    yield f"\nBooking System {__version__} is running.\n"
    yield f"  API      {url}"
    yield f"  Docs     {url}/docs"
    yield f"  Health   {url}/health/ready"
    made = " (a new database was made there)" if is_new else ""
    yield f"  Data     {settings.data_dir.absolute()}{made}"
    yield f"  Sign in  {_how_to_sign_in(settings)}"
    yield "\nPress Ctrl-C to stop."


def _how_to_sign_in(settings: Settings) -> str:
    credentials = settings.data_dir.absolute() / CREDENTIALS
    if credentials.exists():
        return f"accounts and passwords of the demo are in {credentials}"
    if settings.admin_email is not None:
        return "as the administrator that BOOKING_ADMIN_EMAIL names"
    return "make an administrator with `booking-system create-admin`"
