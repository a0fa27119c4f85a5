"""The whole way of a file, over the local disk and over S3: the same tests for both."""

import io
from datetime import timedelta

from PIL import Image

from booking_system.files.application.sweep import Reconcile
from tests.api import code_of
from tests.client import SITE
from tests.files.conftest import a_visit
from tests.files.sending import PDF, Files, a_picture, sum_of
from tests.notifications.office import ShiftedClock

DOCUMENT = "booking_document"


def reconciling(files: Files, **later: int) -> Reconcile:
    """The sweep of orphans, so much later."""
    container = files.api.container.files
    return Reconcile(
        queue=container.files(),
        objects=container.objects(),
        transaction=container.files().transaction,
        clock=ShiftedClock(timedelta(**later)),
        tell_lost=lambda _: None,
    )


async def test_a_document_is_announced_sent_completed_and_read(files: Files) -> None:
    visit = await a_visit(files.api)
    name = 'Bef\u00fcnd "2027".pdf'
    announced = await files.announce(
        DOCUMENT, visit.booking, visit.patient, PDF, filename=name, sha256=sum_of(PDF)
    )
    assert announced.status_code == 201, announced.text
    begun = announced.json()
    assert announced.headers["location"] == f"/v1/files/{begun['id']}"
    assert (begun["state"], begun["download_url"]) == ("uploading", None)
    assert begun["upload"]["method"] == "PUT"
    early = await files.complete(begun["id"], visit.patient)
    assert code_of(early) == (409, "file_not_ready")

    assert await files.put(begun["upload"], PDF) in {200, 204}
    done = await files.complete(begun["id"], visit.patient)
    assert done.status_code == 200, done.text
    file = done.json()
    assert (file["state"], file["size"], file["sha256"]) == ("ready", len(PDF), sum_of(PDF))
    assert file["filename"] == "Bef\u00fcnd _2027_.pdf"
    assert file["upload"] is None

    # Once more: the same.
    again = await files.complete(begun["id"], visit.patient)
    assert (again.status_code, again.json()["state"]) == (200, "ready")

    for reader in (visit.patient, visit.doctor_account, visit.receptionist, visit.admin):
        shown = (await files.api.get(f"/v1/files/{file['id']}", reader)).json()
        by_link = await files.api.get(shown["download_url"].removeprefix(SITE))
        for answer in (await files.content(file, reader), by_link):
            assert (answer.status_code, answer.content) == (200, PDF)
            assert answer.headers["content-type"] == "application/octet-stream"
            said = answer.headers["content-disposition"]
            assert said.startswith("attachment; ")
            assert "filename*=UTF-8''Bef%C3%BCnd%20_2027_.pdf" in said
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "private, no-store"
    listed = await files.api.get(f"/v1/bookings/{visit.booking['id']}/files", visit.doctor_account)
    assert [one["id"] for one in listed.json()["items"]] == [file["id"]]
    # What was sent is not kept twice, and nobody is named by a key.
    (key,) = await files.keys()
    assert key.startswith("served/")
    assert not any(one in key for one in (file["id"], visit.booking["id"], "Bef"))
    assert await files.used() == len(PDF)


async def test_what_is_written_behind_the_completion_is_never_served(files: Files) -> None:
    visit = await a_visit(files.api)
    file = await announced_and_stored(files, visit)
    other = PDF.replace(b"Catalog", b"Hostile")
    status = await files.put(file["upload"], other)
    # A link of S3 goes on to take bytes; ours does not.
    assert status == (200 if files.storage == "s3" else 409)
    for _ in range(2):
        assert (await files.content(file, visit.patient)).content == PDF
        await files.complete(file["id"], visit.patient)
    assert any(key.startswith("quarantine/") for key in await files.keys()) is (status == 200)
    row = await files.row(file["id"])
    assert row is not None
    shard = row["upload_key"].split("/")[1]
    await reconciling(files, hours=47)(shard)
    assert any(key.startswith("quarantine/") for key in await files.keys()) is (status == 200)
    await reconciling(files, hours=49)(shard)
    assert {key.partition("/")[0] for key in await files.keys()} == {"served"}


