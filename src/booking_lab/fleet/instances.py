"""Instances of the API and workers, with settings that make them one fleet."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from booking_lab.fleet.between import HOST, is_ready
from booking_lab.fleet.part import Part, launched
from booking_lab.fleet.programs import FleetProblem
from booking_system.bootstrap.settings import PREFIX

PROGRAM = [sys.executable, "-m", "booking_system.bootstrap.cli"]
WORKING = '"worker_started"'
ONCE_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all of them are told; `settings` are the names without their beginning."""

    folder: Path
    settings: Mapping[str, object]

    def environment(self, **more: object) -> dict[str, str]:
        """Return this program's own environment with exactly these settings."""
        kept = {
            name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)
        }
        chosen = {**self.settings, **more}
        return kept | {f"{PREFIX}{name.upper()}": str(value) for name, value in chosen.items()}

    def once(self, *command: str, **more: object) -> None:
        """Run a command to its end. Raises `FleetProblem` where it fails."""
        done = subprocess.run(  # noqa: S603  (our own program, no shell)
            [*PROGRAM, *command],
            cwd=self.folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ONCE_SECONDS,
            check=False,
        )
        if done.returncode:
            raise FleetProblem(f"`booking-system {' '.join(command)}` failed: {done.stdout}")

    def instance(self, number: int, port: int) -> Part:
        """Return an instance of the API with one process."""
        log = self.folder / f"api-{number}.log"
        environment = self.environment(host=HOST, port=port)
        return Part(
            name=f"api-{number}",
            address=f"http://{HOST}:{port}",
            launch=lambda: launched(
                [*PROGRAM, "serve"], log=log, folder=self.folder, environment=environment
            ),
            answers=lambda: is_ready(port),
            log=log,
        )

    def worker(self, number: int) -> Part:
        """Return a worker. What it said before it is started anew does not count."""
        log = self.folder / f"worker-{number}.log"
        since = 0

        def launch() -> "subprocess.Popen[bytes]":
            nonlocal since
            since = log.stat().st_size if log.exists() else 0
            return launched(
                [*PROGRAM, "worker"],
                log=log,
                folder=self.folder,
                environment=self.environment(),
            )

        return Part(
            name=f"worker-{number}",
            address="",
            launch=launch,
            answers=lambda: WORKING in log.read_text(encoding="utf-8")[since:],
            log=log,
        )
