"""Connections on which BEGIN goes out with a transaction's first statement, COMMIT with its last.

asyncpg has no public way to send two statements before it waits, so this goes by the bytes. In
PostgreSQL's extended protocol the messages of several statements may stand in front of one Sync:
the server does them in turn, an error makes it skip all that follows, COMMIT included, and it says
once, at the Sync, in which state the transaction is (PostgreSQL documentation, "Message Flow",
"Pipelining"). asyncpg reads such answers as those of one statement; of several words for what was
done it keeps the last. Nothing has to be taken out of what the server sends.

This was read in the sources of one version of asyncpg. With any other, connections are the
driver's own, BEGIN and COMMIT are round trips of their own, and a test says so.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import asyncpg
from asyncpg import connect_utils
from asyncpg.protocol.protocol import Protocol

VERSION = "0.32.0"
IS_KNOWN = asyncpg.__version__ == VERSION

SETTLE_SECONDS = 1.0
"""How long the answer to a statement that was cancelled is awaited."""

BIND, QUERY, TERMINATE = b"BQX"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body


def _command(text: bytes) -> bytes:
    """Parse, bind and execute a statement without a name and without values."""
    nothing = bytes(2)
    return (
        _message(b"P", b"\0" + text + b"\0" + nothing)
        + _message(b"B", b"\0\0" + 3 * nothing)
        + _message(b"E", b"\0" + bytes(4))
    )


SYNC, BEGIN, COMMIT = _message(b"S", b""), _command(b"BEGIN"), _command(b"COMMIT")
AS_THEY_ARE = (
    "writelines",
    "abort",
    "close",
    "is_closing",
    "pause_reading",
    "resume_reading",
    "get_extra_info",
)


class Wire:
    """A transport that can put BEGIN in front of what is written next, or COMMIT behind it.

    Everything else is the transport's own: `write`, too, as long as nothing is added.
    """

    def __init__(self, transport: Any) -> None:
        """`transport` leads to PostgreSQL."""
        self.begins = False
        """A transaction has begun for the program, and nothing was written in it yet."""
        self.write = self._as_it_comes = transport.write
        for name in AS_THEY_ARE:
            setattr(self, name, getattr(transport, name))

    def begin(self) -> None:
        """Put BEGIN in front of the next statement."""
        self.begins, self.write = True, self._behind_begin

    def commit(self) -> None:
        """Put COMMIT behind what is written next, if that is one whole statement."""
        self.write = self._before_commit

    def add_nothing(self) -> None:
        """Write as it comes from now on."""
        self.begins, self.write = False, self._as_it_comes

    def _behind_begin(self, data: memoryview) -> None:
        write, kind = self._as_it_comes, data[0]
        if kind == TERMINATE:
            write(data)
            return
        self.begins, self.write = False, write
        # Behind a simple query the server says by itself in which state it is: it has to be one.
        write(_message(b"Q", b"BEGIN;" + data[5:]) if kind == QUERY else BEGIN + data)

    def _before_commit(self, data: memoryview) -> None:
        self.write = write = self._as_it_comes
        # What is to be parsed first comes in several pieces; COMMIT is left to the caller then.
        is_whole = data[0] == BIND and data[-5:] == SYNC
        write(b"".join((data[:-5], COMMIT, SYNC)) if is_whole else data)


class WiredProtocol(Protocol):  # type: ignore[misc]
    """asyncpg's protocol on such a transport."""

    wire: Wire

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self.wire = Wire(transport)
        super().connection_made(self.wire)


class PipeliningConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection on which a transaction's ends cost no round trip."""

    _protocol: WiredProtocol
    """None once it is closed."""
    _query_loggers: Any
    _stmt_cache: Any
    _time_and_log: Any

    def is_in_transaction(self) -> bool:
        """Say so also where BEGIN waits for the first statement.

        While that one is under way, nobody knows.
        """
        protocol = self._protocol
        return protocol.wire.begins or protocol.is_in_transaction()

    def transaction(self, **about: Any) -> Any:
        """Refuse a transaction inside of one that was begun by hand, as asyncpg does."""
        if not self.is_closed() and self._protocol.wire.begins:
            raise asyncpg.InterfaceError("a transaction was begun by hand")
        return super().transaction(**about)

    def begin(self) -> None:
        """Begin a transaction with the next statement."""
        self._protocol.wire.begin()
        if self._query_loggers:
            self._tell("BEGIN")

    def forget_begin(self) -> bool:
        """Say whether BEGIN waits for a first statement; it is not sent any more."""
        protocol = self._protocol
        if protocol is None or not protocol.wire.begins:
            return False
        protocol.wire.add_nothing()
        return True

    async def run_and_commit(
        self, query: str, values: Sequence[Any], *, seconds: float | None
    ) -> list[asyncpg.Record]:
        """Run the transaction's last statement and commit; return its rows.

        `seconds`: how long it may take, where that is another time than usual.

        Where the connection is in a transaction afterwards, it was not committed yet: the statement
        had to be prepared first, or was the first, too.
        """
        wire = self._protocol.wire
        if not wire.begins:
            wire.commit()
        try:
            rows: list[asyncpg.Record] = await self._execute(query, values, 0, seconds)
        finally:
            wire.add_nothing()
        if self._query_loggers and not self.is_in_transaction():
            self._tell("COMMIT")
        return rows

    async def settle(self) -> None:
        """Wait until a statement that is cancelled has ended. Raises `TimeoutError`."""
        if not self.is_closed():
            await self._protocol._wait_for_cancellation(SETTLE_SECONDS)  # noqa: SLF001

    def _tell(self, query: str) -> None:
        with self._time_and_log(query, (), None):
            pass


def pipelining(connection: asyncpg.Connection) -> PipeliningConnection | None:
    """Return the connection if it is such a one."""
    return connection if type(connection) is PipeliningConnection else None


if IS_KNOWN:
    # The one name by which asyncpg makes a protocol; it cannot be given one.
    connect_utils.protocol = SimpleNamespace(Protocol=WiredProtocol)

CONNECTION_CLASS: type[asyncpg.Connection] = (
    PipeliningConnection if IS_KNOWN else asyncpg.Connection
)
