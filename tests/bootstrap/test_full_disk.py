"""A full disk is called that: in the answer, in the log, and where readiness is asked for."""

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

import asyncpg
import httpx
import pytest
import structlog
from httpx import ASGITransport, AsyncClient

from booking_system.bootstrap import embedded_postgres, postgres_cluster, room, secret_key
from booking_system.bootstrap.container import build, close
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.http_app import create_app
from booking_system.bootstrap.postgres_binaries import LocalStackError
from booking_system.bootstrap.postgres_cluster import Cluster
from booking_system.bootstrap.settings import Settings
from booking_system.platform.postgres import leases
from booking_system.platform.postgres.faults import FULL
from booking_system.platform.postgres.transaction import Database
from tests.api import Api, code_of
from tests.bootstrap.processes import environment, eventually, free_port, running
from tests.patience import PATIENCE

REFUSING = """CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS
 $$BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END$$"""
AT_ONCE = "CREATE TRIGGER x BEFORE INSERT ON clinics FOR EACH ROW EXECUTE FUNCTION full()"
AT_COMMIT = """CREATE CONSTRAINT TRIGGER x AFTER INSERT ON clinics DEFERRABLE INITIALLY DEFERRED
 FOR EACH ROW EXECUTE FUNCTION full()"""
CLINIC = {"name": "Example", "slug": "example", "time_zone": "UTC"}


async def test_a_disk_of_the_database_that_is_full_is_told_of(
    own_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: Database = own_api.container.database()
    async with database.reading() as connection:
        await connection.execute(REFUSING)
    for trigger in (AT_ONCE, AT_COMMIT):
        async with database.driver_transaction() as connection:
            await connection.execute("DROP TRIGGER IF EXISTS x ON clinics")
            await connection.execute(trigger)
        with structlog.testing.capture_logs() as lines:
            answer = await own_api.post("/v1/clinics", CLINIC, own_api.admin)
        assert code_of(answer) == (503, "dependency_unavailable")
        assert (answer.json()["detail"], answer.headers["retry-after"]) == (FULL, "60")
        assert "database_disk_full" in [line["event"] for line in lines]
        ready = await own_api.get("/health/ready")
        assert (ready.status_code, ready.json()["detail"]) == (503, FULL)
        assert (await own_api.get("/v1/clinics")).status_code == 200
        # Nothing but another write can tell that there is room again.
        monkeypatch.setattr(database.leases, "_full_until", 0.0)
    assert (await own_api.get("/health/ready")).status_code == 200
    assert leases.FULL_SECONDS < 60


class Room(NamedTuple):
    f_bavail: int
    f_frsize: int


@pytest.mark.parametrize(("left", "is_told"), [(31, True), (33, False)])
async def test_a_data_directory_without_room_is_told_of_where_the_database_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int, is_told: bool
) -> None:
    dead = "postgresql://u@127.0.0.1:1/x"
    container = build(Settings(data_dir=tmp_path, database_url=dead, public_url="http://test"))
    monkeypatch.setattr(os, "statvfs", lambda _: Room(left * 256, 4096))
    transport = ASGITransport(create_app(container))
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        with structlog.testing.capture_logs() as lines:
            answers = [await client.get(path) for path in ("/health/ready", "/v1/clinics")]
        alive = await client.get("/health/live")
    await close(container)
    sentence = f"The disk of the data directory is full: {left} MiB are left."
    assert [sentence in one.json()["detail"] for one in answers] == [is_told] * 2
    assert [code_of(one) for one in answers] == [(503, "dependency_unavailable")] * 2
    assert ("disk_full" in [line["event"] for line in lines]) == is_told
    assert alive.status_code == 200


def test_a_folder_that_is_not_there_is_no_reason(tmp_path: Path) -> None:
    assert room.shortage(tmp_path / "absent") is None


