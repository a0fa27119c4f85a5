"""One directory of PostgreSQL data: made, served, asked. Who does it and when is not known here."""

import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from booking_system.bootstrap.postgres_binaries import (
    SERVERS_FOLDER,
    LocalStackError,
    ServerUser,
    mark_of,
    private_folder,
)
from booking_system.bootstrap.process import die_with_parent
from booking_system.bootstrap.room import is_wordless, of_a_full_disk

PORT = 5432
DATABASE = "booking"
FILES = "cluster"
NEEDED = ("PG_VERSION", "global/pg_control")
"""Without these no server starts on the files, and says so in a riddle."""
NO_ROOM = "No space left on device"
OTHER_VERSION = "incompatible with server"
LONGEST_SOCKET_FOLDER = 80
SHARED = Path("/tmp")  # noqa: S108  (a private folder in it, the same for every program)
LOG_BYTES = 10_000_000
INIT_SECONDS = 120
_REASON = re.compile(r"(?:FATAL|PANIC): (.*)")
WHO_MAY_CONNECT = """# Written anew at each start.
local all all peer map=own
local replication all peer map=own
"""
WHO_IS_WHO = """# Written anew at each start.
own "{name}" all
"""


class Cluster:
    """The files of one server in `root`, and the programs that work on them.

    No TCP: a socket in a folder that only the server's user may enter, and the server asks the
    kernel who comes: the user of this program, and nobody else.
    """

    def __init__(
        self, root: Path, *, binaries: Path, user: ServerUser | None, settings: Mapping[str, str]
    ) -> None:
        """`user` is whom the server runs as, None for ourselves. Raises `LocalStackError`."""
        self.log = root / "postgres.log"
        self._root = root
        self._bin = binaries
        self._user = user
        self._settings = settings
        self._files = root / FILES
        self.sockets = _folder_for_sockets(root / "run")
        for place in (root, self.sockets):
            if user is None:
                private_folder(place, None)
            elif (owner := user.so_far(place)) == user:
                private_folder(place, user, SERVERS_FOLDER)
            else:
                private_folder(place, owner)

    @property
    def files(self) -> Path:
        """Where the data is, or will be."""
        return self._files

    @property
    def exists(self) -> bool:
        """Say whether the data has been made."""
        return has_data(self._root)

    def refuse_half(self) -> None:
        """Raise `LocalStackError` where a part of the data is missing."""
        there = self._files.is_dir() and any(self._files.iterdir())
        if there and not all((self._files / one).exists() for one in NEEDED):
            raise LocalStackError(
                f"{self._files} holds a part of a database and not all of it: put the rest back "
                "from where it is kept, or move the folder away. Then the next start makes a new, "
                "empty one, into which `booking-system restore` brings a backup."
            )

    @property
    def server_pid(self) -> int:
        """The process id of the running server, whoever started it."""
        return int((self._files / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def url_for(self, database: str) -> str:
        """Return a database's address, as libpq writes it."""
        host = quote(str(self.sockets))
        return f"postgresql://postgres@/{quote(database)}?host={host}&port={PORT}"

    def take_over(self) -> None:
        """Give the files to the server's user; call it where no server runs, not even another's."""
        if self._user is not None:
            for place in (self._root, self.sockets):
                self._user.take_over(place)

    def initialise(self) -> None:
        """Make the data; it gets its name only when it is whole. Raises `LocalStackError`."""
        draft = self._files.with_name("cluster.new")
        shutil.rmtree(draft, ignore_errors=True)
        maker = self._user and self._user.with_a_name()
        private_folder(draft, maker)
        done = self._start(
            [
                "initdb",
                f"--pgdata={draft}",
                "--username=postgres",
                "--auth-local=peer",
                "--auth-host=reject",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
            ],
            signal.SIGKILL,
            maker,
        )
        try:
            code = done.wait(INIT_SECONDS)
        finally:
            done.kill()
            done.wait()
        if code != 0:
            is_full = NO_ROOM in self.last_words() or is_wordless(self._root)
            why = of_a_full_disk(self._root) if is_full else f"see {self.log}"
            raise LocalStackError(f"PostgreSQL could not make its data: {why}.")
        if self._user is not None:
            self._user.take_over(draft)
            draft.chmod(0o700)
        draft.rename(self._files)

    def serve(self) -> subprocess.Popen[bytes]:
        """Start the server in the foreground; it goes down when this thread does."""
        self._write("pg_hba.conf", WHO_MAY_CONNECT)
        self._write("pg_ident.conf", WHO_IS_WHO.format(name=_own_name()))
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        command = ["postgres", "-D", str(self._files), "-k", str(self.sockets), "-p", str(PORT)]
        return self._start([*command, *options], signal.SIGINT, self._user)

    def answers(self, database: str = "postgres") -> bool:
        """Say whether the server takes connections to the database."""
        if not (self.sockets / f".s.PGSQL.{PORT}").exists():
            return False
        return self._psql("SELECT 1", database).returncode == 0

    def ensure_database(self) -> None:
        """Make the program's own database if it is absent. Raises `LocalStackError`."""
        if DATABASE in self._psql("SELECT datname FROM pg_database").stdout.split():
            return
        if self._psql("CREATE DATABASE booking").returncode != 0:
            raise LocalStackError(f"The database could not be made; see {self.log}.")

    def last_fatal(self) -> str:
        """Return the server's own reason for not starting."""
        found = _REASON.findall(self.last_words())
        if (found and NO_ROOM in found[-1]) or is_wordless(self._root):
            return of_a_full_disk(self._root)
        if found and OTHER_VERSION in found[-1]:
            return self._of_another_version()
        return str(found[-1]).strip() if found else "it gave no reason"

    def _of_another_version(self) -> str:
        made_by = (self._files / "PG_VERSION").read_text(encoding="utf-8").strip()
        return (
            f"{self._files} was made by PostgreSQL {made_by}, and the programs in {self._bin} are "
            f"of another version. Set BOOKING_POSTGRES_BIN to programs of PostgreSQL {made_by}, "
            "run `booking-system backup`, move the folder away, unset it, and run `booking-system "
            "restore` with the backup"
        )

    def last_words(self) -> str:
        """Return the end of the log."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 4000))
            return log.read().decode("utf-8", "replace")

    def _write(self, name: str, text: str) -> None:
        """Put a new file in the place of an old one, or of anything else with that name."""
        draft = self._files / f"{name}.new"
        draft.unlink(missing_ok=True)
        with open(draft, "x", encoding="utf-8", opener=_no_link) as file:
            if self._user is not None:
                os.fchown(file.fileno(), self._user.uid, self._user.gid)
            file.write(text)
        draft.replace(self._files / name)

    def _start(
        self, command: Sequence[str], last_signal: signal.Signals, user: ServerUser | None
    ) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        parent = os.getpid()
        with open(self.log, "ab", opener=_no_link) as log:
            return subprocess.Popen(  # noqa: S603  (our own programs, no shell)
                [str(self._bin / command[0]), *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                user=None if user is None else user.uid,
                group=None if user is None else user.gid,
                extra_groups=None if user is None else [],
                # Runs after the change of user, which would have cleared the wish.
                preexec_fn=lambda: die_with_parent(parent, last_signal),  # noqa: PLW1509
            )

    def _psql(self, command: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  (as above)
            [
                self._bin / "psql",
                "-XqAt",
                f"--host={self.sockets}",
                f"--port={PORT}",
                "--username=postgres",
                f"--dbname={database}",
                f"--command={command}",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            check=False,
        )


def has_data(root: Path) -> bool:
    """Say whether a server's data has been made there."""
    return (root / FILES / "PG_VERSION").exists()


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise LocalStackError(
            f"The user id {os.geteuid()} has no name on this machine, by which PostgreSQL knows "
            "who comes: give it one, or set BOOKING_DATABASE_URL."
        ) from None


def _folder_for_sockets(wanted: Path) -> Path:
    """A socket's path may be about 100 bytes long, and commas and quotes part a list of them."""
    is_plain = not set(str(wanted)) & set(',"\\')
    if is_plain and len(os.fsencode(wanted)) <= LONGEST_SOCKET_FOLDER:
        return wanted
    return SHARED / f"booking-system-{os.geteuid()}-{mark_of(wanted)}"


def _no_link(path: str, flags: int) -> int:
    # The folder is the server's: a link in it must not lead root elsewhere.
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
