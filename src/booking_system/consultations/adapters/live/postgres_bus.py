"""The bus over PostgreSQL's LISTEN and NOTIFY, on connections of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import URL, func, select

from booking_system.consultations.adapters.live.bus import (
    BusMessage,
    Heard,
    Outage,
    Outgoing,
    Resumed,
)
from booking_system.platform.postgres.phrases import a_text, texts
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database, engine_for
from booking_system.shared_kernel.background import in_background

CHANNEL = "consultations"
PIECE = 7_500
"""Of a payload, which has less than 8,000 bytes; all of it is ASCII."""
PAUSE_SECONDS = 0.5
LOOK_SECONDS = 5.0
"""Between two questions whether the connection that listens is there still."""

_piece = func.unnest(texts("pieces")).column_valued("piece")
NOTIFY: Statement[Any] = Statement(select(func.pg_notify(a_text("channel"), _piece)))


class PostgresBus:
    """One connection listens; all that waits to be told goes out in one statement."""

    def __init__(self, database: Database, url: URL, instance_id: UUID) -> None:
        """`url` is of the same database, past any pooler; `instance_id` is this process's."""
        self._database = database
        self._url = url
        self._out = Outgoing(instance_id.hex)
        self._pieces: dict[str, list[str]] = {}
        self._silent, self._deaf = Outage("bus_is_silent"), Outage("bus_is_deaf")
        self.is_listening = asyncio.Event()

    def tell(self, message: BusMessage) -> None:
        """Put it behind what waits."""
        self._out.add(message)

    @asynccontextmanager
    async def running(self, heard: Heard, resumed: Resumed) -> AsyncIterator[None]:
        """Do both, each by a task."""
        async with (
            in_background(self._listen(heard, resumed), name="consultations listen"),
            in_background(self._pump(), name="consultations tell"),
        ):
            yield

    async def _pump(self) -> None:
        while True:
            pieces = [piece for one in await self._out.taken() for piece in _cut(one)]
            try:
                async with self._database.reading() as connection:
                    await NOTIFY.fetch(connection, channel=CHANNEL, pieces=pieces)
                self._silent.ended()
            except Exception as error:  # noqa: BLE001  (others find what is stored by their looks)
                self._silent.began(error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self, heard: Heard, resumed: Resumed) -> None:
        while True:
            try:
                await self._listen_once(heard, resumed)
            except Exception as error:  # noqa: BLE001  (any failure: connect again)
                self._deaf.began(error)
            finally:
                self.is_listening.clear()
                self._pieces.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen_once(self, heard: Heard, resumed: Resumed) -> None:
        def take(_: object, __: int, ___: str, payload: object) -> None:
            with suppress(ValueError, KeyError, TypeError):
                message = self._joined(str(payload))
                if message is not None:
                    heard(message)

        engine = engine_for(self._url, pool_size=1)
        try:
            async with engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver: asyncpg.Connection = raw.driver_connection
                await driver.add_listener(CHANNEL, take)
                self._deaf.ended()
                self.is_listening.set()
                resumed()
                moves = self._database.leases.moves
                while self._database.leases.moves == moves:
                    await asyncio.sleep(LOOK_SECONDS)
                    await driver.execute("SELECT 1")
        finally:
            await engine.dispose()

    def _joined(self, payload: str) -> BusMessage | None:
        """Return the message once its last piece is here; they come in order."""
        process, _, place, parts, text = payload.split(" ", 4)
        if process == self._out.process:
            return None
        if place == "0":
            self._pieces[process] = []
        pieces = self._pieces.setdefault(process, [])
        pieces.append(text)
        if int(place) + 1 < int(parts):
            return None
        whole = "".join(self._pieces.pop(process))
        if len(pieces) != int(parts):
            # It began before anybody listened.
            return None
        return BusMessage.of(whole)


def _cut(message: BusMessage) -> Sequence[str]:
    text = message.text()
    parts = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    return [
        f"{message.process} {message.number} {place} {len(parts)} {part}"
        for place, part in enumerate(parts)
    ]
