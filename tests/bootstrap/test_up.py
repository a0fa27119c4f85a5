"""`booking-system up` as an operator lives it: started, used, stopped, killed, started again."""

import asyncio
import http.client
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from booking_lab.demo import data as demo
from booking_system.bootstrap import up as up_module
from booking_system.bootstrap.cli import app
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from tests.bootstrap.processes import (
    alive,
    environment,
    eventually,
    family_of,
    free_port,
    running,
)
from tests.bootstrap.test_worker import is_relayed, relayed
from tests.forked import Forked, forked

ADMIN = {"admin_email": "admin@example.com", "admin_password": "a-long-enough-passphrase"}
LAST_LINE = "Press Ctrl-C to stop.\n"


@dataclass(frozen=True)
class Instance:
    process: "subprocess.Popen[str] | Forked"
    port: int
    told: str

    def status(self, path: str, body: dict[str, str] | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        try:
            method = "POST" if body else "GET"
            connection.request(method, path, urlencode(body) if body else None, headers)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.status("/health/ready") == 200

    def family(self) -> list[int]:
        return family_of(self.process.pid)


FEWEST_OF_A_FAMILY = 5
"""The program, its API processes, its worker, and then the database's processes."""
NEW_SERVER = 3
"""A database server has more processes of its own than that."""


@contextmanager
def up(
    place: Path, command: str = "up", *, is_forked: bool = False, **settings: object
) -> Iterator[Instance]:
    """`is_forked` is enough: as an operator does it, `test_database_roles.py` starts the API."""
    port = free_port()
    chosen: dict[str, object] = {"data_dir": place / "data", "port": port, "demo": "false"}
    env = environment(**chosen, **settings)
    program = ("-m", "booking_system.bootstrap.cli", command)
    with (
        forked(command, env=env, cwd=place)
        if is_forked
        else running(*program, env=env, cwd=place) as process
    ):
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if line == LAST_LINE:
                break
        assert told[-1:] == [LAST_LINE], "".join(told)
        yield Instance(process, port, "".join(told))


def ended(instance: Instance, end: Callable[[], None]) -> int:
    """End it, and see that no process of it is left."""
    family = instance.family()
    assert len(family) > FEWEST_OF_A_FAMILY, "the database's processes should be among them"
    end()
    code = instance.process.wait(120)
    assert eventually(lambda: not any(map(alive, family))), "processes are left"
    return code


@pytest.mark.parametrize(
    "is_forked",
    [
        pytest.param(True, id="forked"),
        pytest.param(False, id="as an operator starts it", marks=pytest.mark.proof),
    ],
)
def test_an_instance_serves_recovers_stops_and_finds_its_data_again(
    place: Path, *, is_forked: bool
) -> None:
    with up(place, is_forked=is_forked) as first:
        data = f"Data     {place / 'data'}"
        assert f"{data} (a new database was made there)\n" in first.told
        assert f"API      http://127.0.0.1:{first.port}\n" in first.told
        assert f"Docs     http://127.0.0.1:{first.port}/docs\n" in first.told
        assert first.status("/health/live") == 200
        assert first.is_ready()
        database = EmbeddedPostgres(place / "data").url
        event_id = asyncio.run(relayed(database))

        before = set(first.family())
        EmbeddedPostgres(place / "data").kill()
        # What the old server left may answer once more before the new one is there.
        assert eventually(
            lambda: len(set(first.family()) - before) > NEW_SERVER and first.is_ready(), pause=0.2
        )

        assert ended(first, lambda: first.process.send_signal(signal.SIGINT)) == 0
    assert sorted(path.name for path in (place / "data").iterdir()) == [
        "files",
        "postgres",
        "secret-key.pem",
    ]

    with up(place, is_forked=True, log_level="debug", **ADMIN) as second:
        assert asyncio.run(is_relayed(database, event_id))
        login = {"username": ADMIN["admin_email"], "password": ADMIN["admin_password"]}
        grant = {"grant_type": "password", **login}
        assert second.status("/v1/auth/token", grant) == 200
        # The line of a request is written behind its answer, and before the next one's.
        assert all(second.status("/health/live?q=Example") for _ in range(2))
        assert ended(second, second.process.kill) == -signal.SIGKILL
        lines = log_lines(second)
    requests = [line["route"] for line in lines if line["event"] == "request"]
    since = requests.index("/v1/auth/token")
    assert requests[since : since + 2] == ["/v1/auth/token", "/health/live"]
    assert "Example" not in json.dumps(lines)


def log_lines(instance: Instance) -> list[dict[str, object]]:
    assert instance.process.stdout is not None
    return [json.loads(line) for line in instance.process.stdout if line.startswith("{")]


@pytest.mark.proof
def test_two_instances_share_one_database(place: Path) -> None:
    with up(place) as owner, up(place, "serve") as guest:
        assert ended(owner, owner.process.terminate) == 0
        assert eventually(guest.is_ready), "it should have taken the database over"
        assert ended(guest, guest.process.terminate) == 0


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(signal.SIGINT, id="ctrl-c"),
        pytest.param(signal.SIGTERM, id="stop", marks=pytest.mark.proof),
    ],
)
def test_a_start_that_is_stopped_leaves_nothing(place: Path, asked: signal.Signals) -> None:
    settings = environment(data_dir=place / "data", port=free_port(), demo="false")
    with forked("up", env=settings, cwd=place) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "Starting the database ...\n"
        assert eventually(lambda: len(family_of(process.pid)) > 1)
        family = family_of(process.pid)
        process.send_signal(asked)
        assert process.wait(120) == 0
        assert process.stdout.read() == "Stopped.\n"
        assert eventually(lambda: not any(map(alive, family)))


@pytest.mark.usefixtures("clean_environment", "logging_put_back")
def test_an_unusable_key_is_noticed_before_the_database_starts(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKING_DATA_DIR", str(place))
    monkeypatch.setenv("BOOKING_PORT", str(free_port()))
    (place / "secret-key.pem").write_text("rubbish")
    done = CliRunner().invoke(app, ["up"])
    assert done.exit_code == 2
    assert done.output.startswith("The secret key must be a P-256 private key")
    assert not (place / "postgres").exists()


def test_it_points_to_the_credentials_that_the_demo_writes() -> None:
    # The process that watches the others does not load the demo to learn its file's name.
    assert up_module.CREDENTIALS == demo.CREDENTIALS
