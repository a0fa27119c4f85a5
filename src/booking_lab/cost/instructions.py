"""The instructions that PostgreSQL spends on each operation that writes, counted by callgrind.

The program does each operation some times, and what it says to the database is noted. Then the same
is said to a server that valgrind runs, with the same rows: a process of the server tells at its end
how many instructions it took. Of two processes, one of which has done more, the difference counts:
what a connection costs at first is not in it. Nothing is timed.
"""

import asyncio
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from booking_lab.bench.plan import BenchProblem
from booking_lab.bench.run import own_folder
from booking_lab.cost.operations import WRITES, Requests
from booking_lab.cost.run import seeded
from booking_lab.cost.served import Served, serving
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.postgres_binaries import ServerUser, binaries_for
from booking_system.bootstrap.settings import Settings
from booking_system.identity.adapters.tokens import SignedAccessTokens
from booking_system.platform.postgres.transaction import SERVER_SETTINGS

FIRST, FEW = 2, 4
"""The first process does what a server does once; each other one plans, and then repeats."""
WATCHED = """#!/bin/sh
exec valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file={told}/%p \
 {real}/postgres "$@"
"""
UNWATCHED = """#!/bin/sh
exec {real}/{name} "$@"
"""
COLLECTED = re.compile(r"Collected : (\d+)")
SECONDS = 60.0
UNDISTURBED = {"autovacuum": "off"}
"""New statistics would be new plans."""
PLANNED_ALIKE = {
    name: value for name, value in SERVER_SETTINGS.items() if not name.endswith("_timeout")
}
"""What the program sets; valgrind takes fifty times as long."""
GUARDED_ORDERS = """SELECT slot_id, patient_id, user_id FROM bench.orders
 WHERE kind = 'sql' ORDER BY n LIMIT $1"""
LOCK = """SELECT id, doctor_id, starts_at, ends_at, status, version FROM bench.guarded_slots
 WHERE id = $1 FOR UPDATE"""
ADD = """INSERT INTO bench.guarded_bookings SELECT uuidv7(), id, doctor_id, $2, starts_at, ends_at,
 'booked', $3, now() FROM bench.guarded_slots WHERE id = $1"""
SELL = "UPDATE bench.guarded_slots SET status = 'booked', version = version + 1 WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Said:
    """One statement, as the driver sent it."""

    query: str
    values: Sequence[Any]


Doing = list[list[Said]]
"""What was said for each of several requests."""


def can_count() -> bool:
    """Say whether valgrind is installed."""
    return shutil.which("valgrind") is not None


def instructions(settings_for: Callable[[Path, str], Settings]) -> dict[str, int]:
    """Return the instructions of one request of each operation, and of the bare transaction.

    `settings_for` makes the API's settings of a folder and a database's address. Unchanged code
    gives figures within some hundredths. Raises `BenchProblem` where valgrind is missing or a
    request fails.
    """
    if not can_count():
        raise BenchProblem("Instructions are counted by valgrind, which is not installed here.")
    with own_folder() as folder:
        real = binaries_for(ServerUser.for_data_in(folder / "postgres"), None)
        server = EmbeddedPostgres(folder)
        server.start()
        try:
            asyncio.run(seeded(server.url))
            asyncio.run(_copy(server.url_for("postgres"), "replayed"))
            said = _said(settings_for(folder, server.url), folder / "log")
            said["bare transaction"] = asyncio.run(_bare(server.url))
        finally:
            server.stop()
        binaries, told = _watched(folder, real)
        watched = EmbeddedPostgres(folder, binaries=binaries, settings=UNDISTURBED)
        watched.start()
        try:
            return asyncio.run(_each(watched.url_for("replayed"), said, told))
        finally:
            watched.stop()
            for left in (watched.root, watched.sockets):
                shutil.rmtree(left, ignore_errors=True)


def _watched(folder: Path, real: Path) -> tuple[Path, Path]:
    """Give programs of which `postgres` is run by valgrind, and where its processes tell."""
    binaries, told = folder / "watched", folder / "told"
    for place, mode in ((binaries, 0o755), (told, 0o777)):
        place.mkdir()
        place.chmod(mode)
    for program in real.iterdir():
        text = WATCHED if program.name == "postgres" else UNWATCHED
        script = binaries / program.name
        script.write_text(text.format(real=real, told=told, name=program.name), encoding="utf-8")
        script.chmod(0o755)
    return binaries, told


