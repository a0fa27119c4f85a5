"""What PostgreSQL alone can do: the ceilings, measured by its own `pgbench`."""

import os
import signal
import subprocess
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from booking_lab.bench.figures import MICRO, Cpu, Sample, joined
from booking_lab.bench.plan import CONNECTIONS, BenchProblem
from booking_lab.bench.processes import cpu_of, cpu_of_the_ended, cpu_with_children
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres
from booking_system.bootstrap.postgres_cluster import PORT
from booking_system.bootstrap.process import die_with_parent

LONGEST = 86_400
"""Seconds after which pgbench would end without being told."""
FIRST_SECONDS, END_SECONDS = 60.0, 60.0
LOOK_SECONDS = 0.01
LEAST_SHARE = 0.05
"""A turn lasts until the server has worked for this share of it, however busy the machine is."""


class Clients:
    """32 connections of pgbench that run a script on a database in each of their turns."""

    def __init__(
        self,
        pgbench: "Pgbench",
        script: str,
        *,
        database: str,
        warm_up: float,
        transactions: int | None,
    ) -> None:
        """In each turn they connect and work for `warm_up` seconds before it counts.

        With `transactions` each client does so many in a turn, and all count.
        """
        self._pgbench, self._script, self._database = pgbench, script, database
        self._warm_up, self._transactions = warm_up, transactions
        self._step = -1
        self._samples = list[Sample]()

    def warm_up(self) -> None:
        """Nothing is left warm from one turn to the next."""

    def turn(self, seconds: float) -> None:
        """Connect, warm up, and work for so long, counted. Raises `BenchProblem`."""
        with tempfile.TemporaryDirectory(prefix="booking-bench-") as name:
            folder = Path(name)
            (folder / "script").write_text(self._script, encoding="utf-8")
            until = (
                f"--time={LONGEST}"
                if self._transactions is None
                else f"--transactions={self._transactions}"
            )
            running = self._pgbench.running(folder, until, database=self._database, step=self._step)
            with running as process:
                self._samples.append(self._counted(process, folder, seconds))

    def end(self) -> Sample:
        """Return all turns."""
        return joined(self._samples)

    def _counted(self, process: "subprocess.Popen[str]", folder: Path, seconds: float) -> Sample:
        if self._transactions is None:
            self._wait_until_warm(process, folder)
        began, load, database = time.time(), cpu_of(process.pid), self._pgbench.spent()
        if self._transactions is None:
            self._work(process, seconds, database)
            ended, load = time.time(), cpu_of(process.pid) - load
            database = self._pgbench.spent() - database
            # To pgbench it means that its time is over: then it writes the rest of its logs.
            process.send_signal(signal.SIGALRM)
            process.wait(END_SECONDS)
        else:
            load = cpu_of_the_ended()
            process.wait(END_SECONDS)
            ended, load = time.time(), cpu_of_the_ended() - load
            database = self._pgbench.spent() - database
        if process.returncode != 0:
            _fail(process)
        answers, latencies = self._read(folder, began, ended)
        return Sample(
            answers=answers,
            seconds=ended - began,
            latencies=latencies,
            cpu=Cpu(database=database, load=load),
            statuses={},
        )

    def _wait_until_warm(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        until = time.monotonic() + FIRST_SECONDS
        while not any(log.stat().st_size for log in _logs(folder)):
            if process.poll() is not None or time.monotonic() > until:
                _fail(process)
            time.sleep(LOOK_SECONDS)
        time.sleep(self._warm_up)

    def _work(self, process: "subprocess.Popen[str]", seconds: float, database: float) -> None:
        time.sleep(seconds)
        while self._pgbench.spent() - database < LEAST_SHARE * seconds:
            if process.poll() is not None:
                _fail(process)
            time.sleep(LOOK_SECONDS)

    def _read(self, folder: Path, began: float, ended: float) -> "tuple[int, array[float]]":
        """Count the transactions that ended in between; the next turn begins behind all of them.

        A line of a log has one: the client, how many it has done, microseconds, the script, and the
        end in seconds since 1970 and microseconds.
        """
        answers, latencies, most = 0, array("d"), 0
        for log in _logs(folder):
            for line in log.read_text("ascii").splitlines():
                _, number, taken, _, second, micro = line.split(" ")[:6]
                most = max(most, int(number))
                if began <= int(second) + int(micro) / MICRO <= ended:
                    answers += 1
                    latencies.append(int(taken) / MICRO)
        self._step += most + 2
        if not answers:
            raise BenchProblem("pgbench ended no transaction in its turn.")
        return answers, latencies


class Pgbench:
    """The program, for databases of the server."""

    def __init__(self, server: EmbeddedPostgres, binaries: Path) -> None:
        """`binaries` is the directory that holds `pgbench`. Raises `BenchProblem` without one."""
        self._server = server
        self._program = binaries / "pgbench"
        if not self._program.exists():
            raise BenchProblem(f"{binaries} holds no program named pgbench.")

    def clients(
        self, script: str, *, database: str, warm_up: float, transactions: int | None
    ) -> Clients:
        """Return 32 clients; `warm_up` is in seconds."""
        return Clients(self, script, database=database, warm_up=warm_up, transactions=transactions)

    def spent(self) -> float:
        """Return the processor seconds of the server until now."""
        return cpu_with_children(self._server.server_pid)

    @contextmanager
    def running(
        self, folder: Path, until: str, *, database: str, step: int
    ) -> "Iterator[subprocess.Popen[str]]":
        """Run the folder's script behind the `step`; its logs go there, too."""
        parent = os.getpid()
        command: list[str] = [
            *(
                str(self._program),
                "--no-vacuum",
                "--protocol=prepared",
                f"--file={folder / 'script'}",
            ),
            *(f"--client={CONNECTIONS}", "--jobs=2", until),
            *(f"--define=step={step}", "--log", f"--log-prefix={folder / 'log'}"),
            *(f"--host={self._server.sockets}", f"--port={PORT}", "--username=postgres", database),
        ]
        process = subprocess.Popen(  # noqa: S603  (our own program, no shell)
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent, signal.SIGKILL),  # noqa: PLW1509
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


def _logs(folder: Path) -> list[Path]:
    return list(folder.glob("log.*"))


def _fail(process: "subprocess.Popen[str]") -> NoReturn:
    process.kill()
    _, complaints = process.communicate()
    raise BenchProblem(_why(complaints))


def _why(complaints: str) -> str:
    if "expected one row, got 0" in complaints:
        return "This machine is faster than the bench has slots for: take fewer --seconds."
    errors = [line for line in complaints.splitlines() if "error" in line]
    return f"pgbench failed: {''.join(errors[:1]) or 'no reason given'}."
