"""An open-loop load generator: requests come when they are due, however busy the server is.

A closed loop waits for an answer before it asks again, so it slows down with the server and never
overloads it. Here latencies count from the moment at which a request was due.
"""

import asyncio
import gc
import json
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import uvloop

from booking_lab.bench.load import HOST, Client, packed, unpacked

TICK_SECONDS = 0.001
REFUSED = 503
UNANSWERED = 0
LAST_ANSWER_SECONDS = 30.0
"""How long the last answers are waited for: on a slow machine they are late, and not missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """So many requests a second for so many seconds; what is refused is sent again later."""

    port: int
    rate: float
    seconds: float
    connections: int
    lengths: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Latencies in seconds and statuses (0: no answer) in the order of the answers.

    `lag` is by how much the generator itself was ever late, in seconds; `cpu` its processor time.
    """

    lag: float
    cpu: float
    latencies: "array[float]"
    statuses: "array[int]"

    def latencies_of(self, status: int) -> list[float]:
        """Return the latencies of the answers with one status, in ascending order."""
        pairs = zip(self.latencies, self.statuses, strict=True)
        return sorted(latency for latency, found in pairs if found == status)

    def as_bytes(self) -> bytes:
        """Return what `outcome_of` reads."""
        return packed({"lag": self.lag, "cpu": self.cpu}, self.latencies, self.statuses)


def outcome_of(raw: bytes) -> Outcome:
    """Read an outcome."""
    return Outcome(**unpacked(raw))


def stream_bytes(stream: Stream, requests: Sequence[bytes]) -> bytes:
    """Return what the program reads; `stream.lengths` are those of the requests."""
    return b"%b\n%b" % (json.dumps(asdict(stream)).encode(), b"".join(requests))


class Caller(Client):
    """One connection, and what it asks at the moment."""

    request: bytes = b""


class Flood:
    """One stream under way."""

    def __init__(self, stream: Stream, requests: Sequence[bytes]) -> None:
        """Each of the `requests` is answered with success once at most."""
        self._stream = stream
        self._requests = deque(requests)
        self._idle: deque[Caller] = deque()
        self._all: list[Caller] = []
        self._busy: set[Caller] = set()
        self._due: deque[float] = deque()
        """When those were due for which no connection was free."""
        self._latencies, self._statuses = array("d"), array("H")
        self._lag = 0.0

    async def run(self) -> Outcome:
        """Send everything when it is due, then wait for the last answers. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        for _ in range(self._stream.connections):
            _, caller = await loop.create_connection(self._caller, HOST, self._stream.port)
            self._all.append(caller)
        self._idle.extend(self._all)
        spent = time.process_time()
        await self._send_all()
        patience = time.perf_counter() + LAST_ANSWER_SECONDS
        while self._unanswered() and time.perf_counter() < patience:  # noqa: ASYNC110
            await asyncio.sleep(TICK_SECONDS)
        for _ in range(self._unanswered()):
            self._note(UNANSWERED, LAST_ANSWER_SECONDS)
        for caller in self._all:
            caller.close()
        cpu = time.process_time() - spent
        return Outcome(lag=self._lag, cpu=cpu, latencies=self._latencies, statuses=self._statuses)

    def _caller(self) -> Caller:
        caller = Caller(self._answered, lambda: self._lost(caller))  # type: ignore[arg-type]
        return caller

    async def _send_all(self) -> None:
        # Late or not, all that is due is sent: else a busy machine would make its load smaller.
        began, sent, now = time.perf_counter(), 0, 0.0
        end = began + self._stream.seconds
        while now < end:
            now = time.perf_counter()
            due = began + sent / self._stream.rate
            self._lag = max(self._lag, now - due)
            while due <= min(now, end):
                self._due.append(due)
                sent += 1
                due = began + sent / self._stream.rate
            self._ask()
            await asyncio.sleep(TICK_SECONDS)

    def _ask(self) -> None:
        while self._due and self._idle and self._requests:
            # In turn: one that is idle for long would be closed by the server.
            caller = self._idle.popleft()
            caller.request = self._requests.popleft()
            self._busy.add(caller)
            caller.ask(caller.request, self._due.popleft())

    def _answered(self, caller: Caller) -> None:
        self._note(caller.status, caller.latency)
        self._busy.discard(caller)
        self._idle.append(caller)
        if caller.status == REFUSED:
            self._requests.append(caller.request)
        if self._due:
            self._ask()

    def _unanswered(self) -> int:
        """Count what was sent, or is due. Where all is booked there is nothing left to be due."""
        return len(self._busy) + (len(self._due) if self._requests else 0)

    def _lost(self, caller: Caller) -> None:
        if caller in self._busy:
            self._busy.discard(caller)
            self._note(UNANSWERED, LAST_ANSWER_SECONDS)
        elif caller in self._idle:
            self._idle.remove(caller)

    def _note(self, status: int, latency: float) -> None:
        self._statuses.append(status)
        self._latencies.append(latency)


def main() -> None:
    """Send the stream that standard input describes."""
    stream = Stream(**json.loads(sys.stdin.buffer.readline()))
    requests = [sys.stdin.buffer.read(length) for length in stream.lengths]
    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            outcome = runner.run(Flood(stream, requests).run())
    except OSError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    # Under PYTHONUNBUFFERED, `sys.stdout` may write a part only and say so to nobody.
    with open(sys.stdout.fileno(), "wb", closefd=False) as out:
        out.write(outcome.as_bytes())


if __name__ == "__main__":
    main()
