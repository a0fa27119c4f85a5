"""Programs that the bench starts, and the processor time that they take."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from errno import EINVAL, ESRCH
from pathlib import Path
from time import clock_gettime

from booking_lab.bench.plan import BenchProblem
from booking_system.bootstrap.process import die_with_parent

TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 20.0
_SCHEDULED = 2
"""`CPUCLOCK_SCHED` of Linux: which of the three clocks of a process, in the lowest bits."""


@contextmanager
def running(
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    folder: Path,
    given: bytes = b"",
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module as a program, with `given` on its standard input; it is gone afterwards.

    Its standard error, the log of an API process, goes to a file in `folder`.
    """
    parent = os.getpid()
    with (folder / f"{module.rpartition('.')[2]}.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  (our own programs, no shell)
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent, signal.SIGTERM),  # noqa: PLW1509
        )
    try:
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def announced_port(process: subprocess.Popen[bytes]) -> int:
    """Return the port that the program has printed. Raises `BenchProblem` if it died first."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BenchProblem("A server of the bench did not start.")
    return int(line)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`."""
    known = [int(place.name) for place in _places()]
    return [child for child in known if _stat(child)[1:2] == [str(pid)]]


def _places() -> list[Path]:
    return [place for place in Path("/proc").iterdir() if place.name.isdigit()]


def cpu_of(pid: int) -> float:
    """Return the processor seconds of one process, to the nanosecond; 0 once it is gone.

    /proc counts in ticks of 10 ms, in which a short turn can be lost. See clock_getcpuclockid(3).
    """
    try:
        return clock_gettime(~pid << 3 | _SCHEDULED)
    except OSError as error:
        if error.errno in {EINVAL, ESRCH}:
            return 0.0
        raise


def cpu_with_children(pid: int) -> float:
    """Return the processor seconds of a process, its children, and those it has seen end."""
    while True:
        ended = _cpu_of_ended_children(pid)
        found = cpu_of(pid) + ended + sum(cpu_of(child) for child in children_of(pid))
        # One that ended in between would be missing, or counted twice.
        if _cpu_of_ended_children(pid) == ended:
            return found


def _cpu_of_ended_children(pid: int) -> float:
    return sum(map(int, _stat(pid)[13:15])) / TICKS


def cpu_of_trees(roots: set[int]) -> float:
    """Return the processor seconds of these processes, all below them, and those that have ended.

    A process that ends in this moment may be missing, or counted twice.
    """
    known = {int(place.name): _stat(int(place.name)) for place in _places()}
    below: dict[int, list[int]] = {}
    for pid, fields in known.items():
        if fields:
            below.setdefault(int(fields[1]), []).append(pid)
    found, open_ends = set[int](), list(roots)
    while open_ends:
        pid = open_ends.pop()
        if pid not in found:
            found.add(pid)
            open_ends += below.get(pid, [])
    return sum(sum(map(int, known.get(pid, [])[11:15])) for pid in found) / TICKS


def cpu_of_the_ended() -> float:
    """Return the processor seconds of all children of ours that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may hold anything; see proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
