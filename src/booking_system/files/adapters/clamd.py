"""The virus scanner clamd, which is asked over its own protocol (`INSTREAM`)."""

import asyncio
import struct
from dataclasses import dataclass
from pathlib import Path

import structlog

from booking_system.files.adapters.addresses import ClamdAddress
from booking_system.files.application.ports import Scanner
from booking_system.files.domain.refusals import StorageUnavailable
from booking_system.files.domain.stored_file import Fault, Upload, UploadFault
from booking_system.platform.ticket import waiting_elsewhere

PIECE_BYTES = 64 * 1024
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 60.0
"""For one file: a large one takes it some time."""
LONGEST_ANSWER = 4096
CLEAN = b"stream: OK\0"
FOUND = b" FOUND\0"

log = structlog.get_logger("booking_system.files")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clamd:
    """Asks a clamd. Only its own word lets a file pass: any other answer, and none, does not."""

    address: ClamdAddress

    async def look(self, upload: Upload) -> None:
        """Send it. A reset in mid-stream, as for a file beyond its limits, is no answer."""
        try:
            with waiting_elsewhere():
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await self._answer(upload)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            log.warning("scanner_unavailable", error=type(error).__name__)
            raise StorageUnavailable from None
        if answer == CLEAN:
            return
        if answer.endswith(FOUND):
            raise UploadFault(Fault.MALWARE)
        log.warning("scanner_unavailable", error="answer")
        raise StorageUnavailable

    async def _answer(self, upload: Upload) -> bytes:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await self._connected()
        try:
            writer.write(b"zINSTREAM\0")
            with Path(upload.path).open("rb") as file:  # noqa: ASYNC230  (small reads of a cached file)
                while piece := file.read(PIECE_BYTES):
                    writer.write(struct.pack(">I", len(piece)) + piece)
                    await writer.drain()
            writer.write(struct.pack(">I", 0))
            await writer.drain()
            return await reader.readuntil(b"\0")
        finally:
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        at = self.address
        if at.path is not None:
            return await asyncio.open_unix_connection(at.path, limit=LONGEST_ANSWER)
        return await asyncio.open_connection(at.host, at.port, limit=LONGEST_ANSWER)


class NoScanner:
    """There is none: what is stored is only what its bytes say it is."""

    async def look(self, upload: Upload) -> None:
        """Let it pass."""


def scanner_at(address: ClamdAddress | None) -> Scanner:
    """Return the scanner that the operator has named."""
    return NoScanner() if address is None else Clamd(address=address)