async def announced_and_stored(files: Files, visit: object) -> dict[str, object]:
    """A stored document, with the address that its bytes were sent to."""
    begun = (
        await files.announce(DOCUMENT, visit.booking, visit.patient, PDF)  # type: ignore[attr-defined]
    ).json()
    assert await files.put(begun["upload"], PDF) in {200, 204}
    done = await files.complete(begun["id"], visit.patient)  # type: ignore[attr-defined]
    assert done.json()["state"] == "ready", done.text
    return {**done.json(), "upload": begun["upload"]}


async def test_bytes_that_land_behind_the_sweep_are_removed_by_the_next_one(files: Files) -> None:
    visit = await a_visit(files.api)
    begun = (await files.announce(DOCUMENT, visit.booking, visit.patient, PDF)).json()
    row = await files.row(begun["id"])
    assert row is not None
    # Nobody has sent anything: it is given up, and the clinic has its room again.
    assert await files.used() == len(PDF)
    await files.work(begun["id"])
    assert await files.row(begun["id"]) is None
    assert await files.used() == 0
    assert code_of(await files.complete(begun["id"], visit.patient)) == (404, "not_found")
    # A slow request had begun before, and ends now.
    await files.objects.put(row["upload_key"], PDF)
    shard = row["upload_key"].split("/")[1]
    await reconciling(files, hours=1)(shard)
    assert await files.keys() == {row["upload_key"]}
    await reconciling(files, hours=49)(shard)
    assert await files.keys() == set()


async def test_an_upload_that_nobody_completes_is_given_up(files: Files) -> None:
    visit = await a_visit(files.api)
    begun = (await files.announce(DOCUMENT, visit.booking, visit.patient, PDF)).json()
    assert await files.put(begun["upload"], PDF) in {200, 204}
    await files.api.container.files.job().once()
    assert len(await files.keys()) == 1, "its time is not over"
    await files.work(begun["id"])
    assert await files.row(begun["id"]) is None
    assert await files.keys() == set()


async def test_a_file_without_its_object_is_told_of_and_an_object_without_a_row_goes(
    files: Files,
) -> None:
    visit = await a_visit(files.api)
    lost = await files.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    kept = await files.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    row, other = await files.row(lost["id"]), await files.row(kept["id"])
    assert row is not None
    assert other is not None
    shard = row["served_key"].split("/")[1]
    orphan = f"served/{shard}/{shard}{'0' * 38}/file"
    await files.objects.put(orphan, b"orphan")
    await files.objects.delete([f"{row['served_key']}/file"])
    told: list[object] = []
    sweep = reconciling(files, minutes=30)
    object.__setattr__(sweep, "tell_lost", told.append)
    await sweep(shard)
    assert (told, (await files.row(lost["id"]) or {})["state"]) == ([], "ready"), "too young"
    late = reconciling(files, hours=49)
    object.__setattr__(late, "tell_lost", told.append)
    for one in {shard, other["served_key"].split("/")[1]}:
        await late(one)
    assert [str(one) for one in told] == [lost["id"]]
    shown = await files.api.get(f"/v1/files/{lost['id']}", visit.patient)
    assert (shown.json()["state"], shown.json()["download_url"]) == ("lost", None)
    assert code_of(await files.content(lost, visit.patient)) == (404, "not_found")
    assert orphan not in await files.keys()
    assert (await files.content(kept, visit.patient)).content == PDF


