"""`booking-system check`: what is set, and what is wrong with it."""

import asyncio
import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from booking_system.bootstrap import (
    connections,
    payment_checks,
    pooler_check,
    production,
    production_database,
    redis_check,
    replica_check,
    surroundings,
    survival,
)
from booking_system.bootstrap.chosen_database import database_for
from booking_system.bootstrap.embedded_postgres import is_made
from booking_system.bootstrap.migrations import DatabaseProblemError, problem_of
from booking_system.bootstrap.process import LISTENER, PARENT, time_zone_version
from booking_system.bootstrap.secret_key import FILE_NAME
from booking_system.bootstrap.settings import PREFIX, Settings

HIDDEN = "********"


@dataclass(frozen=True, slots=True)
class Findings:
    """Sentences for the operator, by whose fault it is."""

    settings: tuple[str, ...] = ()
    database: tuple[str, ...] = ()
    unsafe: tuple[str, ...] = ()
    """What production does not start with."""
    advice: tuple[str, ...] = ()
    """What works, and had better be changed."""
    survives: tuple[str, ...] = ()
    """What would be there still, were a part of the deployment lost."""


def described(settings: Settings) -> Iterator[str]:
    """One line for each setting, secrets masked."""
    for name in Settings.model_fields:
        yield f"{PREFIX}{name.upper()} = {_masked(getattr(settings, name))}"
    yield f"time zone data: {time_zone_version()}"
    yield f"data directory: {place_of_data(settings)}"


def place_of_data(settings: Settings) -> str:
    """Say where the data directory is, and whether a database is in it."""
    place = settings.data_dir.absolute()
    if settings.database_url is not None:
        what = "the database is elsewhere (BOOKING_DATABASE_URL)"
    else:
        what = "a database is in it" if is_made(place) else "no database is in it yet"
    if settings.data_dir.is_absolute():
        return f"{place}, {what}"
    return (
        f"{place}, {what}; BOOKING_DATA_DIR is relative ({settings.data_dir}), so a start from "
        "another folder has another one"
    )


def unknown_names(names: Iterator[str]) -> Iterator[str]:
    """A sentence for each BOOKING_ variable that means nothing: a slip would pass unseen."""
    known = {name.upper() for name in Settings.model_fields}
    ours = {PARENT, LISTENER}
    for name in sorted(names):
        rest = name.upper().removeprefix(PREFIX)
        if name.upper().startswith(PREFIX) and rest not in known and name.upper() not in ours:
            close = difflib.get_close_matches(rest, known, n=1, cutoff=0.7)
            hint = f"; did you mean {PREFIX}{close[0]}?" if close else "."
            yield f"{name} is not a setting and has no effect{hint}"


def warnings_about(settings: Settings) -> Iterator[str]:
    """What works, but hardly as meant."""
    yield from unknown_names(iter({*os.environ, *surroundings.names_in_the_file()}))
    if settings.in_production and not settings.trusted_proxies:
        yield (
            "BOOKING_FORWARDED_ALLOW_IPS names no proxy: all callers who come by one would share "
            "its limits."
        )
    if settings.in_production and settings.keeps_mails:
        yield "BOOKING_EMAIL_URL is not set: e-mails are kept for a week, and sent to nobody."
    yield from settings.payment_advice()
    yield from settings.file_advice()
    yield from settings.consultation_advice()


def refused_in_production(settings: Settings) -> list[str]:
    """What of these settings keeps production from starting."""
    return list(production.refused(settings))


def around(settings: Settings) -> Findings:
    """Look at everything, and make nothing. Raises `LocalStackError`."""
    wrong, better = list(surroundings.wrong(settings)), list(surroundings.advice(settings))
    if settings.database_url is None and not is_made(settings.data_dir):
        place = settings.data_dir.absolute()
        found = Findings(advice=(f"There is no database yet: `up` makes one in {place}.",))
    else:
        with database_for(settings) as ready:
            is_embedded = settings.database_url is None
            found = asyncio.run(findings(ready, is_embedded=is_embedded))
    # Of the embedded server it is said already that it is not for production.
    unsafe = [] if settings.database_url is None else found.unsafe
    return replace(
        found,
        settings=(*wrong, *found.settings),
        unsafe=(*refused_in_production(settings), *unsafe),
        advice=(*better, *found.advice),
    )


async def findings(settings: Settings, *, is_embedded: bool = False) -> Findings:
    """Look at the database, and where it can be used at what providers of payments tell us."""
    found = await database_findings(settings)
    if not found.database:
        survives = await survival.told(settings, is_embedded=is_embedded)
        found = replace(found, survives=tuple(survives))
    has_key = settings.secret_key is not None or (
        not settings.in_production and (settings.data_dir / FILE_NAME).exists()
    )
    if found.database or not has_key:
        # Nobody starts without either, and looking would make a key where there is none.
        return found
    told = await payment_checks.compared(settings)
    return replace(
        found,
        settings=(*found.settings, *told.wrong),
        advice=(*found.advice, *told.unsure),
    )


async def database_findings(settings: Settings) -> Findings:
    """Look at the database that `settings` name."""
    assert settings.direct_url is not None
    try:
        misfit = await problem_of(settings.direct_url)
        limits = await connections.limits_of(settings.direct_url)
        unsafe = await production_database.refused(settings) if misfit is None else []
        unneeded = await production_database.advised(settings) if misfit is None else []
        unneeded += await pooler_check.advised(settings) if misfit is None else []
        unneeded += await replica_check.advice(settings)
        unneeded += await redis_check.advised(settings)
    except DatabaseProblemError as problem:
        return Findings(database=(str(problem),))
    except (SQLAlchemyError, OSError):
        return Findings(database=("The database broke off the connection.",))
    return Findings(
        tuple(connections.too_many(settings, limits)),
        (misfit,) if misfit else (),
        tuple(unsafe),
        advice=tuple(unneeded),
    )


def _masked(value: object) -> str:
    if value is None:
        return "(not set)"
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, bool):
        return "true" if value else "false"
    shown = str(value)
    return _without_secrets(shown) if shown.startswith("postgres") else shown


def _without_secrets(url: str) -> str:
    """Keep user, hosts and database; a password may also stand among the options."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    options = [
        f"{key}={HIDDEN if 'pass' in key.lower() else value}"
        for key, _, value in (option.partition("=") for option in parts.query.split("&") if option)
    ]
    netloc = f"{user}{colon and ':' + HIDDEN}{at}{hosts}"
    return parts._replace(netloc=netloc, query="&".join(options)).geturl()
