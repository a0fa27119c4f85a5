"""A process that has loaded `booking-system serve` and forks it, as often as tests ask for it.

To load it takes a second for the supervisor and three for each API process, which most tests need
not see again. `tests.bootstrap.processes.running` starts what an operator starts. This process is
forked itself, from a process that has loaded the program and no test: from the worker, or, where
workers are forked, from a process beside them.

It reads requests from a socket: the arguments, environment and folder as JSON, perhaps a module of
tests whose `main` runs in the program's place, and two open files, for what the program prints and
for what becomes of it. Of the latter it writes a line with the
process id and one with the exit code.

Before the first program it makes an application, which nobody asks. What is derived from operations
and models on the way (`tests.adapters`) and the document, but for its address, are the same in each
program: their settings do not change them.
"""

import contextlib
import gc
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from prometheus_client import values

from booking_system.bootstrap import api_process, cli, http_app, serve, worker_program
from booking_system.bootstrap.container import build
from tests.adapters import derive_once
from tests.api import known_document, nothing_at
from tests.forking import forked

MOST_BYTES = 1 << 18
CHILDREN = {serve.API: api_process.main, serve.WORKER: worker_program.main}
"""What the supervisor starts as programs."""


@dataclass
class Child:
    """As much of `subprocess.Popen` as the supervisor needs, of a process that was forked."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a child", timeout)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _child(
    command: Sequence[str], *, env: Mapping[str, str], pass_fds: Sequence[int], **_: object
) -> Child:
    """In the place of the supervisor's `subprocess.Popen`."""
    program = CHILDREN[command[-1]]

    def main() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _close_all_but(pass_fds)
        _surrounded_by(env)
        # It looked at the environment when it was imported.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]
        program()

    return Child(forked(main))


def _close_all_but(kept: Sequence[int]) -> None:
    """An open copy of a sibling's socket would go on taking its connections."""
    for name in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208  (numbers)
        if name > 2 and name not in kept:
            with contextlib.suppress(OSError):
                os.close(name)


def _surrounded_by(env: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    # Chosen by the environment when it was first asked for.
    tempfile.tempdir = None


def _program(
    arguments: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    printed: int,
    module: str | None = None,
) -> None:
    # Tests that run in the background have had it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    _close_all_but(())
    os.chdir(cwd)
    _surrounded_by(env)
    sys.argv = ["booking-system", *arguments]
    serve.subprocess = SimpleNamespace(  # type: ignore[assignment]
        Popen=_child,
        TimeoutExpired=subprocess.TimeoutExpired,
        DEVNULL=subprocess.DEVNULL,
    )
    (import_module(module) if module else cli).main()


@cache
def make_one() -> None:
    """Make what each application would derive again: a second and a half of its start."""
    derive_once()
    with tempfile.TemporaryDirectory() as place:
        http_app.create_app(build(nothing_at(Path(place))))


def _make_ready() -> None:
    make_one()
    http_app.document_of = known_document
    # Each program looks once at all that it has loaded, and would copy it by that.
    gc.collect()
    gc.freeze()


def _start(request: Mapping[str, Any], printed: int, fate: int) -> int:
    pid = forked(lambda: _program(**request, printed=printed))
    os.close(printed)
    os.write(fate, b"%d\n" % pid)
    return pid


ELSEWHERE: list[Path] = []
"""The address where nurseries are forked for all workers, if there is one."""


def begun() -> socket.socket:
    """Fork the nursery, or have it forked. Returns the socket where it is asked."""
    if ELSEWHERE:
        asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asking.connect(str(ELSEWHERE[0]))
        return asking
    asking, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with asked:
        forked(lambda: _serve(asked))
    return asking


def fork_for_all(address: Path, ends: int) -> None:
    """Fork a process that forks nurseries, until the other end of `ends` is closed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(address))
        listening.listen(64)
        forked(lambda: _fork_each(listening, ends), apart=False)
    ELSEWHERE.append(address)


def _fork_each(listening: socket.socket, ends: int) -> None:
    gc.collect()
    gc.freeze()
    # Those that end are nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listening, ends], [], [])
        if ends in ready:
            return
        asked, _ = listening.accept()
        with asked:
            forked(lambda: _serve(asked))  # noqa: B023  (it is called at once)


def _serve(asking: socket.socket) -> NoReturn:
    """Serve requests until the worker that sends them is gone; then all programs go."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _close_all_but([asking.fileno()])
    watched = selectors.DefaultSelector()
    watched.register(asking, selectors.EVENT_READ)
    alive: dict[int, tuple[int, int]] = {}
    is_ready = False
    while True:
        for key, _ in watched.select():
            if key.fileobj is asking:
                body, files, _, _ = socket.recv_fds(asking, MOST_BYTES, 2)
                if not body:
                    for pid, _ in alive.values():
                        with contextlib.suppress(ProcessLookupError):
                            os.killpg(pid, signal.SIGKILL)
                    sys.exit()
                if not is_ready:
                    _make_ready()
                    is_ready = True
                pid = _start(json.loads(body), *files)
                ended = os.pidfd_open(pid)
                watched.register(ended, selectors.EVENT_READ)
                alive[ended] = (pid, files[1])
            else:
                watched.unregister(key.fileobj)
                pid, fate = alive.pop(key.fd)
                os.close(key.fd)
                _, status = os.waitpid(pid, 0)
                with contextlib.suppress(BrokenPipeError):
                    os.write(fate, b"%d\n" % os.waitstatus_to_exitcode(status))
                os.close(fate)
