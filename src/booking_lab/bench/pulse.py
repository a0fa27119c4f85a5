"""Asks an API all the time whether it lives, and keeps what it says."""

import http.client
import threading
import time
from dataclasses import dataclass
from typing import Self

PATH = "/health/live"
PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One answer: its status, 0 for none, and how long it took in seconds."""

    status: int
    seconds: float


class Pulse:
    """Asks from a thread of its own for as long as the block lasts, once at least."""

    def __init__(self, port: int) -> None:
        """The API listens on this machine."""
        self.beats: list[Beat] = []
        self._port = port
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the last answer."""
        self._is_over.set()
        self._thread.join()

    def _ask(self) -> None:
        is_over = False
        while not is_over:
            asked = time.perf_counter()
            status = self._status()
            self.beats.append(Beat(status=status, seconds=time.perf_counter() - asked))
            is_over = self._is_over.wait(PAUSE_SECONDS)

    def _status(self) -> int:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_SECONDS)
        try:
            line.request("GET", PATH)
            return line.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            line.close()