async def test_a_part_of_a_file_is_read_by_its_range(files: Files) -> None:
    visit = await a_visit(files.api)
    content = PDF[:20] + bytes(range(256)) * 1200 + PDF[20:]
    file = await files.stored(DOCUMENT, visit.booking, visit.patient, content)
    length = len(content)
    etag = f'"{file["sha256"]}"'
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=100-299999", 100, 300_000),
        ("bytes=300000-", 300_000, length),
        ("bytes=-7", length - 7, length),
        (f"bytes=5-{length + 9}", 5, length),
    ):
        answer = await files.content(file, visit.patient, Range=asked)
        assert answer.status_code == 206, asked
        assert answer.content == content[start:end], asked
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{length}"
    for headers in (
        {"Range": "bytes=0-1,4-5"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=9-3"},
        {"Range": "bytes=0-1", "If-Range": '"other"'},
    ):
        answer = await files.content(file, visit.patient, **headers)
        assert (answer.status_code, answer.content) == (200, content), headers
    same = await files.content(file, visit.patient, Range="bytes=0-1", **{"If-Range": etag})
    assert same.content == content[:2]
    beyond = await files.content(file, visit.patient, Range=f"bytes={length}-")
    assert code_of(beyond) == (416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{length}"
    head = await files.api.send("HEAD", f"/v1/files/{file['id']}/content", visit.patient)
    assert (head.content, head.headers["content-length"]) == (b"", str(length))


async def test_a_photo_is_shown_to_everybody_in_three_sizes(files: Files) -> None:
    visit = await a_visit(files.api)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    content = a_picture("JPEG", (1600, 1200), exif=exif)
    photo = await files.stored(
        "doctor_photo", visit.doctor, visit.doctor_account, content, "image/jpeg"
    )
    doctor = (await files.api.get(f"/v1/doctors/{visit.doctor['id']}")).json()
    assert doctor["photo_url"] == photo["image_url"] == f"{SITE}/v1/images/{photo['id']}"
    assert doctor["version"] == visit.doctor["version"] + 1
    path = doctor["photo_url"].removeprefix(SITE)
    for query, side in (("", 768), ("?size=medium", 256), ("?size=small", 96)):
        answer = await files.api.send("GET", path + query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        picture = Image.open(io.BytesIO(answer.content))
        # Upright: the camera was held on its side.
        assert picture.size == (side * 3 // 4, side)
        assert not picture.getexif()
        tag = {"If-None-Match": answer.headers["etag"]}
        kept = await files.api.send("GET", path + query, headers=tag)
        assert (kept.status_code, kept.content) == (304, b"")
    # No private way leads to it, and no other picture to a private file.
    assert code_of(await files.content(photo, visit.admin)) == (404, "not_found")
    paper = await files.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    assert code_of(await files.api.get(f"/v1/images/{paper['id']}")) == (404, "not_found")

    second = await files.stored(
        "doctor_photo", visit.doctor, visit.admin, a_picture("PNG", mode="RGBA"), "image/png"
    )
    doctor = (await files.api.get(f"/v1/doctors/{visit.doctor['id']}")).json()
    assert doctor["photo_url"] == second["image_url"]
    assert code_of(await files.api.get(path)) == (404, "not_found")
    # What was replaced can be brought back, once its place is free.
    first = f"/v1/files/{photo['id']}"
    assert code_of(await files.api.post(f"{first}/restore", None, visit.admin)) == (
        409,
        "restore_conflict",
    )
    gone = await files.api.send("DELETE", f"/v1/files/{second['id']}", visit.admin)
    assert gone.status_code == 204
    doctor = (await files.api.get(f"/v1/doctors/{visit.doctor['id']}")).json()
    assert doctor["photo_url"] is None
    assert (await files.api.post(f"{first}/restore", None, visit.admin)).status_code == 200
    doctor = (await files.api.get(f"/v1/doctors/{visit.doctor['id']}")).json()
    assert doctor["photo_url"] == photo["image_url"]
    # Thirty days later the other one is gone for good.
    await files.work(second["id"])
    assert await files.row(second["id"]) is None
    assert sum("/small" in key for key in await files.keys()) == 1
