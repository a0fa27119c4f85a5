"""All pages of all rooms, in a process of their own: they come in, write, and note what arrives.

Messages are sent when they are due, however busy the server is, and their way counts from then.
"""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import uvloop
from websockets.asyncio.client import ClientConnection, connect

HOST = "127.0.0.1"
COMING_IN = 20
"""So many come in at a time."""
LAST_SECONDS = 30.0
"""How long the last messages are waited for."""
SETTLE_SECONDS = 1.0
KIBI = 1024
Party = tuple[str, str]
"""The booking's id, and the access token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What is to be done at the API on a port, whose process has this id."""

    port: int
    pid: int
    first: int
    per_second: int
    seconds: float
    rooms: list[tuple[Party, Party]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The ways of the messages in seconds, how many never came, and bytes of the API's memory."""

    ways: list[float]
    lost: int
    before: int
    after: int
    connections: int


class Room:
    """Two pages; each notes when it hears the other."""

    def __init__(self, sockets: Sequence[ClientConnection], due: list[float]) -> None:
        """`due` says by the number of a message when it was to be sent."""
        self.sockets = sockets
        self._due = due
        self.ways: list[float] = []
        self._readers = [asyncio.create_task(self._read(*one)) for one in enumerate(sockets)]

    async def say(self, number: int) -> None:
        """Write as the one, then as the other."""
        side = number % 2
        text = f"{side} {number} It has been like that since last week."
        frame = {"type": "chat", "id": str(uuid4()), "text": text}
        await self.sockets[side].send(orjson.dumps(frame).decode())

    async def close(self) -> None:
        """Go."""
        for one in self._readers:
            one.cancel()
        for socket in self.sockets:
            await socket.close()

    async def _read(self, side: int, socket: ClientConnection) -> None:
        async for told in socket:
            now = time.perf_counter()
            frame = orjson.loads(told)
            if frame["type"] == "chat":
                by, number, _ = frame["text"].split(" ", 2)
                if int(by) != side:
                    self.ways.append(now - self._due[int(number)])


async def talked(talk: Talk) -> Heard:
    """Do it all."""
    count = int(talk.per_second * talk.seconds)
    due: list[float] = [0.0] * count
    gate = asyncio.Semaphore(COMING_IN)
    address = f"http://{HOST}:{talk.port}"
    async with httpx.AsyncClient(base_url=address, timeout=LAST_SECONDS, verify=False) as client:  # noqa: S501

        async def come(parties: tuple[Party, Party]) -> Room:
            async with gate:
                sockets = [await _came(client, talk.port, *one) for one in parties]
            return Room(sockets, due)

        rooms = await asyncio.gather(*map(come, talk.rooms[: talk.first]))
        await asyncio.sleep(SETTLE_SECONDS)
        before = _resident(talk.pid)
        rooms += await asyncio.gather(*map(come, talk.rooms[talk.first :]))
    await asyncio.sleep(SETTLE_SECONDS)
    after = _resident(talk.pid)
    gc.disable()
    begin = time.perf_counter() + 0.1
    due[:] = [begin + number / talk.per_second for number in range(count)]
    for number, at in enumerate(due):
        if (pause := at - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        # Its turn comes to each room as both of its parties.
        await rooms[number // 2 % len(rooms)].say(number)
    deadline = time.perf_counter() + LAST_SECONDS
    while _arrived(rooms) < count and time.perf_counter() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    ways = [way for room in rooms for way in room.ways]
    await asyncio.gather(*(room.close() for room in rooms))
    return Heard(
        ways=ways,
        lost=count - len(ways),
        before=before,
        after=after,
        connections=2 * (len(talk.rooms) - talk.first),
    )


def _arrived(rooms: Sequence[Room]) -> int:
    return sum(len(room.ways) for room in rooms)


async def _came(
    client: httpx.AsyncClient, port: int, booking_id: str, token: str
) -> ClientConnection:
    path = f"/v1/bookings/{booking_id}/consultation"
    answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    ticket = answer.raise_for_status().json()["ticket"]
    socket = await connect(
        f"ws://{HOST}:{port}/v1/consultations/{booking_id}",
        subprotocols=["booking.v1", f"ticket.{ticket}"],  # type: ignore[list-item]
        compression=None,
        ping_interval=None,
        max_queue=None,
        proxy=None,
        open_timeout=LAST_SECONDS,
    )
    await socket.send(orjson.dumps({"type": "hello", "client": str(uuid4())}).decode())
    frame = orjson.loads(await socket.recv())
    if frame["type"] != "welcome":
        raise RuntimeError(f"no welcome, but {frame['type']}")
    return socket


def _resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * KIBI for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Read a talk from standard input, write what was heard to standard output."""
    given = json.load(sys.stdin)
    given["rooms"] = [tuple(map(tuple, one)) for one in given["rooms"]]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        heard = runner.run(talked(Talk(**given)))
    json.dump(asdict(heard), sys.stdout)


if __name__ == "__main__":
    main()
