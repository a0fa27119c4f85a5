"""Programs that a `tests.nursery` forks: started as quickly as a real start of the API allows."""

import io
import json
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests import nursery
from tests.bootstrap.processes import gone_afterwards
from tests.budget import MADE


class Forked:
    """As much of `subprocess.Popen` as tests need, of a process whose parent is the nursery."""

    def __init__(self, stdout: int, fate: int) -> None:
        """`fate` is where its process id and then its exit code can be read."""
        self.stdout: IO[str] | None = io.TextIOWrapper(os.fdopen(stdout, "rb"), encoding="utf-8")
        self.returncode: int | None = None
        # A thread of the test may wait for the end that another one looks at.
        self._reading = threading.Lock()
        self._fate = os.fdopen(fate, "rb")
        self.pid = int(self._fate.readline())

    def poll(self) -> int | None:
        with self._reading:
            if self.returncode is None and select.select([self._fate], [], [], 0)[0]:
                self._read()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        with self._reading:
            if self.returncode is None:
                if not select.select([self._fate], [], [], timeout)[0]:
                    assert timeout is not None
                    raise subprocess.TimeoutExpired("a forked program", timeout)
                self._read()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read(self) -> None:
        self.returncode = int(self._fate.readline())
        self._fate.close()


class Nursery:
    """The process that forks."""

    def __init__(self) -> None:
        self._asking: socket.socket | None = None

    def begin(self) -> None:
        """Fork it, before this process has threads, connections or an event loop."""
        self._asking = nursery.begun()

    def fork(
        self, *arguments: str, env: Mapping[str, str], cwd: Path, module: str | None
    ) -> Forked:
        assert self._asking is not None
        request = {"arguments": arguments, "env": dict(env), "cwd": str(cwd), "module": module}
        (printed, prints), (fate, ends) = os.pipe(), os.pipe()
        socket.send_fds(self._asking, [json.dumps(request).encode()], [prints, ends])
        os.close(prints)
        os.close(ends)
        return Forked(printed, fate)

    def end(self) -> None:
        """End its programs, and wait until it has ended."""
        assert self._asking is not None
        with self._asking as asking:
            asking.shutdown(socket.SHUT_WR)
            asking.recv(1)


NURSERY = Nursery()
"""Of this worker."""


@contextmanager
def forked(
    *arguments: str, env: Mapping[str, str], cwd: Path, module: str | None = None
) -> Iterator[Forked]:
    """`booking-system` with these arguments, gone afterwards in any case.

    Or, on the product's modules as they are loaded, the `main` of a module of tests.
    """
    MADE["forked programs"] += 1
    process = NURSERY.fork(*arguments, env=env, cwd=cwd, module=module)
    with gone_afterwards(process):
        yield process
