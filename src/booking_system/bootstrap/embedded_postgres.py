"""A PostgreSQL of our own for one machine: started, watched, restarted and stopped by us."""

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import structlog

from booking_system.bootstrap.postgres_binaries import (
    LocalStackError,
    ServerUser,
    binaries_for,
    reachable_for,
)
from booking_system.bootstrap.postgres_cluster import DATABASE, Cluster, has_data
from booking_system.bootstrap.room import FULL, of_a_full_disk

FOLDER, ELSEWHERE = "postgres", "postgres-is-at"
"""In the data directory: the files, or where they are."""
START_SECONDS = 60.0
RECOVERY_SECONDS = 600.0
STOP_SECONDS = 20.0
WATCH_SECONDS = 0.5
REST_SECONDS = 2.0
"""Until a server that did not come up again is started once more."""
SETTINGS = {
    "listen_addresses": "",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "logging_collector": "off",
    # Events are numbered in the order in which their transactions were committed.
    "track_commit_timestamp": "on",
}
FAST_AND_FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
log = structlog.get_logger("booking_system.postgres")


def is_made(data_dir: Path) -> bool:
    """Say whether the embedded server of this data directory has its data already."""
    data_dir = data_dir.absolute()
    note = data_dir / ELSEWHERE
    root = Path(note.read_text(encoding="utf-8").strip()) if note.exists() else data_dir / FOLDER
    return has_data(root)


class EmbeddedPostgres:
    """One server per data directory, however many programs use it.

    The first program to come owns the server; others join it, and one of them takes over when
    the owner goes. The owner restarts a server that dies.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        binaries: Path | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`durable=False` gives up safety against power loss, for tests.

        Raises `LocalStackError` where this machine cannot run a server in that directory.
        """
        data_dir = data_dir.absolute()
        wanted = data_dir / FOLDER
        self._root = reachable_for(ServerUser.for_data_in(wanted), wanted, "data")
        user = ServerUser.for_data_in(self._root)
        self._cluster = Cluster(
            self._root,
            binaries=binaries_for(user, binaries),
            user=user,
            settings=SETTINGS | ({} if durable else FAST_AND_FORGETFUL) | dict(settings or {}),
        )
        if self._root.parent != data_dir:
            data_dir.mkdir(parents=True, exist_ok=True)
            (data_dir / ELSEWHERE).write_text(f"{self._root}\n", encoding="utf-8")
        self._lock_file: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._failure: LocalStackError | None = None
        self._is_down_because = ""

    @property
    def root(self) -> Path:
        """Where the files are: not in the data directory if the server's user cannot enter it."""
        return self._root

    @property
    def sockets(self) -> Path:
        """The private folder of the server's socket: not below `root` if that path is long."""
        return self._cluster.sockets

    @property
    def url(self) -> str:
        """The address of the database, as libpq writes it."""
        return self.url_for(DATABASE)

    def url_for(self, database: str) -> str:
        """Return the address of another database on the same server."""
        return self._cluster.url_for(database)

    @property
    def server_pid(self) -> int:
        """The process id of the running server, whoever owns it."""
        return self._cluster.server_pid

    @property
    def owns_the_server(self) -> bool:
        """Say whether this program is the one that started it."""
        return self._lock_file is not None

    def start(self) -> None:
        """Start or join the server; returns when it answers. Raises `LocalStackError`."""
        self._watcher = threading.Thread(target=self._watch, name="postgres", daemon=True)
        self._watcher.start()
        while not self._started.wait(0.2):
            if not self._watcher.is_alive():
                break
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
        # One thread from start to stop: the server goes down with the thread that forked it.
        deadline = time.monotonic() + START_SECONDS
        try:
            while not self._stopping.is_set():
                self._look_once(deadline)
                self._stopping.wait(self._pause())
        finally:
            self._shut_down()

    def _pause(self) -> float:
        if self._is_down_because:
            return REST_SECONDS
        return WATCH_SECONDS if self._started.is_set() else 0.05

    def _look_once(self, deadline: float) -> None:
        try:
            is_gone = self._server is not None and self._server.poll() is not None
            if is_gone or (self._server is None and self._owns_now()):
                if self._started.is_set() and not self._is_down_because:
                    log.warning("database_restarts")
                self._launch()
                self._came_up()
            elif not self._started.is_set():
                self._join(deadline)
        except (LocalStackError, OSError, subprocess.SubprocessError) as error:
            told = self._told(error)
            if self._started.is_set():
                # Whoever runs the program is told; the next look tries again.
                self._went_down(str(told))
                return
            self._failure = told
            self._stopping.set()

    def _told(self, error: Exception) -> LocalStackError:
        if isinstance(error, LocalStackError):
            return error
        is_full = isinstance(error, OSError) and error.errno in FULL
        why = of_a_full_disk(self._root) if is_full else str(error)
        return LocalStackError(f"PostgreSQL cannot be started: {why}.")

    def _came_up(self) -> None:
        if self._is_down_because:
            log.warning("database_is_back")
        self._is_down_because = ""
        self._started.set()

    def _went_down(self, why: str) -> None:
        """Say it once: each try fails for the same reason, and the log may be on a full disk."""
        if why != self._is_down_because:
            log.error("database_is_down", why=why, log=str(self._cluster.log))
        self._is_down_because = why

    def _join(self, deadline: float) -> None:
        """Wait for the owner's server: its database is made last."""
        if self._cluster.answers(DATABASE):
            self._started.set()
        elif time.monotonic() > deadline:
            raise LocalStackError(
                "Another program owns the local PostgreSQL, and that does not answer; "
                f"its log is {self._cluster.log}."
            )

    def _owns_now(self) -> bool:
        if self._lock_file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            lock = os.open(self._root / "owner.lock", flags, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self._lock_file = lock
        return True

    def _launch(self) -> None:
        self._cluster.take_over()
        self._cluster.refuse_half()
        if not self._cluster.exists:
            self._cluster.initialise()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self._stopping.is_set():
            self._server = self._cluster.serve()
            if self._comes_up(self._server):
                self._cluster.ensure_database()
                return
            reason = self._cluster.last_fatal()
            if not self._stopping.is_set() and not _is_passing(reason):
                break
            time.sleep(0.1)
        else:
            reason = "it took too long"
        self._end_server()
        if not self._stopping.is_set():
            raise LocalStackError(
                f"PostgreSQL did not start: {reason}; its log is {self._cluster.log}."
            )

    def _comes_up(self, server: subprocess.Popen[bytes]) -> bool:
        """Wait while the server lives: replaying a long log after a crash takes its time."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while server.poll() is None and time.monotonic() < deadline:
            if self._cluster.answers():
                return True
            if self._stopping.wait(0.02):
                return False
        return False

    def _shut_down(self) -> None:
        self._end_server()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _end_server(self) -> None:
        if self._server is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._server.send_signal(signal.SIGINT)
        try:
            self._server.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None


def _is_passing(reason: str) -> bool:
    """After a kill, the old processes hold the files and the shared memory for a moment."""
    return "lock file" in reason or "shared memory" in reason
