"""Starts the load generator and makes a sample of what it brings back."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from booking_lab.bench import load
from booking_lab.bench.figures import Cpu, Sample
from booking_lab.bench.load import Result, Task, result_of, task_bytes
from booking_lab.bench.plan import CONNECTIONS, RIVALS, BenchProblem
from booking_lab.bench.processes import cpu_of, cpu_with_children
from booking_system.bootstrap.process import die_with_parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server under load; `database` is the process id of its postmaster."""

    port: int
    pid: int
    database: int | None = None

    def spent(self) -> Cpu:
        """Return what its processes have used until now."""
        database = None if self.database is None else cpu_with_children(self.database)
        return Cpu(api=cpu_of(self.pid), database=database)


def once(
    target: Target, requests: Sequence[bytes], *, hoped: int = 200, seconds: float | None = None
) -> Sample:
    """Send each request once, until all are sent or the time is over; count the `hoped` status."""
    lengths = [len(request) for request in requests]
    task = Task(port=target.port, connections=CONNECTIONS, lengths=lengths, seconds=seconds)
    return _sampled(target, lambda: send(task, requests), hoped)


def again_and_again(target: Target, requests: Sequence[bytes], *, seconds: float) -> Sample:
    """Send requests chosen at random for so long."""
    task = Task(
        port=target.port,
        connections=CONNECTIONS,
        lengths=[len(request) for request in requests],
        seconds=seconds,
        repeat=True,
    )
    return _sampled(target, lambda: send(task, requests), 200)


def races(target: Target, requests: Sequence[bytes]) -> tuple[Sample, list[Counter[int]]]:
    """Send group after group at one moment each; return also the statuses of each group.

    The sample counts the refusals.
    """
    lengths = [len(request) for request in requests]
    task = Task(port=target.port, connections=RIVALS, lengths=lengths, volleys=True)
    kept: list[Result] = []

    def sent() -> Result:
        kept.append(send(task, requests))
        return kept[0]

    sample = _sampled(target, sent, 409, also=201)
    found = kept[0].statuses
    groups = [Counter(found[start : start + RIVALS]) for start in range(0, len(found), RIVALS)]
    return sample, groups


def send(task: Task, requests: Sequence[bytes]) -> Result:
    """Run the load generator in a process of its own. Raises `BenchProblem`."""
    return result_of(told_by(load.__name__, task_bytes(task, requests)))


def told_by(program: str, given: bytes) -> bytes:
    """Run a load generator in a process of its own; return what it says. Raises `BenchProblem`."""
    parent = os.getpid()
    process = subprocess.Popen(  # noqa: S603  (our own program, no shell)
        [sys.executable, "-m", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(parent, signal.SIGKILL),  # noqa: PLW1509
    )
    try:
        told, complaints = process.communicate(given)
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        reason = complaints.decode(errors="replace").strip().splitlines()[-1:]
        raise BenchProblem(f"The load generator failed: {''.join(reason) or 'no reason given'}.")
    return told


def _sampled(
    target: Target, sent: Callable[[], Result], hoped: int, *, also: int | None = None
) -> Sample:
    before = target.spent()
    result = sent()
    after = target.spent()
    pairs = zip(result.latencies, result.statuses, strict=True)
    latencies = [latency for latency, status in pairs if status == hoped]
    statuses = Counter(result.statuses)
    if not latencies:
        raise BenchProblem(f"No answer was a {hoped}: {dict(statuses)}.")
    return Sample(
        answers=len(latencies),
        seconds=result.seconds,
        latencies=latencies,
        cpu=Cpu(
            api=_between(before.api, after.api),
            database=_between(before.database, after.database),
            load=result.cpu,
        ),
        statuses=statuses,
        others=sum(count for status, count in statuses.items() if status not in {hoped, also}),
    )


def _between(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
