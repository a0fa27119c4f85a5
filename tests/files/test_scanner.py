"""The virus scanner: nothing passes but by its own word. The other side here is a clamd by hand."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from booking_system.files.adapters.addresses import ClamdAddress, clamd_address
from booking_system.files.adapters.clamd import Clamd, scanner_at
from booking_system.files.application.check_upload import CheckUpload
from booking_system.files.domain.refusals import StorageUnavailable
from booking_system.files.domain.stored_file import MOST_TRIES, Fault, UploadFault
from tests.api import code_of
from tests.files.conftest import a_visit
from tests.files.sending import PDF, Files, an_upload

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-" + b"TEST-FILE!$H+H*"
Answer = Callable[[bytes], bytes | None]


def usual(content: bytes) -> bytes:
    return b"stream: Eicar-Signature FOUND\0" if EICAR in content else b"stream: OK\0"


@asynccontextmanager
async def a_clamd(path: Path, answer: Answer, most: int = 2**30) -> AsyncIterator[ClamdAddress]:
    """A scanner that reads at most so many bytes of a stream, as `StreamMaxLength` says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        content = b""
        while (length := struct.unpack(">I", await reader.readexactly(4))[0]) > 0:
            content += await reader.readexactly(length)
            if len(content) > most:
                writer.transport.abort()
                return
        if (told := answer(content)) is not None:
            writer.write(told)
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield clamd_address(f"unix:{path}")
    finally:
        server.close()


async def test_it_says_what_is_clean_and_what_is_not(tmp_path: Path) -> None:
    async with a_clamd(tmp_path / "clamd", usual) as address:
        await Clamd(address=address).look(an_upload(tmp_path, PDF * 5000))
        with pytest.raises(UploadFault) as told:
            await Clamd(address=address).look(an_upload(tmp_path, PDF + EICAR))
    assert told.value.fault is Fault.MALWARE


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: b"INSTREAM size limit exceeded. ERROR\0",
        lambda _: b"stream: OK",
        lambda _: b"stream: OK but ERROR\0",
        lambda _: b"\0",
        lambda _: b"x" * 100_000,
        lambda _: None,
    ],
)
async def test_any_other_answer_lets_nothing_pass(tmp_path: Path, answer: Answer) -> None:
    async with a_clamd(tmp_path / "clamd", answer) as address:
        with pytest.raises(StorageUnavailable):
            await Clamd(address=address).look(an_upload(tmp_path, PDF))


async def test_a_reset_in_mid_stream_and_nobody_there_let_nothing_pass(tmp_path: Path) -> None:
    async with a_clamd(tmp_path / "clamd", usual, most=100_000) as address:
        with pytest.raises(StorageUnavailable):
            await Clamd(address=address).look(an_upload(tmp_path, PDF * 50_000))
    with pytest.raises(StorageUnavailable):
        await Clamd(address=clamd_address("unix:/nowhere")).look(an_upload(tmp_path, PDF))


async def test_what_was_not_scanned_waits_in_quarantine(
    disk: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await a_visit(disk.api)
    check: CheckUpload = disk.api.container.files.check()
    place = tmp_path / "clamd"
    scanner = scanner_at(clamd_address(f"unix:{place}"))
    original = check.scanner
    object.__setattr__(check, "scanner", scanner)
    try:
        begun = (await disk.announce("booking_document", visit.booking, visit.patient, PDF)).json()
        assert await disk.put(begun["upload"], PDF) == 204
        at = f"/v1/files/{begun['id']}"
        answer = await disk.api.post(f"{at}/complete", None, visit.patient)
        assert (answer.status_code, answer.json()["state"]) == (200, "checking")
        await disk.work(begun["id"])
        assert code_of(await disk.content(begun, visit.patient)) == (404, "not_found")
        row = await disk.row(begun["id"])
        assert row is not None
        assert (row["tries"], await disk.keys()) == (2, {row["upload_key"]})
        async with a_clamd(place, usual):
            await disk.work(begun["id"])
        assert (await disk.content(begun, visit.patient)).content == PDF

        hostile = PDF[:-6] + EICAR + b"\n%%EOF"
        async with a_clamd(place, usual):
            answer = await disk.send("booking_document", visit.booking, visit.patient, hostile)
        assert answer.json()["detail"] == Fault.MALWARE.detail
        # A scanner that has no answer for days: it is given up, and not let pass.
        begun = (await disk.announce("booking_document", visit.booking, visit.patient, PDF)).json()
        assert await disk.put(begun["upload"], PDF) == 204
        await disk.set(begun["id"], f"tries = {MOST_TRIES}")
        answer = await disk.complete(begun["id"], visit.patient)
        assert answer.json()["detail"] == Fault.UNCHECKED.detail
    finally:
        object.__setattr__(check, "scanner", original)