async def _copy(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE booking STRATEGY FILE_COPY")
    finally:
        await connection.close()


def _said(settings: Settings, log: Path) -> dict[str, Doing]:
    """Do every operation that writes, and note what is said to the database meanwhile."""
    tokens = SignedAccessTokens(settings.keyring(), issuer=settings.public_url)
    with serving(settings, log) as served, asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(settings.database_url))
        try:
            requests = Requests(connection, tokens)
            by_operation = runner.run(requests.by_operation())
            for request in by_operation["me"]:
                served.ask(request)
            said, ids = {}, list[str]()
            for name in ("booking", "booking, with a key", "hold"):
                answers, said[name] = _noted(served, name, by_operation[name])
                ids += [json.loads(body)["id"] for body in answers] if name == "booking" else []
            orders = runner.run(requests.orders())
            moves = runner.run(requests.to_move(orders, ids))
            _, said["move"] = _noted(served, "move", moves)
            _, said["cancel"] = _noted(served, "cancel", requests.to_cancel(orders, ids))
            return said
        finally:
            runner.run(connection.close())


def _noted(served: Served, name: str, requests: Sequence[bytes]) -> tuple[list[bytes], Doing]:
    bodies, doing = [], []
    for request in requests:
        answer: list[tuple[int, bytes]] = []
        heard = served.heard_of(lambda: answer.append(served.ask(request)))  # noqa: B023
        ((status, body),) = answer
        if status not in {200, 201}:
            raise BenchProblem(f"{name}: {status} {body.decode()}")
        bodies.append(body)
        doing.append([Said(one.query, one.args) for one in heard])
    return bodies, doing


async def _bare(url: str) -> Doing:
    """What the bench compares a booking with: a lock, a row, a changed slot."""
    connection = await asyncpg.connect(url)
    try:
        orders = await connection.fetch(GUARDED_ORDERS, WRITES)
    finally:
        await connection.close()
    return [
        [
            Said("BEGIN", ()),
            Said(LOCK, (slot,)),
            Said(ADD, (slot, patient, user)),
            Said(SELL, (slot,)),
            Said("COMMIT", ()),
        ]
        for slot, patient, user in orders
    ]


async def _each(url: str, said: Mapping[str, Doing], told: Path) -> dict[str, int]:
    found = {}
    for name, doing in said.items():
        usual, others = _usual(doing)
        few, many = usual[FIRST : FIRST + FEW], usual[FIRST + FEW :]
        if len(many) <= len(few):
            raise BenchProblem(f"{name}: too few requests said the same to the database.")
        parts = ([*others, *usual[:FIRST]], few, many)
        _, less, more = [await _taken(url, part, told) for part in parts]
        found[name] = (more - less) // (len(many) - len(few))
    return found


def _usual(doing: Doing) -> tuple[Doing, Doing]:
    """Part what most requests say from what others do: a plan more would be counted as work."""
    texts = [tuple(one.query for one in request) for request in doing]
    (most, _), *_ = Counter(texts).most_common(1)
    pairs = list(zip(texts, doing, strict=True))
    return [it for text, it in pairs if text == most], [it for text, it in pairs if text != most]


async def _taken(url: str, doing: Doing, told: Path) -> int:
    """Say it all on one connection; return how many instructions that took its process."""
    connection = await asyncpg.connect(
        url, timeout=SECONDS, command_timeout=SECONDS, server_settings=PLANNED_ALIKE
    )
    pid = connection.get_server_pid()
    try:
        for one in doing:
            for part in one:
                # With values it is a prepared statement, as the program's are.
                await connection.execute(part.query, *part.values)
    finally:
        await connection.close()
    deadline = time.monotonic() + SECONDS
    while not (found := COLLECTED.search((told / str(pid)).read_text(encoding="utf-8"))):
        if time.monotonic() > deadline:
            raise BenchProblem("A process of the watched server did not tell what it took.")
        await asyncio.sleep(0.1)
    return int(found[1])
