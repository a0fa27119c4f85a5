"""Hostile files: none is stored that the policy does not know, and none goes out inline."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from PIL import Image

from booking_system.files.application.check_upload import LEASE
from booking_system.files.domain.refusals import FileRefused
from booking_system.files.domain.stored_file import Fault, FileId
from tests.api import code_of
from tests.files.conftest import Visit, a_visit
from tests.files.hostile_files import PHOTO, SCRIPT, Hostile, the_forty
from tests.files.sending import PDF, Files

FAULTS = {fault.detail: str(fault) for fault in Fault}
SAFE_NAME = re.compile(r"[^/\\:*?\"<>|\x00-\x1f]+\.(pdf|jpg|jpeg|png|webp)")


async def test_each_of_forty_is_refused_or_made_harmless(disk: Files) -> None:
    visit, hostile = await a_visit(disk.api), list(the_forty())
    assert len(hostile) >= 40
    wrong = {}
    for one in hostile:
        if (told := await tried(disk, visit, one)) is not None:
            wrong[one.name] = told
    assert wrong == {}
    stored = [one for one in hostile if one.told is None]
    keys = await disk.keys()
    assert len(keys) == len(stored)
    assert all(re.fullmatch(r"served/[0-9a-f]{2}/[0-9a-f]{40}/file", key) for key in keys)


async def tried(files: Files, visit: Visit, one: Hostile) -> object:
    """What is wrong with what became of it; None: nothing."""
    owner, by = (
        (visit.doctor, visit.admin) if one.purpose == PHOTO else (visit.booking, visit.patient)
    )
    size = len(one.content) if one.size is None else one.size
    about = {"filename": one.filename, "size": size}
    answer = await files.send(one.purpose, owner, by, one.content, one.kind, **about)
    told = answer.json()
    if answer.status_code >= 400:
        return None if one.told in {told["code"], FAULTS.get(told["detail"])} else told
    if one.told is not None:
        return told
    read = await files.content(told, by)
    is_attachment = read.headers["content-disposition"].startswith("attachment; ")
    is_nothing = read.headers["content-type"] == "application/octet-stream"
    safe = is_attachment and is_nothing and read.headers["x-content-type-options"] == "nosniff"
    name = SAFE_NAME.fullmatch(told["filename"])
    if not (safe and name and "sandbox" in read.headers["content-security-policy"]):
        return dict(read.headers), told["filename"]
    if one.kind.startswith("image/"):
        picture = Image.open(io.BytesIO(read.content))
        says = dict(picture.getexif()) or picture.info.get("comment")
        if says or SCRIPT in read.content or b"PK\x03\x04" in read.content:
            return says, "what came with the picture is still there"
    return None


async def test_completed_twice_at_once_it_is_stored_once(disk: Files) -> None:
    visit = await a_visit(disk.api)
    begun = (await disk.announce("booking_document", visit.booking, visit.patient, PDF)).json()
    assert await disk.put(begun["upload"], PDF) == 204
    answers = await asyncio.gather(*(disk.complete(begun["id"], visit.patient) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await disk.keys()) == 1
    assert await disk.used() == len(PDF)


async def test_who_looked_at_it_too_slowly_changes_nothing(disk: Files) -> None:
    """Their lease was over, and somebody else has begun anew."""
    visit, container = await a_visit(disk.api), disk.api.container.files
    begun = (await disk.announce("booking_document", visit.booking, visit.patient, PDF)).json()
    assert await disk.put(begun["upload"], PDF) == 204
    await disk.set(begun["id"], "state = 'checking', due_at = now()")
    claims = []
    for _ in range(2):
        now = container.clock().now()
        about = {"now": now, "until": now + LEASE, "most": 1}
        claims += await container.files().claim(FileId(UUID(begun["id"])), **about)
        assert await container.files().claim(FileId(UUID(begun["id"])), **about) == []
        await disk.set(begun["id"], "due_at = now()")
    slow, quick = claims
    await container.check()(slow)
    row = await disk.row(begun["id"])
    assert row is not None
    assert (row["state"], await disk.keys()) == ("checking", {row["upload_key"]})
    await container.check()(quick)
    assert (await disk.content(begun, visit.patient)).content == PDF
    assert len(await disk.keys()) == 1


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for place in range(0, len(content), 20):
        yield content[place : place + 20]


async def test_other_bytes_than_were_announced_are_not_taken(disk: Files) -> None:
    visit = await a_visit(disk.api)
    begun = (await disk.announce("booking_document", visit.booking, visit.patient, PDF)).json()
    for content in (PDF + b"x", PDF[:-1], b""):
        assert await disk.put(begun["upload"], content) == 422
    # As many as come where the head does not say how many.
    receive = disk.api.container.files.receive()
    for content in (PDF + b"x", PDF[:-1]):
        with pytest.raises(FileRefused):
            await receive(file_id=begun["id"], length=None, pieces=in_pieces(content))
    assert await disk.keys() == set()
    # A storage's own link takes any number of them: the completion counts.
    row = await disk.row(begun["id"])
    assert row is not None
    for fault, content in (("size", PDF + b"x"), ("size", PDF[:-1]), ("empty", b"")):
        await disk.objects.put(row["upload_key"], content)
        answer = await disk.complete(begun["id"], visit.patient)
        assert code_of(answer) == (422, "file_refused")
        assert FAULTS[answer.json()["detail"]] == fault
        assert await disk.keys() == set()
        assert await disk.used() == 0
        await disk.set(begun["id"], "state = 'uploading', fault = NULL")
    await disk.objects.put(row["upload_key"], PDF.replace(b"1.4", b"1.5"))
    wrong_sum = f"sha256 = '\\x{'00' * 32}'"
    await disk.set(begun["id"], wrong_sum)
    answer = await disk.complete(begun["id"], visit.patient)
    assert FAULTS[answer.json()["detail"]] == "checksum"
    again = await disk.complete(begun["id"], visit.patient)
    assert FAULTS[again.json()["detail"]] == "checksum"
    # A day later nobody is told of it any more.
    await disk.work(begun["id"])
    assert await disk.row(begun["id"]) is None
