"""A PostgreSQL of our own for one machine: started, watched, restarted and stopped by us."""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from booking_system.bootstrap.postgres_binaries import (
    LocalStackError,
    ServerUser,
    binaries_for,
    reachable_for,
)

PORT = 5432
DATABASE = "booking"
LONGEST_SOCKET_PATH = 80
PR_SET_PDEATHSIG = 1
START_SECONDS = 30.0
WATCH_SECONDS = 0.5
SETTINGS = {
    "listen_addresses": "",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "logging_collector": "off",
}
FAST_AND_FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class EmbeddedPostgres:
    """One server per data directory, however many programs use it.

    The first program to come owns the server; others join it, and one of them takes over when
    the owner goes. The owner restarts a server that dies. No TCP: a socket in a private folder.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        binaries: Path | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`durable=False` gives up safety against power loss, for tests."""
        data_dir = data_dir.absolute()
        data_dir.mkdir(parents=True, exist_ok=True)
        self._user = ServerUser.of_this_process()
        self._bin = binaries_for(self._user, binaries)
        self._root = reachable_for(self._user, data_dir / "postgres", "data")
        self._cluster = self._root / "cluster"
        self._sockets = self._short(self._root / "run")
        self._log = self._root / "postgres.log"
        self._settings = SETTINGS | ({} if durable else FAST_AND_FORGETFUL) | dict(settings or {})
        self._lock_file: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._failure: LocalStackError | None = None
        for place in (self._root, self._sockets):
            self._private(place)
        if self._root.parent != data_dir:
            (data_dir / "postgres-is-at").write_text(f"{self._root}\n", encoding="utf-8")

    @property
    def url(self) -> str:
        """The address of the database, as libpq writes it."""
        return self.url_for(DATABASE)

    def url_for(self, database: str) -> str:
        """Return the address of another database on the same server."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._sockets))}&port={PORT}"

    @property
    def server_pid(self) -> int:
        """The process id of the running server, whoever owns it."""
        return int((self._cluster / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    @property
    def owns_the_server(self) -> bool:
        """Say whether this program is the one that started it."""
        return self._server is not None

    def start(self) -> None:
        """Start or join the server; returns when it answers. Raises `LocalStackError`."""
        self._watcher = threading.Thread(target=self._watch, name="postgres", daemon=True)
        self._watcher.start()
        if not self._started.wait(START_SECONDS * 2):
            self._failure = self._failure or LocalStackError("PostgreSQL did not start in time.")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop the server if this program owns it; safe to call twice."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None

    def kill(self) -> None:
        """Kill the server the hard way; the owner will notice and restart it."""
        os.kill(self.server_pid, signal.SIGKILL)

    def _watch(self) -> None:
        # One thread from start to stop, because PR_SET_PDEATHSIG follows the thread that forked.
        try:
            while not self._stopping.is_set():
                is_gone = self._server is not None and self._server.poll() is not None
                if is_gone or (self._server is None and self._take_ownership()):
                    self._launch()
                elif self._server is None and not self._started.is_set() and self._answers():
                    self._started.set()
                self._stopping.wait(WATCH_SECONDS if self._started.is_set() else 0.05)
        except LocalStackError as error:
            self._failure = error
            self._started.set()
        finally:
            self._shut_down()

    def _take_ownership(self) -> bool:
        lock = os.open(self._root / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock_file = lock
        return True

    def _launch(self) -> None:
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self._stopping.is_set():
            self._server = self._spawn()
            while self._server.poll() is None and time.monotonic() < deadline:
                if self._answers():
                    self._ensure_database()
                    self._started.set()
                    return
                time.sleep(0.02)
            # After a kill, old backends may still hold the shared memory for a moment.
            time.sleep(0.1)
        message = f"PostgreSQL did not start; its log is {self._log}."
        raise LocalStackError(message)

    def _initialise(self) -> None:
        self._run(
            "initdb",
            f"--pgdata={self._cluster}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
        )

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                [
                    self._bin / "postgres",
                    "-D",
                    self._cluster,
                    "-k",
                    self._sockets,
                    "-p",
                    str(PORT),
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                preexec_fn=self._become_the_server,  # noqa: PLW1509
            )

    def _become_the_server(self) -> None:
        """Drop root and ask to die with the parent; setuid would clear that wish."""
        if self._user is not None:
            os.setgroups([])
            os.setgid(self._user.gid)
            os.setuid(self._user.uid)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)

    def _run(self, program: str, *arguments: str) -> None:
        user: dict[str, object] = {}
        if self._user is not None:
            user = {"user": self._user.uid, "group": self._user.gid, "extra_groups": []}
        done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603
            [self._bin / program, *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            check=False,
            **user,
        )
        if done.returncode != 0:
            message = f"{program} failed: {done.stderr.strip().splitlines()[-1:]}"
            raise LocalStackError(message)

    def _psql(self, command: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603
            [
                self._bin / "psql",
                "-XqAt",
                f"--host={self._sockets}",
                f"--port={PORT}",
                "--username=postgres",
                f"--dbname={database}",
                f"--command={command}",
            ],
            capture_output=True,
            text=True,
            env=_environment(),
            check=False,
        )

    def _answers(self) -> bool:
        if not (self._sockets / f".s.PGSQL.{PORT}").exists():
            return False
        return self._psql("SELECT 1").returncode == 0

    def _ensure_database(self) -> None:
        found = self._psql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")  # noqa: S608
        if found.stdout.strip() != "1":
            self._psql(f"CREATE DATABASE {DATABASE}")

    def _shut_down(self) -> None:
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _short(self, wanted: Path) -> Path:
        """A socket's path may be at most about 100 bytes long."""
        if len(os.fsencode(wanted)) <= LONGEST_SOCKET_PATH:
            return wanted
        mark = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"booking-system-{mark}"

    def _private(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
        if self._user is not None:
            os.chown(place, self._user.uid, self._user.gid)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
