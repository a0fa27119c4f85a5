"""The supervisor of the API processes, where it does not go well."""

import errno
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from booking_system.bootstrap import api_process, serve
from booking_system.bootstrap.process import LISTENER, Interrupted
from booking_system.bootstrap.serve import AddressUnavailable, ApiFailed, ApiProcesses, listeners
from booking_system.bootstrap.settings import Settings
from tests.bootstrap.processes import free_port
from tests.patience import PATIENCE

pytestmark = pytest.mark.usefixtures("clean_environment", "logging_put_back")


ALIVE = """
import os, socket
listener = socket.socket(fileno=int(os.environ["BOOKING_LISTENING_SOCKET"]))
while True:
    with listener.accept()[0] as caller:
        caller.recv(1000)
        caller.sendall(b"HTTP/1.1 200 OK\\r\\nX-Pid: %d\\r\\n\\r\\n" % os.getpid())
"""
"""An API process that lives, and does nothing else."""


def never() -> None:
    raise AssertionError("it did not come up")


def some_settings(**values: object) -> Settings:
    return Settings(port=free_port(), database_url="postgresql:///none", **values)


def test_an_api_process_that_ends_at_the_start_ends_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    settings = some_settings(api_processes=2)
    with listeners(settings) as sockets:
        with pytest.raises(ApiFailed) as raised:
            ApiProcesses(settings, sockets).run(never)
        assert all(listener.fileno() == -1 for listener in sockets)
    assert raised.value.exit_code == 1


def test_an_api_that_is_never_live_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 600\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(sleeper))
    monkeypatch.setattr(serve, "LIVE_SECONDS", 0.0)
    monkeypatch.setattr(serve, "ANSWER_SECONDS", 0.1)
    settings = some_settings()
    with listeners(settings) as sockets, pytest.raises(ApiFailed):
        ApiProcesses(settings, sockets).run(never)


def test_a_process_that_does_not_listen_to_us_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deaf = tmp_path / "deaf"
    deaf.write_text("#!/bin/sh\nwhile :; do sleep 0.1; done\n")
    deaf.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(deaf))
    for name in ("LIVE_SECONDS", "STOP_SECONDS"):
        monkeypatch.setattr(serve, name, 0.3)
    monkeypatch.setattr(serve, "ANSWER_SECONDS", 0.1)
    settings = some_settings()
    # What is ignored here is ignored from the first moment by what is started here.
    outside = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with listeners(settings) as sockets:
            processes = ApiProcesses(settings, sockets)
            with pytest.raises(ApiFailed):
                processes.run(never)
    finally:
        signal.signal(signal.SIGTERM, outside)
    assert [child.returncode for child in processes._children] == [-9]


class Told:
    """A process that ends as soon as it is told anything."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self.waits: list[float] = []

    def send_signal(self, number: int) -> None:
        self.heard.append(number)

    def wait(self, timeout: float) -> int:
        self.waits.append(timeout)
        return 0


@pytest.mark.parametrize(
    ("seconds", "asked", "heard", "longest"),
    [
        (0, signal.SIGTERM, signal.SIGTERM, serve.STOP_SECONDS),
        (0, signal.SIGINT, signal.SIGTERM, serve.STOP_SECONDS),
        (60, signal.SIGTERM, signal.SIGTERM, 60 + serve.STOP_SECONDS),
        # Who pressed Ctrl-C waits.
        (60, signal.SIGINT, signal.SIGINT, serve.STOP_SECONDS),
    ],
)
def test_processes_have_time_to_drain_unless_somebody_waits(
    seconds: float, asked: signal.Signals, heard: signal.Signals, longest: float
) -> None:
    processes, child = ApiProcesses(some_settings(drain_seconds=seconds), []), Told()
    processes._children.append(cast("subprocess.Popen[bytes]", child))

    def end() -> None:
        raise Interrupted(asked)

    processes._wait_until_live = end  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        processes.run(never)
    assert child.heard == [heard]
    assert longest - 1 < child.waits[0] <= longest


class Enough(Exception):
    """All has been seen."""


def test_a_process_that_dies_is_replaced_on_its_socket_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, code = tmp_path / "alive", tmp_path / "alive.py"
    code.write_text(ALIVE)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{code}"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(serve, "RESTART_SECONDS", 0.0)
    settings = some_settings(api_processes=2)
    with listeners(settings) as sockets:
        processes = ApiProcesses(settings, sockets)
        killed, kept = [], []

        def kill_one() -> None:
            first, second = processes._children
            killed.append(first)
            kept.append(second)
            first.kill()

        def look(_: float) -> None:
            if killed and processes._children[0] is not killed[0]:
                assert {told_by(settings.port) for _ in range(40)} == {
                    child.pid for child in processes._children
                }
                raise Enough
            assert time.monotonic() < last
            time.sleep(0.01)

        last = time.monotonic() + PATIENCE
        clock = SimpleNamespace(monotonic=time.monotonic, sleep=look)
        monkeypatch.setattr(serve, "time", clock)
        with pytest.raises(Enough):
            processes.run(kill_one)
    assert processes._children[1] is kept[0]
    assert all(child.returncode == -signal.SIGTERM for child in processes._children)


def told_by(port: int) -> int:
    """The process that answers."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as asking:
        asking.sendall(b"GET /health/live HTTP/1.1\r\n\r\n")
        return int(asking.recv(1000).partition(b"X-Pid: ")[2])


def test_somebody_who_was_quicker_keeps_the_port() -> None:
    settings = some_settings()
    with listeners(settings) as sockets, listeners(settings) as rivals:
        sockets[0].listen()
        with pytest.raises(AddressUnavailable, match="is taken by another program"):
            ApiProcesses(settings, rivals).run(never)


def test_a_low_port_needs_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    settings = some_settings()
    monkeypatch.setattr(socket.socket, "bind", forbidden)
    with pytest.raises(AddressUnavailable, match="one above 1023"), listeners(settings):
        never()


def test_an_api_process_says_in_a_sentence_what_is_wrong_with_its_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOOKING_PORT", "many")
    with socket.socket() as listener:
        monkeypatch.setenv(LISTENER, str(listener.detach()))
    with pytest.raises(SystemExit) as raised:
        api_process.main()
    assert raised.value.code == 2
    assert capsys.readouterr().err == "BOOKING_PORT must be a number from 1 to 65535.\n"