SIZE = 150 * 1024 * 1024
LEFT = 256 * 1024
"""Bytes that are left when it is filled up."""


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A disk of 150 MiB in memory."""
    disk = place / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert mounted.returncode == 0, f"this proof mounts a disk, so root runs it: {mounted.stderr}"
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, leave: int = LEFT) -> None:
    with (disk / "filling").open("ab", buffering=0) as file:
        while (left := room_on(disk) - leave) > 0:
            file.write(bytes(min(left, 1024 * 1024)))


def room_on(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


@pytest.mark.proof
def test_a_disk_that_is_full_ends_nothing_and_is_told_of(small_disk: Path) -> None:
    """What is committed is there afterwards, and nobody was told of anything that is not."""
    port, password = free_port(), "three quiet otters"
    settings: dict[str, object] = {"port": port, "data_dir": small_disk / "data", "demo": False}
    settings |= {"admin_email": "admin@example.com", "admin_password": password}
    env = environment(**settings, log_level="error", rate_limit="off", writes_per_minute=0)
    with (
        running("-m", "booking_system.bootstrap.cli", "up", env=env, cwd=small_disk) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client,
    ):

        def is_ready() -> bool:
            assert process.poll() is None
            with contextlib.suppress(httpx.TransportError):
                return client.get("/health/ready").is_success
            return False

        assert eventually(is_ready, pause=0.5)
        form = {"grant_type": "password", "username": "admin@example.com", "password": password}
        token = client.post("/v1/auth/token", data=form).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        fill(small_disk)
        made, answer = 0, _one_more(client, 0)
        while answer.status_code == 201 and made < 5000:
            # The server gives some back now and then.
            fill(small_disk)
            made += 1
            answer = _one_more(client, made)
        assert code_of(answer) == (503, "dependency_unavailable")
        assert (answer.json()["detail"], answer.headers["retry-after"]) == (FULL, "60")
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["detail"]) == (503, FULL)
        assert client.get("/v1/clinics", params={"limit": 1}).status_code == 200
        (small_disk / "filling").unlink()
        assert _one_more(client, made).status_code == 201
        assert eventually(is_ready, pause=0.5)
        assert len(list(_slugs(client))) == made + 1
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert "database_disk_full" in process.stdout.read()
        assert process.wait(PATIENCE) == 0
    sys.stdout.write(f"{made} clinics were made before the disk was full\n")


PROGRAM = ("-m", "booking_system.bootstrap.cli", "up")


@pytest.mark.proof
def test_a_disk_that_is_full_of_wal_ends_in_a_sentence_and_loses_nothing(small_disk: Path) -> None:
    """The server itself stops with a PANIC: it cannot go on without the next file of its log."""
    port, password, data = free_port(), "three quiet otters", small_disk / "data"
    settings: dict[str, object] = {"port": port, "data_dir": data, "demo": False}
    settings |= {"admin_email": "admin@example.com", "admin_password": password}
    env = environment(**settings, log_level="warning", rate_limit="off", log_format="json")
    sentence = f"the disk of {data / 'postgres'} is full; free space, then start again"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
        with up(client, env) as lines:
            form = {"grant_type": "password", "username": "admin@example.com"}
            told = client.post("/v1/auth/token", data={**form, "password": password})
            client.headers["Authorization"] = f"Bearer {told.json()['access_token']}"
            made: set[str] = set()
            asked = 0
            for times in (1, 2):
                acknowledged, asked = until_it_panics(client, small_disk, asked)
                made |= acknowledged
                for one in (_one_more(client, asked), client.get("/health/ready")):
                    assert code_of(one) == (503, "dependency_unavailable")
                    assert "The disk of the data directory is full: 0 MiB" in one.json()["detail"]
                assert eventually(lambda times=times: len(downs(lines)) == times)
                # With room again it comes back by itself.
                (small_disk / "filling").unlink()
                assert eventually(lambda: is_ready(client), pause=0.5)
                assert made <= set(_slugs(client))
                asked += 1
            fill(small_disk)
            while asyncio.run(write_ahead(data)):
                fill(small_disk)
            assert eventually(lambda: len(downs(lines)) == 3)
        # Said once, not at each try.
        assert len(downs(lines)) == 3
        assert all(sentence in line for line in downs(lines))
        assert sum("database_is_back" in line for line in lines) == 2
        # Full to the last byte nothing can be written, not even why.
        fill(small_disk, 0)
        with running(*PROGRAM, env=env, cwd=small_disk) as process:
            assert process.wait(PATIENCE) == 3
            assert process.stdout is not None
            assert sentence in process.stdout.read()
        (small_disk / "filling").unlink()
        with up(client, env):
            assert made <= set(_slugs(client))
            assert _one_more(client, asked).status_code == 201
    sys.stdout.write(f"{len(made)} clinics were acknowledged, of {asked} that were asked for\n")


@contextlib.contextmanager
def up(client: httpx.Client, env: Mapping[str, str]) -> Iterator[list[str]]:
    """The program, ready, until it ends when it is asked to; the lines that it writes."""
    lines: list[str] = []
    with running(*PROGRAM, env=env, cwd=Path("/")) as process:
        assert process.stdout is not None
        # A program waits whose lines nobody takes.
        taking = threading.Thread(target=lines.extend, args=(process.stdout,))
        taking.start()
        assert eventually(lambda: is_ready(client), pause=0.5)
        yield lines
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        taking.join()


def is_ready(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/health/ready").is_success
    return False


def downs(lines: list[str]) -> list[str]:
    return [line for line in list(lines) if "database_is_down" in line]


def until_it_panics(client: httpx.Client, disk: Path, begin: int) -> tuple[set[str], int]:
    """Make clinics while the log grows; return which were acknowledged, and the next number."""
    acknowledged: set[str] = set()
    asked = begin

    def makes_them() -> None:
        nonlocal asked
        while (answer := _one_more(client, asked)).status_code == 201:
            acknowledged.add(answer.json()["slug"])
            asked += 1

    for _ in range(5):
        answer = _one_more(client, asked)
        assert answer.status_code == 201
        acknowledged.add(answer.json()["slug"])
        asked += 1
    fill(disk)
    making = threading.Thread(target=makes_them)
    making.start()
    while asyncio.run(write_ahead(disk / "data")):
        fill(disk)
    making.join()
    log = (disk / "data" / "postgres" / "postgres.log").read_text(encoding="utf-8")
    assert "PANIC:  could not write to file" in log
    # The last one had no answer that says it was stored; it may be.
    return acknowledged, asked + 1


async def write_ahead(data: Path) -> bool:
    """Write nothing but the log; say whether the server took it."""
    try:
        connection = await asyncpg.connect(EmbeddedPostgres(data).url)
        try:
            for _ in range(40):
                await connection.execute(
                    "SELECT pg_logical_emit_message(true, 'x', repeat('x', 1000000))"
                )
        finally:
            connection.terminate()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


def _one_more(client: httpx.Client, number: int) -> httpx.Response:
    return client.post("/v1/clinics", json=CLINIC | {"slug": f"example-{number}"})


def _slugs(client: httpx.Client) -> Iterator[str]:
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/v1/clinics", params={"limit": 200, **cursor}).json()
        yield from (clinic["slug"] for clinic in page["items"])
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def _without_room() -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _ends(log: Path) -> "subprocess.Popen[bytes]":
    log.touch()
    return subprocess.Popen(["false"])


@pytest.mark.parametrize(
    ("happens", "begins"),
    [("nothing can be written", "cannot be started"), ("no reason is given", "did not start")],
)
def test_a_server_that_a_full_disk_keeps_from_starting_is_told_of_with_the_way_out(
    place: Path, monkeypatch: pytest.MonkeyPatch, happens: str, begins: str
) -> None:
    root = place / "data" / "postgres"
    for name in postgres_cluster.NEEDED:
        (root / "cluster" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "cluster" / name).touch()
    server = EmbeddedPostgres(place / "data")
    if happens == "nothing can be written":
        monkeypatch.setattr(Cluster, "serve", lambda _: _without_room())
    else:
        monkeypatch.setattr(Cluster, "serve", lambda cluster: _ends(cluster.log))
        monkeypatch.setattr(os, "statvfs", lambda _: Room(1, 4096))
    try:
        with pytest.raises(LocalStackError) as told:
            server.start()
    finally:
        server.stop()
    assert str(told.value).startswith(
        f"PostgreSQL {begins}: the disk of {root} is full; free space, then start again"
    )


def test_a_key_for_which_there_is_no_room_is_not_called_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_key, "_publish", lambda *_: _without_room())
    with pytest.raises(secret_key.SecretKeyError) as told:
        secret_key.key_kept_in(tmp_path)
    assert f"cannot be made: the disk of {tmp_path} is full; free space" in str(told.value)


def test_a_server_that_stays_down_is_told_of_once(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedPostgres(place / "data")
    server._started.set()
    with structlog.testing.capture_logs() as lines:
        with monkeypatch.context() as broken:
            broken.setattr(EmbeddedPostgres, "_launch", lambda _: _without_room())
            for _ in range(3):
                server._look_once(0.0)
            assert server._pause() == embedded_postgres.REST_SECONDS
        monkeypatch.setattr(EmbeddedPostgres, "_launch", lambda _: None)
        server._look_once(0.0)
    assert server._pause() == embedded_postgres.WATCH_SECONDS
    server.stop()
    server._shut_down()
    events = [line["event"] for line in lines]
    assert events == ["database_restarts", "database_is_down", "database_is_back"]
    assert "is full; free space, then start again" in lines[1]["why"]


@pytest.mark.parametrize("left", ["postgresql.conf", "PG_VERSION"])
def test_half_of_a_database_is_told_of_with_the_way_out(place: Path, left: str) -> None:
    cluster = place / "data" / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / left).touch()
    server = EmbeddedPostgres(place / "data")
    try:
        with pytest.raises(LocalStackError, match="holds a part of a database") as told:
            server.start()
    finally:
        server.stop()
    assert "move the folder away" in str(told.value)
    assert [one.name for one in cluster.iterdir()] == [left]
