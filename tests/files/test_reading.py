"""Who reads what, by what link, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from booking_system.files.application.check_upload import LEASE
from booking_system.files.application.sweep import DoDue
from booking_system.files.domain.stored_file import Fault
from booking_system.platform.http.idempotency import HEADER
from booking_system.platform.http.input import BodyLimit
from tests.api import Person, code_of
from tests.client import SITE
from tests.files.conftest import a_visit
from tests.files.sending import PDF, Files, a_picture
from tests.notifications.office import ShiftedClock

DOCUMENT = "booking_document"
ABSENT = (404, "not_found")


async def by_link(files: Files, url: str) -> tuple[int, str | None]:
    return code_of(await files.api.get(url.removeprefix(SITE)))


async def link_of(files: Files, file_id: str, by: Person) -> str:
    url: str = (await files.api.get(f"/v1/files/{file_id}", by)).json()["download_url"]
    return url


async def test_a_link_ends_with_its_time_its_session_and_the_right_of_its_reader(
    disk: Files,
) -> None:
    api, visit = disk.api, await a_visit(disk.api)
    file = await disk.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    url = await link_of(disk, file["id"], visit.receptionist)
    assert await by_link(disk, url) == (200, None)
    # Five minutes later, by the clock of who made it.
    old = replace(api.container.files.links(), clock=ShiftedClock(timedelta(minutes=-6)))
    read = api.container.files.links().read_of(url.rpartition("/")[2])
    assert read is not None
    actor = await api.container.files.byte_routes().read.actor(read.user_id, read.session_id)
    expired, _ = old.reading(read.file_id, actor)
    assert await by_link(disk, expired) == ABSENT
    # A changed link, sign by sign, and a link for something else.
    token = url.rpartition("/")[2]
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        assert await by_link(disk, f"/v1/downloads/{changed}") == ABSENT, place
        assert await by_link(disk, f"/v1/downloads/{token[:place]}") == ABSENT
    assert (
        await disk.put({"method": "PUT", "url": f"{SITE}/v1/uploads/{token}", "headers": {}}, PDF)
    ) == 404
    # The role is taken away: neither the link nor the token reads anything.
    async with api.container.database().driver_transaction() as connection:
        sql = "DELETE FROM role_grants WHERE user_id = $1"
        await connection.execute(sql, visit.receptionist.user_id)
    assert await by_link(disk, url) == ABSENT
    # The session is ended: the patient's link is over with it.
    url = await link_of(disk, file["id"], visit.patient)
    assert await by_link(disk, url) == (200, None)
    assert (await api.post("/v1/auth/sign-out", None, visit.patient)).status_code == 204
    assert await by_link(disk, url) == ABSENT
    assert code_of(await disk.content(file, visit.patient)) == (401, "unauthenticated")


async def test_strangers_see_nothing_of_a_document(disk: Files) -> None:
    api, visit = disk.api, await a_visit(disk.api)
    other = await a_visit(api)
    file = await disk.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    colleague = await api.doctor_account(await api.doctor(visit.clinic))
    strangers = [other.patient, other.admin, other.receptionist, other.doctor_account]
    for by in (*strangers, colleague, api.admin):
        at = f"/v1/files/{file['id']}"
        for answer in (
            await api.get(at, by),
            await disk.content(file, by),
            await api.send("DELETE", at, by),
            await api.post(f"{at}/complete", None, by),
            await api.get(f"/v1/bookings/{visit.booking['id']}/files", by),
            await disk.announce(DOCUMENT, visit.booking, by, PDF),
        ):
            assert code_of(answer) == ABSENT
    # Before it is there nobody but who sends it knows of it; who sees it may not delete it.
    begun = (await disk.announce(DOCUMENT, visit.booking, visit.patient, PDF)).json()
    for by in (visit.admin, visit.doctor_account, visit.receptionist):
        assert code_of(await api.get(f"/v1/files/{begun['id']}", by)) == ABSENT
    for by in (visit.doctor_account, visit.receptionist):
        answer = await api.send("DELETE", f"/v1/files/{file['id']}", by)
        assert code_of(answer) == (403, "forbidden")
    # Pictures: who may not change the doctor or the clinic is told so.
    for purpose, owner in (("doctor_photo", visit.doctor), ("clinic_logo", visit.clinic)):
        for by in (visit.patient, visit.receptionist, other.admin, colleague):
            answer = await disk.announce(purpose, owner, by, PDF, "image/png")
            assert code_of(answer) == (403, "forbidden")
        nothing = await disk.announce(purpose, visit.booking, visit.admin, PDF, "image/png")
        assert code_of(nothing) == ABSENT


async def test_a_deleted_document_is_nobodys_until_it_is_brought_back(disk: Files) -> None:
    api, visit = disk.api, await a_visit(disk.api)
    file = await disk.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    url, at = await link_of(disk, file["id"], visit.doctor_account), f"/v1/files/{file['id']}"
    assert (await api.send("DELETE", at, visit.admin)).status_code == 204
    assert await by_link(disk, url) == ABSENT
    for by in (visit.patient, visit.admin, visit.doctor_account):
        assert code_of(await api.get(at, by)) == ABSENT
        assert code_of(await disk.content(file, by)) == ABSENT
    assert code_of(await api.post(f"{at}/restore", None, visit.doctor_account)) == ABSENT
    assert await disk.used() == len(PDF), "it is kept, so it counts"
    # Thirty days are not over: nothing is due.
    await api.container.files.job().once()
    assert (await api.post(f"{at}/restore", None, visit.patient)).status_code == 200
    assert await by_link(disk, url) == (200, None)
    async with api.container.database().reading() as connection:
        told = await connection.fetch(
            "SELECT name, payload FROM outbox WHERE name LIKE 'file.%' ORDER BY n"
        )
    names = [row["name"] for row in told]
    assert names == ["file.added", "file.removed", "file.added"]
    assert all("report" not in row["payload"] for row in told)
    # Its ten years are over: it is gone with its bytes, and told of.
    await disk.set(file["id"], "due_at = now()")
    await api.container.files.job().once()
    assert (await disk.keys(), await disk.row(file["id"]), await disk.used()) == (set(), None, 0)


async def test_what_is_restored_is_not_removed_and_what_is_being_removed_not_restored(
    disk: Files,
) -> None:
    api, visit = disk.api, await a_visit(disk.api)
    file = await disk.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    at = f"/v1/files/{file['id']}"
    assert (await api.send("DELETE", at, visit.patient)).status_code == 204
    # A worker whose clock is a month ahead takes it, and somebody brings it back meanwhile.
    due: DoDue = api.container.files.job().due
    now = datetime.now(UTC) + timedelta(days=31)
    (claim,) = await due.queue.claim(None, now=now, until=now + LEASE, most=1)
    assert (await api.post(f"{at}/restore", None, visit.patient)).status_code == 200
    await due._remove(claim)
    assert (await disk.row(file["id"]) or {})["deleted_at"] is None

    # Thirty days are over, and nobody has removed it yet.
    assert (await api.send("DELETE", at, visit.patient)).status_code == 204
    await disk.set(file["id"], "deleted_at = now() - interval '30 days'")
    assert code_of(await api.post(f"{at}/restore", None, visit.patient)) == ABSENT


async def test_there_is_room_for_so_much_and_no_more(disk: Files) -> None:
    api, visit = disk.api, await a_visit(disk.api)
    most = api.container.files.begin().most_bytes
    file = await disk.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    storage = f"/v1/clinics/{visit.clinic['id']}/storage"
    shown = (await api.get(storage, visit.admin)).json()
    assert shown == {"used_bytes": len(PDF), "most_bytes": most}
    async with api.container.database().driver_transaction() as connection:
        await connection.execute("UPDATE clinic_storage SET used_bytes = $1", most - len(PDF))
    fits = await disk.announce(DOCUMENT, visit.booking, visit.patient, PDF)
    assert fits.status_code == 201
    full = await disk.announce(DOCUMENT, visit.booking, visit.patient, b"x")
    assert code_of(full) == (409, "file_storage_full")
    async with api.container.database().driver_transaction() as connection:
        await connection.execute("UPDATE clinic_storage SET used_bytes = $1", 2 * len(PDF))
        # As many of one booking as there may be.
        await connection.execute(
            "INSERT INTO files SELECT c.* FROM files t, generate_series(1, 48) n,"
            " jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'upload_key',"
            " 'quarantine/00/' || n, 'served_key', 'served/00/' || n)) c WHERE t.id = $1",
            file["id"],
        )
    many = await disk.announce(DOCUMENT, visit.booking, visit.patient, PDF)
    assert code_of(many) == (409, "file_storage_full")
    # What came to nothing gives its room back.
    await disk.work(fits.json()["id"])
    assert await disk.used() == len(PDF)
    pages = f"/v1/bookings/{visit.booking['id']}/files"
    found, query = [], "?limit=20"
    while query:
        page = (await api.send("GET", pages + query, visit.patient)).json()
        found += [one["id"] for one in page["items"]]
        query = page["next_cursor"] and f"?limit=20&cursor={page['next_cursor']}"
    assert len(found) == len(set(found)) == 49


async def test_a_request_that_is_sent_again_makes_one_file(disk: Files) -> None:
    visit = await a_visit(disk.api)
    key = {HEADER: "a-file-that-is-announced"}
    body = {
        "purpose": DOCUMENT,
        "owner_id": visit.booking["id"],
        "filename": "report.pdf",
        "content_type": "application/pdf",
        "size": len(PDF),
    }
    first, again = [
        await disk.api.post("/v1/files", body, visit.patient, headers=key) for _ in range(2)
    ]
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    # The address is good in either answer.
    assert await disk.put(again.json()["upload"], PDF) == 204
    assert (await disk.complete(first.json()["id"], visit.patient)).json()["state"] == "ready"


async def test_an_address_for_bytes_ends_and_takes_nothing_else(disk: Files) -> None:
    visit = await a_visit(disk.api)
    begun = (await disk.announce(DOCUMENT, visit.booking, visit.patient, PDF)).json()
    url, token = begun["upload"]["url"], begun["upload"]["url"].rpartition("/")[2]
    for place in range(0, len(token), 5):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        upload = {**begun["upload"], "url": url.replace(token, changed)}
        assert await disk.put(upload, PDF) == 404, place
    path = url.removeprefix(SITE)
    packed = await disk.api.client.request(
        "PUT", path, content=PDF, headers={"Content-Encoding": "gzip"}
    )
    assert code_of(packed) == (415, "unsupported_media_type")
    claimed = {"Content-Length": str(200 * 2**20)}
    large = await disk.api.client.request("PUT", path, content=b"x", headers=claimed)
    assert code_of(large) == (413, "body_too_large")
    assert await disk.keys() == set()
    await disk.set(begun["id"], "expires_at = now()")
    assert await disk.put(begun["upload"], PDF) == 409


async def test_bytes_that_do_not_come_in_time_are_given_up(
    disk: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await a_visit(disk.api)
    begun = (await disk.announce(DOCUMENT, visit.booking, visit.patient, PDF)).json()
    for route in disk.api.app.router.routes:
        if getattr(route, "path", "").startswith("/v1/uploads/"):
            monkeypatch.setattr(route, "body_limit", BodyLimit(most_bytes=1000, seconds=0.01))

    async def trickling() -> AsyncIterator[bytes]:
        yield PDF[:9]
        await asyncio.Event().wait()

    path, length = begun["upload"]["url"].removeprefix(SITE), str(len(PDF))
    headers = {"Content-Length": length}
    late = await disk.api.client.request("PUT", path, content=trickling(), headers=headers)
    assert code_of(late) == (400, "malformed_request")
    assert await disk.keys() == set()


async def test_by_a_link_nothing_is_read_behind_the_end(disk: Files) -> None:
    visit = await a_visit(disk.api)
    file = await disk.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    path = (await link_of(disk, file["id"], visit.patient)).removeprefix(SITE)
    beyond = await disk.api.client.request("GET", path, headers={"Range": f"bytes={len(PDF)}-"})
    assert code_of(beyond) == (416, "range_not_satisfiable")


async def test_without_a_free_connection_addresses_that_hold_say_so(
    disk: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = await a_visit(disk.api)
    file = await disk.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    read = await link_of(disk, file["id"], visit.patient)
    begun = (await disk.announce(DOCUMENT, visit.booking, visit.patient, PDF)).json()
    monkeypatch.setattr("booking_system.platform.postgres.leases.WAIT_SECONDS", 0.01)
    leases = disk.api.container.leases()
    async with AsyncExitStack() as held:
        for _ in range(leases.size):
            await held.enter_async_context(leases.leased())
        assert await by_link(disk, read) == (503, "overloaded")
        assert await disk.put(begun["upload"], PDF) == 503
    assert await by_link(disk, read) == (200, None)


async def test_a_photo_of_a_doctor_who_has_gone_is_not_shown(disk: Files) -> None:
    api, visit = disk.api, await a_visit(disk.api)
    doctor, photo = await api.doctor(visit.clinic), a_picture("PNG")
    begun = (await disk.announce("doctor_photo", doctor, visit.admin, photo, "image/png")).json()
    assert await disk.put(begun["upload"], photo) == 204
    gone = await api.send("DELETE", f"/v1/doctors/{doctor['id']}", visit.admin)
    assert gone.status_code == 204
    answer = await disk.complete(begun["id"], visit.admin)
    assert (answer.status_code, answer.json()["detail"]) == (422, Fault.OWNER_GONE.detail)
    assert await disk.keys() == set()
    # Nor is a document shown to everybody by the address of pictures.
    document = await disk.stored(DOCUMENT, visit.booking, visit.patient, PDF)
    assert code_of(await api.get(f"/v1/images/{document['id']}")) == ABSENT


async def test_a_logo_belongs_to_its_clinic(disk: Files) -> None:
    api, visit = disk.api, await a_visit(disk.api)
    logo = await disk.stored(
        "clinic_logo", visit.clinic, visit.admin, a_picture("PNG", mode="RGBA"), "image/png"
    )
    at = f"/v1/clinics/{visit.clinic['id']}"
    assert (await api.get(at)).json()["logo_url"] == logo["image_url"]
    # The service has another address: those of its pictures begin with it.
    readdress = api.container.files.files().readdress
    assert await readdress("https://new.example.net", "/v1/images/") == 1
    assert await readdress("https://new.example", "/v1/images/") == 1
    clinic = (await api.get(at)).json()
    assert clinic["logo_url"] == f"https://new.example/v1/images/{logo['id']}"
    assert await readdress("https://new.example", "/v1/images/") == 0
    assert (await api.send("DELETE", f"/v1/files/{logo['id']}", visit.admin)).status_code == 204
    assert (await api.get(at)).json()["logo_url"] is None
