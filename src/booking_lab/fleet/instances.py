"""Instances of the API and workers, with settings that make them one fleet."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from booking_lab.fleet.between import HOST, is_ready
from booking_lab.fleet.part import Part, Process, launched
from booking_lab.fleet.programs import FleetProblem
from booking_system.bootstrap.settings import PREFIX

PROGRAM = [sys.executable, "-m", "booking_system.bootstrap.cli"]
WORKING = '"worker_started"'
ONCE_SECONDS = 600


class Starts(Protocol):
    """Starts `booking-system` with these arguments."""

    def __call__(
        self, *arguments: str, log: Path, folder: Path, environment: Mapping[str, str]
    ) -> Process:
        """Return at once."""
        ...


def as_program(*arguments: str, log: Path, folder: Path, environment: Mapping[str, str]) -> Process:
    """Start it as an operator does."""
    return launched([*PROGRAM, *arguments], log=log, folder=folder, environment=environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all of them are told; `settings` are the names without their beginning."""

    folder: Path
    settings: Mapping[str, object]
    starts: Starts = as_program

    def environment(self, **more: object) -> dict[str, str]:
        """Return this program's own environment with exactly these settings."""
        kept = {
            name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)
        }
        chosen = {**self.settings, **more}
        return kept | {f"{PREFIX}{name.upper()}": str(value) for name, value in chosen.items()}

    def once(self, *command: str, **more: object) -> None:
        """Run a command to its end. Raises `FleetProblem` where it fails."""
        log = self.folder / f"{command[0]}.log"
        if self._started(*command, log=log, **more).wait(ONCE_SECONDS):
            raise FleetProblem(f"`booking-system {' '.join(command)}` failed: {log.read_text()}")

    def instance(self, number: int, port: int) -> Part:
        """Return an instance of the API with one process."""
        log = self.folder / f"api-{number}.log"
        return Part(
            name=f"api-{number}",
            address=f"http://{HOST}:{port}",
            launch=lambda: self._started("serve", log=log, host=HOST, port=port),
            answers=lambda: is_ready(port),
            log=log,
        )

    def worker(self, number: int) -> Part:
        """Return a worker. What it said before it is started anew does not count."""
        log = self.folder / f"worker-{number}.log"
        since = 0

        def launch() -> Process:
            nonlocal since
            since = log.stat().st_size if log.exists() else 0
            return self._started("worker", log=log)

        return Part(
            name=f"worker-{number}",
            address="",
            launch=launch,
            answers=lambda: log.exists() and WORKING in log.read_text(encoding="utf-8")[since:],
            log=log,
        )

    def _started(self, *arguments: str, log: Path, **more: object) -> Process:
        environment = self.environment(**more)
        return self.starts(*arguments, log=log, folder=self.folder, environment=environment)
