"""The processes of one instance, API and worker: sockets, start, supervision and end."""

import contextlib
import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from booking_system.bootstrap.process import (
    BACKLOG,
    GRACEFUL_SECONDS,
    LISTENER,
    PARENT,
    Interrupted,
)
from booking_system.bootstrap.settings import Settings
from booking_system.platform.observability.shared_counts import (
    VARIABLE,
    counting_together,
    forget_process,
)

LIVE_SECONDS = 60.0
ANSWER_SECONDS = 2.0
STOP_SECONDS = GRACEFUL_SECONDS + 5.0
"""After `SIGTERM`, and after the time to drain."""
LOOK_SECONDS = 0.2
RESTART_SECONDS = 1.0
API = "booking_system.bootstrap.api_program"
WORKER = "booking_system.bootstrap.worker_program"
log = structlog.get_logger("booking_system.serve")


class AddressUnavailable(Exception):
    """The API cannot listen there; the text says why in a sentence."""


class ApiFailed(Exception):
    """The API did not come up."""

    def __init__(self, exit_code: int) -> None:
        """`exit_code` is the API process's own; its log lines have said the reason."""
        super().__init__("The API did not start; the lines above say why.")
        self.exit_code = exit_code


@contextmanager
def listeners(settings: Settings) -> Iterator[Sequence[socket.socket]]:
    """Reserve the address, one socket for each API process. Raises `AddressUnavailable`.

    The kernel spreads connections over the sockets; one shared by all would feed whoever wakes
    first.
    """
    with contextlib.ExitStack() as opened:
        yield _all_bound(settings, opened)


class ApiProcesses:
    """Runs the API processes, one for each socket, and a worker; restarts one that dies."""

    def __init__(
        self, settings: Settings, sockets: Sequence[socket.socket], *, has_worker: bool = False
    ) -> None:
        """`settings` name the database that the processes shall use."""
        self._settings = settings
        self._sockets = sockets
        self._listeners: list[socket.socket | None] = [*sockets, *([None] if has_worker else [])]
        """What each child listens on; the worker listens on nothing."""
        self._children: list[subprocess.Popen[bytes]] = []
        self._born: list[float] = []

    def run(self, when_live: Callable[[], None]) -> None:
        """Start, call `when_live` once the API answers, then watch until an exception comes.

        Raises `ApiFailed` if it never answers, `AddressUnavailable` if somebody was quicker.
        """
        drains = False
        with counting_together() as counts:
            try:
                for listener in self._listeners:
                    if listener is not None:
                        self._listen(listener)
                    self._children.append(self._spawn(listener, counts))
                    self._born.append(time.monotonic())
                self._wait_until_live()
                when_live()
                while True:
                    self._restart_the_dead(counts)
                    time.sleep(LOOK_SECONDS)
            except Interrupted as asked:
                drains = asked.number == signal.SIGTERM
                raise
            finally:
                self._stop(self._settings.drains_for if drains else 0.0)

    def _listen(self, listener: socket.socket) -> None:
        try:
            listener.listen(BACKLOG)
        except OSError as error:
            raise AddressUnavailable(_why_not(error, self._settings)) from error

    def _spawn(self, listener: socket.socket | None, counts: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            PARENT: str(os.getpid()),
            VARIABLE: counts,
            "BOOKING_DATABASE_URL": self._settings.database_url or "",
        }
        passed = [] if listener is None else [listener.fileno()]
        if listener is not None:
            environment[LISTENER] = str(listener.fileno())
        program = WORKER if listener is None else API
        return subprocess.Popen(  # noqa: S603  (our own programs, no shell)
            [sys.executable, "-m", program],
            env=environment,
            pass_fds=passed,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for us: we tell the processes.
            start_new_session=True,
        )

    def _wait_until_live(self) -> None:
        deadline = time.monotonic() + LIVE_SECONDS
        host, port = self._sockets[0].getsockname()[:2]
        name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        while not answers(name, port):
            dead = next((child for child in self._children if child.poll() is not None), None)
            if dead is not None:
                raise ApiFailed(dead.returncode)
            if time.monotonic() > deadline:
                raise ApiFailed(1)
            time.sleep(0.05)

    def _restart_the_dead(self, counts: str) -> None:
        for place, child in enumerate(self._children):
            age = time.monotonic() - self._born[place]
            if child.poll() is not None and age > RESTART_SECONDS:
                is_worker = self._listeners[place] is None
                event = "worker_restarts" if is_worker else "api_process_restarts"
                log.error(event, exit_code=child.returncode)
                forget_process(counts, child.pid)
                self._children[place] = self._spawn(self._listeners[place], counts)
                self._born[place] = time.monotonic()

    def _stop(self, draining: float) -> None:
        """End all; `draining` is for how many seconds they go on listening."""
        # Ours first: a connection accepted by nobody would wait instead of being refused.
        for listener in self._sockets:
            listener.close()
        # Who pressed Ctrl-C waits for us.
        is_quick = self._settings.drains_for and not draining
        for child in self._children:
            child.send_signal(signal.SIGINT if is_quick else signal.SIGTERM)
        deadline = time.monotonic() + draining + STOP_SECONDS
        for child in self._children:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


_ADDRESS_ERRORS = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}


def _all_bound(settings: Settings, opened: contextlib.ExitStack) -> Sequence[socket.socket]:
    count = settings.api_processes
    try:
        # A port that somebody shares would look free to one who shares too.
        _bound(settings, shared=False).close()
        return [opened.enter_context(_bound(settings, shared=count > 1)) for _ in range(count)]
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno in _ADDRESS_ERRORS:
            raise AddressUnavailable(_why_not(error, settings)) from error
        raise


def _bound(settings: Settings, *, shared: bool) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _why_not(error: OSError, settings: Settings) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {settings.port} on {settings.host} is taken by another program: stop that, or "
            "set BOOKING_PORT to another port."
        )
    if error.errno == errno.EACCES:
        return f"Port {settings.port} needs more rights: set BOOKING_PORT to one above 1023."
    return f"{settings.host} is no address of this machine: set BOOKING_HOST."


def answers(host: str, port: int) -> bool:
    """Say whether an API process is live there."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
