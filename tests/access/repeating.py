"""Requests that are sent again, commits whose answer is lost, and what is in the tables then."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response

from booking_system.platform.postgres.transaction import SERVER_SETTINGS
from tests.access.table import ROWS, Row
from tests.access.test_matrix import ask
from tests.access.world import ANONYMOUS, Aim, World, a_world
from tests.api import code_of
from tests.commits import Commit, around_commits

REPLAYED = "idempotent-replayed"
IN_USE = (409, "idempotency_key_in_use")
REUSED = (422, "idempotency_key_reused")
KEYS = "idempotency_keys"
OTHERWISE = {
    "url": "https://93.184.215.14/other",
    "full_name": "Another Person",
    "name": "Another Name",
    "filename": "another name",
    "new_password": "four quiet otters",
    "reason": "Another reason",
    "details": "none",
    "number": "+4915112345679",
    "subject": "Soon: {{ date }}",
    "provider": "stripe",
    "method": "terminal",
    "amount": 200,
}


def once_each() -> list[Row]:
    """One row for each operation that takes a key: its last, whose callers are the table's own."""
    taking = [
        row
        for row in ROWS
        if row.method == "POST"
        and not row.path.startswith("/v1/auth/")
        and ANONYMOUS not in row.may
    ]
    return list({row.path: row for row in taking}.values())


TRIES = {f"/v1/clinics/{{clinic_id}}/{channel}-channel/try" for channel in ("email", "sms")}
KEPT_NOWHERE = TRIES
"""What they told is kept nowhere: sent again, they say that they were answered before."""
CLAIMED_FIRST = {
    *TRIES,
    "/v1/clinics/{clinic_id}/message-templates/{kind}/{language}/preview",
    "/v1/bookings/{booking_id}/payments",
    "/v1/files/{file_id}/complete",
}
"""The key is claimed before another machine is asked, and in use until the claim is over."""
ONE_THING_TO_SAY = {
    "/v1/clinics/{clinic_id}/email-channel/try": "clinic_id",
    "/v1/patients/{patient_id}/notification-preferences/{channel}/lift": "patient_id",
}
"""There is no body, and the world has no second one of what they are about: it has another id."""


def otherwise(row: Row) -> Row:
    """The same operation with another body where it has a text that may be any, or another id."""
    if row.path in ONE_THING_TO_SAY:
        whose = f"{{{ONE_THING_TO_SAY[row.path]}}}"
        return replace(row, path=row.path.replace(whose, str(uuid4())))
    if not isinstance(row.body, dict):
        return row
    return replace(row, body={name: OTHERWISE.get(name, it) for name, it in row.body.items()})


def named(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or uuid4().hex}


def told(answer: Response) -> tuple[Any, ...]:
    """What must be the same when it is said again: all but the time of day, secrets, and links.

    A link that is good for five minutes is made anew whenever it is told.
    """
    wanted = [answer.headers.get(name) for name in ("location", "etag", "content-type")]
    body = answer.json() if answer.content else {}
    for never_again in ("server_now", "secret", "secret_url", "link_token"):
        body.pop(never_again, None)
    if body.pop("download_url", None) is not None:
        del body["expires_at"]
    return answer.status_code, json.dumps(body), *wanted


@asynccontextmanager
async def an_impatient_world(url: str, place: Path) -> AsyncIterator[World]:
    """Locks are waited for no longer than 50 milliseconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SERVER_SETTINGS, "lock_timeout", "50")
        async with a_world(url, place) as world:
            yield world


async def effects(world: World) -> list[tuple[str, str]]:
    """A sum over each table but the one of the keys themselves."""
    return [one for one in await world.all_rows() if one[0] != KEYS]


async def replays_of(world: World, headers: dict[str, str]) -> list[int]:
    statement = f"SELECT replays FROM {KEYS} WHERE key = $1"
    return [row[0] for row in await world.sql(statement, headers["Idempotency-Key"])]


async def grow_old(world: World, headers: dict[str, str], age: timedelta) -> None:
    statement = f"UPDATE {KEYS} SET created_at = created_at - $2::interval WHERE key = $1"
    await world.sql(statement, headers["Idempotency-Key"], age)


@contextmanager
def losing_a_commit(*, happens: bool) -> Iterator[None]:
    """The answer to the next commit is lost."""
    is_lost = False

    async def lost(commit: Commit) -> Any:
        nonlocal is_lost
        if is_lost:
            return await commit()
        is_lost = True
        if happens:
            await commit()
        raise ConnectionResetError

    with pytest.MonkeyPatch.context() as patch:
        around_commits(patch, lost)
        yield
    assert is_lost


async def ask_patiently(
    world: World, row: Row, name: str, aim: Aim, headers: dict[str, str]
) -> Response:
    """Until the server has noticed that the connection of the first try is gone."""
    for _ in range(20):
        answer = await ask(world, row, name, aim, headers)
        if code_of(answer) != IN_USE:
            break
    return answer
