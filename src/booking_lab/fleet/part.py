"""One program of the fleet: started, stopped, killed, frozen, started anew."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from booking_lab.bench.processes import children_of
from booking_lab.fleet.programs import FleetProblem
from booking_system.bootstrap.postgres_binaries import ServerUser
from booking_system.bootstrap.process import die_with_parent

UP_SECONDS = 120.0
STOP_SECONDS = 40.0
LOOK_SECONDS = 0.05
LAST_LINES = 5


class Process(Protocol):
    """As much of `subprocess.Popen` as a part needs."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        ...

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, where it still runs."""
        ...


@dataclass(slots=True, kw_only=True)
class Part:
    """`launch` starts it, `answers` says whether it does its work; `address` is for people."""

    name: str
    address: str
    launch: Callable[[], Process]
    answers: Callable[[], bool]
    log: Path
    stops_by: signal.Signals = signal.SIGTERM
    process: Process | None = field(default=None)
    is_frozen: bool = field(default=False)

    @property
    def is_running(self) -> bool:
        """Say whether its process is there, frozen or not."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers. Raises `FleetProblem`."""
        self.begin()
        self.wait()

    def begin(self) -> None:
        """Start it."""
        self.process, self.is_frozen = self.launch(), False

    def wait(self) -> None:
        """Wait until it answers. Raises `FleetProblem`."""
        deadline = time.monotonic() + UP_SECONDS
        while not self.answers():
            if not self.is_running or time.monotonic() > deadline:
                raise FleetProblem(f"{self.name} does not come up.{self._last_words()}")
            time.sleep(LOOK_SECONDS)

    def stop(self) -> int | None:
        """Ask it to end, and wait; return its exit code, None where it did not run."""
        if not self.ask_to_end():
            return None
        return self.ended()

    def ask_to_end(self) -> bool:
        """Ask it to end; say whether it ran."""
        if self.process is None:
            return False
        self.go_on()
        with suppress(ProcessLookupError):
            self.process.send_signal(self.stops_by)
        return True

    def ended(self) -> int:
        """Wait until it has ended; a deaf process is killed. Return its exit code."""
        assert self.process is not None
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL
        self.process = None
        return code

    def kill(self) -> None:
        """Kill it, and all below it."""
        if self.process is not None:
            self._signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Let nothing of it go on."""
        self._signal(signal.SIGSTOP)
        self.is_frozen = True

    def go_on(self) -> None:
        """Let it go on."""
        if self.is_frozen:
            self._signal(signal.SIGCONT)
            self.is_frozen = False

    def line(self) -> str:
        """Return how it is, in one line."""
        state = "frozen" if self.is_frozen else "running" if self.is_running else "not running"
        return f"{self.name:12} {state:12} {self.address}"

    def _signal(self, number: signal.Signals) -> None:
        """Send it to all of its processes, of which some are no group of its own."""
        assert self.process is not None
        family = [self.process.pid]
        for pid in family:
            family += children_of(pid)
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _last_words(self) -> str:
        with suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            if lines:
                return "\n" + "\n".join(f"  {line}" for line in lines[-LAST_LINES:])
        return ""


def launched(
    command: Sequence[str | Path],
    *,
    log: Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    user: ServerUser | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a program in `folder`; all that it says is in `log`. It does not outlive this one."""
    parent = os.getpid()
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603  (our own programs and those found, no shell)
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=folder,
            env=None if environment is None else dict(environment),
            start_new_session=True,
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
            # Runs after the change of user, which would have cleared the wish.
            preexec_fn=lambda: die_with_parent(parent, signal.SIGTERM),  # noqa: PLW1509
        )
