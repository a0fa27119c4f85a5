"""Workers that can be killed, of a program with the arguments DATABASE_URL PORT ASKED LOG.

It connects to the port ASKED, forks a worker for each line that it reads there, and writes its
process id. A worker hands messages to a provider that speaks lines of JSON at PORT: when it began
to write, by the machine's clock, and what. An answer is a line, too. LOG is a file for what workers
say.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from booking_system.notifications.adapters import sending_job
from booking_system.notifications.domain.letter import Email, Sms
from booking_system.notifications.domain.sending import (
    Fault,
    NotSentError,
    OutcomeUnknownError,
)
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.postgres.url import sqlalchemy_url
from tests.notifications.office import Office

LEASE, PATIENCE = timedelta(seconds=2), timedelta(seconds=1)
ANSWER_SECONDS = 1.0


@dataclass
class Line:
    """A provider at a port of this machine."""

    port: int
    name: str = "line"

    @asynccontextmanager
    async def opened(self, letter: Email | Sms) -> AsyncIterator["Speaking"]:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError as error:
            raise NotSentError(Fault.TEMPORARY, "connection") from error
        try:
            yield Speaking(letter, reader, writer)
        finally:
            writer.close()


@dataclass
class Speaking:
    letter: Email | Sms
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def write(self) -> None:
        said = {"id": str(self.letter.id), "text": self.letter.text, "began": time.monotonic()}
        self.writer.write(json.dumps(said).encode() + b"\n")

    async def answer(self) -> str | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                said = await self.reader.readline()
        except (TimeoutError, OSError):
            raise OutcomeUnknownError("timeout") from None
        if not said:
            raise OutcomeUnknownError("closed")
        return said.decode().strip()


async def work(url: str, port: int) -> None:
    database = Database.at(sqlalchemy_url(url), pool_size=8)
    office = Office(database, email=Line(port), sms=None)
    ledger = replace(office.ledger, lease=LEASE, patience=PATIENCE)
    send = replace(office.send, ledger=ledger)
    sending_job.PAUSE_SECONDS = 0.1
    job = sending_job.SendingJob(ledger=ledger, send=send, clock=office.clock)
    async with job.running():
        await asyncio.Event().wait()


def main() -> None:
    url, port, asked, log = sys.argv[1:]
    connection = socket.create_connection(("127.0.0.1", int(asked)))
    while connection.recv(1):
        if pid := os.fork():
            connection.sendall(b"%d\n" % pid)
            continue
        connection.close()
        # Nobody empties the pipe of what the program prints.
        kept = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in (sys.stdout.fileno(), sys.stderr.fileno()):
            os.dup2(kept, number)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(work(url, int(port)))
        os._exit(0)
