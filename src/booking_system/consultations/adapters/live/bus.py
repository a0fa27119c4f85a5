"""The bus between processes: PostgreSQL's LISTEN and NOTIFY, on connections of its own.

It wakes, and it carries what is never stored: signalling from one page to another, and who types.
What is lost on it costs nothing that lasts. Each process looks at its rooms by itself as well, and
pages send again what nobody answered.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import URL, func, select

from booking_system.platform.postgres.phrases import a_text, texts
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database, engine_for
from booking_system.shared_kernel.background import in_background
from booking_system.shared_kernel.identifiers import AppointmentId

CHANNEL = "consultations"
PIECE = 7_500
"""Of a payload, which has less than 8,000 bytes; all of it is ASCII."""
MOST_WAITING = 10_000
"""Messages that are kept while the database does not answer; then the oldest are lost."""
PAUSE_SECONDS = 0.5
LOOK_SECONDS = 5.0
"""Between two questions whether the connection that listens is there still."""

log = structlog.get_logger("booking_system.consultations")

_piece = func.unnest(texts("pieces")).column_valued("piece")
NOTIFY: Statement[Any] = Statement(select(func.pg_notify(a_text("channel"), _piece)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BusMessage:
    """A room that something happened in; with a `frame`, what its pages are to be sent.

    `to` is the connection that the frame is for, by its epoch; None: all but `sender`'s.
    """

    room_id: AppointmentId
    to: int | None = None
    sender: int | None = None
    frame: dict[str, Any] | None = None


class Bus(Protocol):
    """Carries messages to all other processes; at most once, in the order of their sender."""

    def tell(self, message: BusMessage) -> None:
        """Send it soon; never waits, never fails."""
        ...


class PostgresBus:
    """One connection listens; all that waits to be told goes out in one statement."""

    def __init__(self, database: Database, url: URL, instance_id: UUID) -> None:
        """`url` is of the same database; `instance_id` is this process's."""
        self._database = database
        self._url = url
        self._me = instance_id.hex
        self._out: list[BusMessage] = []
        self._something = asyncio.Event()
        self._number = 0
        self._pieces: dict[str, list[str]] = {}
        self.is_listening = asyncio.Event()

    def tell(self, message: BusMessage) -> None:
        """Put it behind what waits."""
        if len(self._out) >= MOST_WAITING:
            del self._out[: MOST_WAITING // 2]
        self._out.append(message)
        self._something.set()

    @asynccontextmanager
    async def running(
        self, heard: Callable[[BusMessage], None], resumed: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Listen and tell for as long as the block lasts.

        `heard` is called for each message of another process, `resumed` whenever listening has
        begun, because until then anything may have been missed.
        """
        async with (
            in_background(self._listen(heard, resumed), name="consultations listen"),
            in_background(self._pump(), name="consultations tell"),
        ):
            yield

    async def _pump(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            waiting, self._out = self._out, []
            pieces = [piece for one in _without_repeats(waiting) for piece in self._cut(one)]
            if not pieces:
                continue
            try:
                async with self._database.reading() as connection:
                    await NOTIFY.fetch(connection, channel=CHANNEL, pieces=pieces)
            except Exception as error:  # noqa: BLE001  (others find what is stored by their looks)
                log.warning("bus_is_silent", error=type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)

    def _cut(self, message: BusMessage) -> Sequence[str]:
        about = {"r": str(message.room_id), "t": message.to, "s": message.sender}
        text = json.dumps(about | {"f": message.frame}, separators=(",", ":"), default=str)
        self._number += 1
        parts = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        return [
            f"{self._me} {self._number} {place} {len(parts)} {part}"
            for place, part in enumerate(parts)
        ]

    async def _listen(
        self, heard: Callable[[BusMessage], None], resumed: Callable[[], None]
    ) -> None:
        while True:
            try:
                await self._listen_once(heard, resumed)
            except Exception as error:  # noqa: BLE001  (any failure: connect again)
                log.warning("bus_is_deaf", error=type(error).__name__)
            finally:
                self.is_listening.clear()
                self._pieces.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen_once(
        self, heard: Callable[[BusMessage], None], resumed: Callable[[], None]
    ) -> None:
        def take(_: object, __: int, ___: str, payload: object) -> None:
            with suppress(ValueError, KeyError):
                message = self._joined(str(payload))
                if message is not None:
                    heard(message)

        engine = engine_for(self._url, pool_size=1)
        try:
            async with engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver: asyncpg.Connection = raw.driver_connection
                await driver.add_listener(CHANNEL, take)
                self.is_listening.set()
                resumed()
                while True:
                    await asyncio.sleep(LOOK_SECONDS)
                    await driver.execute("SELECT 1")
        finally:
            await engine.dispose()

    def _joined(self, payload: str) -> BusMessage | None:
        """Return the message once its last piece is here; they come in order."""
        sender, _, place, parts, text = payload.split(" ", 4)
        if sender == self._me:
            return None
        if place == "0":
            self._pieces[sender] = []
        pieces = self._pieces.setdefault(sender, [])
        pieces.append(text)
        if int(place) + 1 < int(parts):
            return None
        whole = "".join(self._pieces.pop(sender))
        if len(pieces) != int(parts):
            # It began before anybody listened.
            return None
        told = json.loads(whole)
        return BusMessage(
            room_id=AppointmentId(UUID(told["r"])), to=told["t"], sender=told["s"], frame=told["f"]
        )


def _without_repeats(messages: Sequence[BusMessage]) -> Sequence[BusMessage]:
    """Wake each room once: the last of several wake-ups says all."""
    kept, woken = [], set()
    for one in reversed(messages):
        if one.frame is None:
            if one.room_id in woken:
                continue
            woken.add(one.room_id)
        kept.append(one)
    return kept[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waker:
    """Wakes a room from outside of it, behind the end of the caller's transaction."""

    database: Database
    bus: PostgresBus
    here: Callable[[AppointmentId], None]

    async def __call__(self, room_id: AppointmentId) -> None:
        """Wake it here and elsewhere."""

        async def wake() -> None:
            self.here(room_id)
            self.bus.tell(BusMessage(room_id=room_id))

        await self.database.apart(wake)
