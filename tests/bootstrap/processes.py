"""Looks at processes and starts the program in one of its own, for the tests of this folder."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

import booking_system
from tests.budget import MADE
from tests.patience import PATIENCE

SOURCE = Path(booking_system.__file__).parents[1]
OPERATOR = {
    name: value for name, value in os.environ.items() if not name.upper().startswith("BOOKING_")
}


def environment(**settings: object) -> dict[str, str]:
    """The tests' own environment with exactly these BOOKING_ settings."""
    paths = [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
    chosen = {f"BOOKING_{name.upper()}": str(value) for name, value in settings.items()}
    return {**OPERATOR, "PYTHONPATH": os.pathsep.join(paths), **chosen}


@contextlib.contextmanager
def running(
    *command: str | Path, env: Mapping[str, str], cwd: Path
) -> Iterator[subprocess.Popen[str]]:
    """A Python process that is gone afterwards, whatever happens."""
    MADE["Python programs"] += 1
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=env,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with gone_afterwards(process):
        yield process


class Started(Protocol):
    """A program in a session of its own."""

    pid: int
    stdout: IO[str] | None

    def wait(self) -> int: ...


@contextlib.contextmanager
def gone_afterwards(process: Started) -> Iterator[None]:
    """Kill it, and all that it started in its session."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def alive(pid: int) -> bool:
    """Whether the process still does anything: one that nobody has waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def family_of(pid: int) -> list[int]:
    """The process and all below it."""
    below: dict[int, list[int]] = defaultdict(list)
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with contextlib.suppress(OSError):
                parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
                below[int(parent)].append(int(place.name))
    found = [pid]
    for known in found:
        found += below[known]
    return found


def eventually(
    condition: Callable[[], bool], seconds: float = PATIENCE, pause: float = 0.02
) -> bool:
    """Wait until it is so, with a `pause` of seconds after each look; say whether it came."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
