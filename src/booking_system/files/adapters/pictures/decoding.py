"""Pictures, decoded in a process of their own each: what a hostile one does ends with that."""

import asyncio
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from booking_system.files.application.ports import Picture
from booking_system.files.domain.kinds import MediaKind, kind_of
from booking_system.files.domain.purposes import Size
from booking_system.files.domain.stored_file import Fault, Upload, UploadFault
from booking_system.platform.ticket import waiting_elsewhere

CHILD = Path(__file__).parent / "child.py"
AT_ONCE = 2
"""Processes: each may use a gigabyte for a moment."""
SECONDS = 60.0
FORMATS = {MediaKind.JPEG: "JPEG", MediaKind.PNG: "PNG", MediaKind.WEBP: "WEBP"}
KINDS = {name: kind for kind, name in FORMATS.items()}


class ChildPictures:
    """Asks a new process for each picture, of which few run at once."""

    def __init__(self) -> None:
        """No process runs yet."""
        self._places = asyncio.Semaphore(AT_ONCE)

    async def whole(self, upload: Upload) -> Picture:
        """Return it in the size that it has."""
        (picture,) = await self._written(upload, "whole")
        return picture

    async def sizes(self, upload: Upload) -> Mapping[Size, Picture]:
        """Return it in each size."""
        sides = ",".join(str(size.pixels) for size in Size)
        pictures = await self._written(upload, sides)
        return dict(zip(Size, pictures, strict=True))

    async def _written(self, upload: Upload, sides: str) -> Sequence[Picture]:
        kind = kind_of(upload.edges)
        assert kind in FORMATS, "its bytes have been looked at"
        with waiting_elsewhere():
            async with self._places:
                told = await _asked(upload.path, FORMATS[kind], sides)
        first, _, rest = told.partition(b"\n")
        written, *lengths = first.decode("ascii").split(" ")
        if written not in KINDS:
            raise UploadFault(Fault.PICTURE)
        made, place = [], 0
        for length in map(int, lengths):
            made.append(Picture(kind=KINDS[written], content=rest[place : place + length]))
            place += length
        return made


async def _asked(path: str, kind: str, sides: str) -> bytes:
    with Path(path).open("rb") as content:  # noqa: ASYNC230  (opened, not read)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(CHILD),
            _pillow(),
            kind,
            sides,
            stdin=content,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
    try:
        async with asyncio.timeout(SECONDS):
            told, _ = await child.communicate()
    except TimeoutError:
        return b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return told


@cache
def _pillow() -> str:
    found = importlib.util.find_spec("PIL")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parents[1])
