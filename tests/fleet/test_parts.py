"""What the fleet says where it lacks something, and what it does with its parts."""

import signal
import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import booking_lab.__main__ as laboratory
from booking_lab.fleet import programs
from booking_lab.fleet.between import BALANCER, POOLER, filled
from booking_lab.fleet.part import Part, launched
from booking_lab.fleet.programs import FleetProblem
from tests.bootstrap.processes import eventually


def program(place: Path, says: str) -> str:
    path = place / "program"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def nothing_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HAPROXY", "PGBOUNCER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "PLACES", ())


@pytest.mark.usefixtures("nothing_there")
def test_what_lacks_is_told_with_what_brings_it() -> None:
    for sought, sentence in (
        (programs.balancer, programs.BALANCER_LACKS),
        (programs.pooler, programs.POOLER_LACKS),
    ):
        with pytest.raises(FleetProblem) as raised:
            sought()
        assert str(raised.value) == sentence
    done = CliRunner().invoke(laboratory.app, ["fleet"])
    assert done.exit_code == 2
    assert programs.BALANCER_LACKS in done.output


@pytest.mark.parametrize("version", ["1.18.0", "1.20.1", "0.9"])
def test_a_pooler_without_prepared_statements_is_none(
    version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGBOUNCER", program(tmp_path, f"PgBouncer {version}"))
    with pytest.raises(FleetProblem, match=rf"1\.21 or newer.*Found: PgBouncer {version[:4]}"):
        programs.pooler()


@pytest.mark.parametrize("version", ["1.21.0", "1.24.1", "2.0.0"])
def test_one_that_keeps_them_is_taken_where_it_is_named(
    version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = program(tmp_path, f"PgBouncer {version}")
    monkeypatch.setenv("PGBOUNCER", named)
    assert programs.pooler() == Path(named)
    monkeypatch.setenv("PGBOUNCER", str(tmp_path / "absent"))
    with pytest.raises(FleetProblem, match="is no program"):
        programs.pooler()


def test_the_wheel_brings_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VALKEY", raising=False)
    assert programs.redis().name == "valkey-server"


def test_the_documented_files_are_there_and_say_what_is_replaced() -> None:
    text = programs.of_checkout(POOLER).read_text()
    assert "pool_mode = transaction" in text
    assert "ignore_startup_parameters" not in text
    assert filled(text, {"listen_port = 6432": "listen_port = 1"}) != text
    with pytest.raises(FleetProblem, match="does not say: pool_mode = session"):
        filled(text, {"pool_mode = session": ""})
    assert "/health/ready" in programs.of_checkout(BALANCER).read_text()
    with pytest.raises(FleetProblem, match="runs from a checkout"):
        programs.of_checkout("docs/absent")


def test_a_port_that_is_taken_is_told_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for sought in ("balancer", "pooler", "redis"):
        monkeypatch.setattr(programs, sought, lambda: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(laboratory.app, ["fleet", "--port", str(port)])
    assert (done.exit_code, done.output) == (2, f"Port {port} is taken: --port names another.\n")


def test_a_part_is_frozen_killed_and_started_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = "import time\nprint('up', flush=True)\ntime.sleep(600)"
    part = Part(
        name="part",
        address="here",
        launch=lambda: launched([sys.executable, "-IS", "-c", code], log=log, folder=tmp_path),
        answers=lambda: log.exists() and "up" in log.read_text(),
        log=log,
    )
    try:
        part.start()
        assert part.line().split() == ["part", "running", "here"]
        part.freeze()
        assert part.line().split() == ["part", "frozen", "here"]
        # Who is frozen hears nothing: it goes on first.
        assert part.stop() == -signal.SIGTERM
        assert part.line().split() == ["part", "not", "running", "here"]
        assert part.stop() is None
        part.start()
        assert part.process is not None
        part.kill()
        assert not part.is_running
    finally:
        part.kill()


def test_a_part_that_does_not_come_up_says_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = "import sys\nsys.exit('the port is taken')"
    part = Part(
        name="part",
        address="",
        launch=lambda: launched([sys.executable, "-IS", "-c", words], log=log, folder=tmp_path),
        answers=lambda: False,
        log=log,
    )
    with pytest.raises(FleetProblem, match=r"part does not come up\.\n  the port is taken"):
        part.start()
    assert eventually(lambda: not part.is_running)
