"""The load generator: keep-alive connections that do as little as can be done per request.

A program of its own, so that it shares no interpreter with what starts it. It reads a `Task` and
the bytes of the requests from standard input, and writes a `Result` to standard output.
"""

import asyncio
import gc
import itertools
import json
import random
import re
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

import uvloop

HOST = "127.0.0.1"
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SHUFFLED = 10_000
ANSWER_SECONDS = 30.0


class LoadFailed(Exception):
    """The server closed a connection, or did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """How to send the requests.

    `seconds` None: until all are sent; else each connection asks once at least. `repeat`: at
    random, again and again, else each once in order. `volleys`: one on each connection at the same
    moment, the next when all are answered.
    """

    port: int
    connections: int
    lengths: list[int]
    seconds: float | None = None
    repeat: bool = False
    volleys: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Latencies in seconds and statuses, in the order of the answers; own processor seconds."""

    seconds: float
    cpu: float
    latencies: "array[float]"
    statuses: "array[int]"

    def as_bytes(self) -> bytes:
        """Return what `result_of` reads."""
        about = {"seconds": self.seconds, "cpu": self.cpu}
        return packed(about, self.latencies, self.statuses)


def result_of(raw: bytes) -> Result:
    """Read a result."""
    return Result(**unpacked(raw))


def packed(about: dict[str, float], latencies: "array[float]", statuses: "array[int]") -> bytes:
    """Return what `unpacked` reads: figures as JSON on one line, then both arrays."""
    head = json.dumps(about | {"answers": len(latencies)}).encode()
    return b"%b\n%b%b" % (head, latencies.tobytes(), statuses.tobytes())


def unpacked(raw: bytes) -> dict[str, Any]:
    """Return the figures by their names, and the `latencies` and `statuses`."""
    head, _, body = raw.partition(b"\n")
    about: dict[str, Any] = json.loads(head)
    latencies, statuses = array("d"), array("H")
    middle = about.pop("answers") * latencies.itemsize
    latencies.frombytes(body[:middle])
    statuses.frombytes(body[middle:])
    return about | {"latencies": latencies, "statuses": statuses}


def task_bytes(task: Task, requests: Sequence[bytes]) -> bytes:
    """Return what the program reads; `task.lengths` are those of the requests."""
    return b"%b\n%b" % (json.dumps(asdict(task)).encode(), b"".join(requests))


class Client(asyncio.Protocol):
    """One connection: asks, waits for the whole answer, tells."""

    def __init__(self, told: Callable[["Client"], None], failed: Callable[[], None]) -> None:
        """`told` is called with each answer, `failed` when the connection is lost."""
        self._told = told
        self._failed = failed
        self._transport: asyncio.WriteTransport
        self._head = b""
        self._missing = 0
        self._asked = 0.0
        self._is_closed = False
        self.status = 0
        self.latency = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # Those of uvloop are of no common class.
        self._transport = cast("asyncio.WriteTransport", transport)

    def ask(self, request: bytes, since: float | None = None) -> None:
        """Send a request; the one before has been answered. The latency counts from `since`."""
        self._asked = time.perf_counter() if since is None else since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Look at the status and the length, count the rest."""
        if self._missing > 0:
            self._missing -= len(data)
        else:
            if self._head:
                data = self._head + data
            end = data.find(END_OF_HEAD)
            if end < 0:
                self._head = data
                return
            self._head = b""
            self.status = int(data[9:12])
            length = LENGTH.search(data, 0, end)
            self._missing = end + 4 + (int(length[1]) if length else 0) - len(data)
        if self._missing <= 0:
            self.latency = time.perf_counter() - self._asked
            self._told(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell, unless it was closed by us."""
        if not self._is_closed:
            self._failed()

    def close(self) -> None:
        """Hang up."""
        self._is_closed = True
        self._transport.close()


class Load:
    """One task under way."""

    def __init__(self, task: Task, requests: Sequence[bytes]) -> None:
        """`requests` are whole HTTP/1.1 requests that keep the connection alive."""
        self._task = task
        self._requests: Iterator[bytes] = iter(requests)
        if task.repeat:
            chosen = random.choices(requests, k=SHUFFLED)  # noqa: S311
            self._requests = itertools.cycle(chosen)
        self._clients: list[Client] = []
        self._latencies, self._statuses = array("d"), array("H")
        self._deadline = float("inf")
        self._busy = 0
        self._all_done: asyncio.Future[None]

    async def run(self) -> Result:
        """Send everything. Raises `LoadFailed`, `OSError`."""
        loop = asyncio.get_running_loop()
        for _ in range(self._task.connections):
            _, client = await loop.create_connection(
                lambda: Client(self._answered, self._lost), HOST, self._task.port
            )
            self._clients.append(client)
        began, spent = time.perf_counter(), time.process_time()
        if self._task.seconds is not None:
            self._deadline = began + self._task.seconds
        while await self._started_all() and self._task.volleys:
            pass
        result = Result(
            seconds=time.perf_counter() - began,
            cpu=time.process_time() - spent,
            latencies=self._latencies,
            statuses=self._statuses,
        )
        for client in self._clients:
            client.close()
        return result

    async def _started_all(self) -> bool:
        """Set every connection to work and wait for the last; False: there was no work."""
        self._all_done = asyncio.get_running_loop().create_future()
        for client in self._clients:
            # However short the time: no answer at all is no measurement.
            self._ask_next(client)
        if self._busy == 0:
            return False
        wait = ANSWER_SECONDS + (self._task.seconds or 0.0) + len(self._task.lengths) / 50
        async with asyncio.timeout(wait):
            await self._all_done
        return True

    def _ask_next(self, client: Client) -> None:
        request = next(self._requests, None)
        if request is not None:
            self._busy += 1
            client.ask(request)

    def _answered(self, client: Client) -> None:
        self._busy -= 1
        self._latencies.append(client.latency)
        self._statuses.append(client.status)
        if not self._task.volleys and time.perf_counter() < self._deadline:
            self._ask_next(client)
        if self._busy == 0 and not self._all_done.done():
            self._all_done.set_result(None)

    def _lost(self) -> None:
        if not self._all_done.done():
            self._all_done.set_exception(LoadFailed("The server closed a connection."))


def main() -> None:
    """Do the task that standard input describes."""
    task = Task(**json.loads(sys.stdin.buffer.readline()))
    requests = [sys.stdin.buffer.read(length) for length in task.lengths]
    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(Load(task, requests).run())
    except (LoadFailed, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    # Under PYTHONUNBUFFERED, `sys.stdout` may write a part only and say so to nobody.
    with open(sys.stdout.fileno(), "wb", closefd=False) as out:
        out.write(result.as_bytes())


if __name__ == "__main__":
    main()
