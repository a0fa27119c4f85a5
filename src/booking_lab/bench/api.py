"""The API as an operator serves it, on a database of the bench."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from booking_lab.bench.driver import Target
from booking_lab.bench.plan import BenchProblem
from booking_lab.bench.processes import children_of, free_port, running
from booking_system.bootstrap.serve import answers
from booking_system.bootstrap.settings import PREFIX, Settings
from booking_system.identity.adapters.tokens import SignedAccessTokens

PROGRAM = "booking_system.bootstrap.cli"
PUBLIC_URL = "https://bench.example"
"""Who signs the tokens, whatever port the API gets."""
START_SECONDS = 60.0


@contextmanager
def serving(database_url: str, folder: Path, postmaster: int, **settings: str) -> Iterator[Target]:
    """Run `serve` with one API process and all settings at their defaults, but no rate limit.

    `folder` is its data directory; the log lines go to a file there; `settings` are further ones.
    Raises `BenchProblem`.
    """
    port = free_port()
    environment = _environment(database_url, folder, port, settings)
    with running(PROGRAM, "serve", environment=environment, folder=folder) as supervisor:
        _wait_until_live(supervisor, port)
        (process,) = children_of(supervisor.pid)
        yield Target(port=port, pid=process, database=postmaster)


@contextmanager
def working(database_url: str, folder: Path) -> Iterator[None]:
    """Run a worker for as long as the block lasts."""
    environment = _environment(database_url, folder, free_port(), {})
    with running(PROGRAM, "worker", environment=environment, folder=folder):
        yield


def tokens_for(folder: Path) -> SignedAccessTokens:
    """Return what signs tokens that the API in this folder believes."""
    settings = Settings(data_dir=folder, secret_key=None, env="development")
    return SignedAccessTokens(settings.keyring(), issuer=PUBLIC_URL)


def _environment(
    database_url: str, folder: Path, port: int, settings: Mapping[str, str]
) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)
    }
    chosen = {
        "PORT": str(port),
        "PUBLIC_URL": PUBLIC_URL,
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "RATE_LIMIT": "off",
        **settings,
    }
    return inherited | {f"{PREFIX}{name}": value for name, value in chosen.items()}


def _wait_until_live(supervisor: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers("127.0.0.1", port):
        if supervisor.poll() is not None or time.monotonic() > deadline:
            raise BenchProblem("The API did not start.")
        time.sleep(0.05)
