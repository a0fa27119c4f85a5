"""A hundred megabytes come and go, and memory does not grow with them."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from booking_system.files.application.begin_upload import ReceiveUpload
from booking_system.files.domain.purposes import MIB
from booking_system.shared_kernel.background import in_background
from tests.files.conftest import a_visit
from tests.files.sending import PDF, Files
from tests.patience import PATIENCE
from tests.stage import Stage

PIECE = bytes(64 * 1024)
MOST_MEGABYTES = 64
"""Some parts of five and what is around them."""


@dataclass
class Flow:
    """Bytes of a PDF, piece by piece."""

    size: int

    async def __aiter__(self) -> AsyncIterator[bytes]:
        head, tail = PDF[:9], b"\n%%EOF\n"
        yield head
        left = self.size - len(head) - len(tail)
        while left > 0:
            yield PIECE[:left]
            left -= len(PIECE[:left])
        yield tail


def resident() -> int:
    """The memory that this process has, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // MIB


@asynccontextmanager
async def growing_by_at_most(most: int) -> AsyncIterator[None]:
    """Look again and again meanwhile."""
    before, seen = resident(), [0]

    async def look() -> None:
        while True:
            seen.append(resident())
            await asyncio.sleep(0.005)

    async with in_background(look(), name="looking"):
        yield
    assert max(seen) - before < most


async def test_a_large_file_is_never_in_memory(disk: Files) -> None:
    await comes_and_goes(disk, 96)


@pytest.mark.proof
async def test_a_hundred_megabytes_are_never_in_memory(disk: Files) -> None:
    await comes_and_goes(disk, 100)


@pytest.mark.proof
async def test_nor_are_they_where_another_process_stores_them(
    database_url: str, stage: Stage, s3_elsewhere: str
) -> None:
    """They go to the storage by its own presigned address, as a browser sends them."""
    async with stage.api(storage_url=s3_elsewhere) as api:
        await comes_and_goes(Files(api, "s3"), 100)


async def comes_and_goes(files: Files, megabytes: int) -> None:
    size, visit = megabytes * MIB, await a_visit(files.api)
    small = await files.stored("booking_document", visit.booking, visit.patient, PDF)
    await files.content(small, visit.patient)
    begun = (
        await files.announce("booking_document", visit.booking, visit.patient, b"", size=size)
    ).json()
    async with growing_by_at_most(MOST_MEGABYTES):
        await sent(files, begun, size)
    async with growing_by_at_most(MOST_MEGABYTES):
        file = await files.complete(begun["id"], visit.patient)
    assert file.json()["state"] == "ready", file.text
    row = await files.row(begun["id"])
    assert row is not None
    read = 0
    async with growing_by_at_most(MOST_MEGABYTES):
        async for piece in files.objects.read(f"{row['served_key']}/file", 0, size):
            read += len(piece)
    assert read == size
    part = await files.content(file.json(), visit.patient, Range=f"bytes={size - 7}-")
    assert (part.status_code, part.content) == (206, b"\n%%EOF\n")


async def sent(files: Files, begun: dict[str, Any], size: int) -> None:
    if files.storage == "disk":
        receive: ReceiveUpload = files.api.container.files.receive()
        await receive(file_id=begun["id"], length=size, pieces=aiter(Flow(size)))
        return
    url, headers = begun["upload"]["url"], begun["upload"]["headers"]
    headers = {**headers, "Content-Length": str(size)}
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        answer = await client.put(url, content=aiter(Flow(size)), headers=headers)
    assert answer.status_code == 200


async def test_a_large_answer_goes_out_in_pieces(disk: Files) -> None:
    visit = await a_visit(disk.api)
    content = PDF[:9] + bytes(9 * MIB) + b"\n%%EOF\n"
    file = await disk.stored("booking_document", visit.booking, visit.patient, content)
    answer: httpx.Response = await disk.content(file, visit.patient)
    assert answer.content == content
    assert len(disk.api.app.state.lives) == 0
