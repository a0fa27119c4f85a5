"""Says on which machine, and with which versions, something was measured."""

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from booking_system.bootstrap.migrations import ROOT

PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "asyncpg", "sqlalchemy")


def described(postgres: str, data: Path) -> dict[str, str]:
    """Return names and values; `postgres` is the server's version, `data` where its files are."""
    found = {
        "processor": _first(r"^model name\s*:\s*(.+)$", "/proc/cpuinfo") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _memory(),
        "data on": _file_system(data),
        "system": f"{platform.system()} {platform.release()}",
        "PostgreSQL": postgres,
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "commit": _commit(),
    }
    return {name: value for name, value in found.items() if value}


def _first(pattern: str, file: str) -> str:
    found = re.search(pattern, Path(file).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].strip() if found else ""


def _memory() -> str:
    kibibytes = _first(r"^MemTotal:\s*(\d+) kB$", "/proc/meminfo")
    return f"{int(kibibytes) / 2**20:.0f} GiB" if kibibytes else ""


def _file_system(data: Path) -> str:
    mounts = (line.split() for line in Path("/proc/mounts").read_text("utf-8").splitlines())
    around = [mount for mount in mounts if data.resolve().is_relative_to(mount[1])]
    return max(around, key=lambda mount: len(mount[1]))[2] if around else ""


def _commit() -> str:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return ""
    command = [git, "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()
