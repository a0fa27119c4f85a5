"""A storage that does not answer, and what killed processes leave on a disk."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from booking_system.files.adapters.objects import DiskObjects
from booking_system.files.domain.refusals import StorageUnavailable
from tests.api import code_of
from tests.files.conftest import a_visit
from tests.files.sending import PDF, Files, a_picture


def away(*_: Any, **__: Any) -> Any:
    raise OSError


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def test_without_its_storage_a_file_waits_and_nothing_is_lost(
    disk: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await a_visit(disk.api)
    logo = await disk.stored(
        "clinic_logo", visit.clinic, visit.admin, a_picture("PNG"), "image/png"
    )
    file = await disk.stored("booking_document", visit.booking, visit.patient, PDF)
    begun = (await disk.announce("booking_document", visit.booking, visit.patient, PDF)).json()
    with monkeypatch.context() as broken:
        for name in ("put_async", "get_async", "get_range_async", "delete_async"):
            broken.setattr(f"booking_system.files.adapters.objects.obstore.{name}", away)
        unavailable = (503, "dependency_unavailable")
        url = begun["upload"]["url"].removeprefix("http://test")
        sent = await disk.api.client.request("PUT", url, content=PDF)
        assert code_of(sent) == unavailable
        assert sent.headers["retry-after"] == "5"
        assert code_of(await disk.content(file, visit.patient)) == unavailable
        shown = (await disk.api.get(f"/v1/files/{file['id']}", visit.patient)).json()
        by_link = await disk.api.get(shown["download_url"].removeprefix("http://test"))
        assert code_of(by_link) == unavailable
        assert code_of(await disk.api.get(f"/v1/images/{logo['id']}")) == unavailable
        at = f"/v1/files/{begun['id']}/complete"
        waits = await disk.api.post(at, None, visit.patient)
        assert (waits.status_code, waits.json()["state"]) == (200, "checking")
        # What is to be removed stays until it can be.
        await disk.set(file["id"], "due_at = now()")
        await disk.api.container.files.job().once()
        assert await disk.row(file["id"]) is not None
    row = await disk.row(begun["id"])
    assert row is not None
    await disk.objects.put(row["upload_key"], PDF)
    await disk.work(begun["id"])
    assert (await disk.content(begun, visit.patient)).content == PDF


async def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    objects = DiskObjects(tmp_path / "files")

    async def broken() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(64 * 1024)
        raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        await objects.receive("quarantine/ab/abc", broken())
    assert names_in(tmp_path) == set()
    assert (tmp_path / "files").stat().st_mode & 0o777 == 0o700


async def test_what_a_killed_process_has_begun_is_removed_once_it_is_old(tmp_path: Path) -> None:
    objects = DiskObjects(tmp_path)
    await objects.put("served/ab/abc/file", PDF)
    old, young = (tmp_path / "served" / "ab" / f"abd#{number}" for number in (1, 2))
    for path in (old, young):
        path.write_bytes(PDF)
    now = datetime.now(UTC)
    before = (now - timedelta(hours=49)).timestamp()
    os.utime(old, (before, before))
    await objects.tidy("served/ab", before=now - timedelta(hours=48))
    await objects.tidy("served/ff", before=now)
    assert names_in(tmp_path) == {"file", "abd#2"}
