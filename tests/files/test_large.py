"""A hundred megabytes come and go, and memory does not grow with them."""

import resource
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from booking_system.files.application.begin_upload import ReceiveUpload
from booking_system.files.application.check_upload import CheckUpload
from booking_system.files.domain.purposes import MIB
from tests.files.conftest import a_visit
from tests.files.sending import PDF, SITE, Files

PIECE = bytes(64 * 1024)


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


def peak() -> int:
    """The most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.parametrize(
    "megabytes", [24, pytest.param(100, marks=pytest.mark.proof)], ids=["short", "long"]
)
async def test_a_large_file_is_never_in_memory(files: Files, megabytes: int) -> None:
    size, visit = megabytes * MIB, await a_visit(files.api)
    small = await files.stored("booking_document", visit.booking, visit.patient, PDF)
    await files.content(small, visit.patient)
    begun = (
        await files.announce("booking_document", visit.booking, visit.patient, b"", size=size)
    ).json()
    before = peak()
    container = files.api.container.files
    receive: ReceiveUpload = container.receive()
    if begun["upload"]["url"].startswith(SITE):
        await receive(file_id=begun["id"], length=size, pieces=aiter(Flow(size)))
    else:
        # Moto would have the whole in this very process; it is stored in parts, as it is large.
        row = await files.row(begun["id"])
        assert row is not None
        await files.objects.receive(row["upload_key"], aiter(Flow(size)))
    on_disk = files.storage == "disk"
    assert not on_disk or peak() - before < 64
    before = peak()
    check: CheckUpload = container.check()
    file = await files.complete(begun["id"], visit.patient)
    assert file.json()["state"] == "ready", (file.text, check)
    row = await files.row(begun["id"])
    assert row is not None
    read = 0
    async for piece in files.objects.read(f"{row['served_key']}/file", 0, size):
        read += len(piece)
    assert read == size
    assert not on_disk or peak() - before < 64
    part = await files.content(file.json(), visit.patient, Range=f"bytes={size - 7}-")
    assert (part.status_code, part.content) == (206, b"\n%%EOF\n")


async def test_a_large_answer_goes_out_in_pieces(disk: Files) -> None:
    visit = await a_visit(disk.api)
    content = PDF[:9] + bytes(9 * MIB) + b"\n%%EOF\n"
    file = await disk.stored("booking_document", visit.booking, visit.patient, content)
    answer: httpx.Response = await disk.content(file, visit.patient)
    assert answer.content == content
    assert len(disk.api.app.state.lives) == 0
