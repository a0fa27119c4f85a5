"""Where uploads are looked at: a file of this process, gone when the look is over."""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from booking_system.files.adapters.objects import Objects
from booking_system.files.domain.kinds import HEAD_BYTES, Edges
from booking_system.files.domain.stored_file import Fault, StoredFile, Upload, UploadFault

LEFT_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryBench:
    """Fetches an upload into a temporary file; memory holds one piece at a time.

    The `place` is on a disk: what is commonly for temporary files may be in memory.
    """

    objects: Objects
    place: Path

    @asynccontextmanager
    async def taken(self, file: StoredFile) -> AsyncIterator[Upload]:
        """Fetch it, and count and sum it up on the way."""
        size, digest, head, tail = 0, hashlib.sha256(), b"", b""
        await asyncio.to_thread(_prepared, self.place)
        with tempfile.NamedTemporaryFile(dir=self.place) as place:
            async for piece in self.objects.whole(file.upload_key):
                size += len(piece)
                if size > file.size:
                    raise UploadFault(Fault.SIZE)
                digest.update(piece)
                if len(head) < HEAD_BYTES:
                    head += piece[: HEAD_BYTES - len(head)]
                tail = (tail + piece[-HEAD_BYTES:])[-HEAD_BYTES:]
                await asyncio.to_thread(place.write, piece)
            place.flush()
            edges = Edges(head=head, tail=tail)
            yield Upload(path=place.name, size=size, sha256=digest.digest(), edges=edges)

    def digest(self, content: bytes) -> bytes:
        """Sum it up."""
        return hashlib.sha256(content).digest()


def _prepared(place: Path) -> None:
    """Make the folder, and remove what processes that were killed have left."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in place.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFT_SECONDS:
                path.unlink()
