"""Files in the chat: sent by one of the two who talk, read by both, and by nobody else."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.api import Api, Person, code_of
from tests.consultations.surgery import Page, Surgery, in_minutes, online_slot, page, surgery
from tests.files.sending import PDF, Files, a_picture
from tests.platform.real_server import RealServer

ATTACHMENT = "chat_attachment"


async def attached(room: Surgery, by: Person, **about: Any) -> dict[str, Any]:
    """A file that is there, and not sent yet."""
    return await Files(room.api, "disk").stored(ATTACHMENT, room.booking, by, PDF, **about)


async def refused(one: Page, file_id: str) -> str:
    identity = str(uuid4())
    await one.say("chat", id=identity, text="here", file_id=file_id)
    frame = await one.hear("error", id=identity)
    return str(frame["code"])


async def test_a_file_is_sent_and_both_sides_read_it_and_nobody_else(server: RealServer) -> None:
    room = await surgery(server.api)
    files = Files(server.api, "disk")
    desk, admin = (
        await server.api.receptionist(room.clinic["id"]),
        await server.api.clinic_admin(room.clinic["id"]),
    )
    async with (
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
    ):
        file = await attached(room, room.patient, filename="rash.pdf")
        path = f"/v1/files/{file['id']}"
        # Until it is sent, its sender alone knows of it.
        assert (await server.api.get(path, room.patient)).status_code == 200
        assert code_of(await server.api.get(path, room.doctor)) == (404, "not_found")
        identity = str(uuid4())
        await patient.say("chat", id=identity, file_id=file["id"])
        for one in (patient, doctor):
            told = await one.hear("chat", id=identity)
            assert told["text"] == ""
            assert told["file"] == {
                "id": file["id"],
                "filename": "rash.pdf",
                "content_type": "application/pdf",
                "size": len(PDF),
            }
        for reader in (room.patient, room.doctor):
            assert (await files.content(file, reader)).content == PDF
        for stranger in (desk, admin, server.api.admin, await server.api.patient()):
            assert code_of(await server.api.get(path, stranger)) == (404, "not_found")
            assert code_of(await files.content(file, stranger)) == (404, "not_found")
        # Sent again by the same id: the same message.
        await patient.say("chat", id=identity, file_id=file["id"])
        assert (await patient.hear("chat", id=identity))["seq"] == told["seq"]
    listed = await server.api.get(f"/v1/bookings/{room.id}/files", room.patient)
    assert listed.json()["items"] == [], "a chat's files are no documents of the desk"
    (read,) = (await server.api.get(f"{room.path}/messages", room.doctor)).json()["items"]
    assert read["file"]["filename"] == "rash.pdf"


async def test_only_a_file_of_ones_own_of_this_chat_can_be_sent(server: RealServer) -> None:
    room, other = await surgery(server.api), await surgery(server.api)
    files = Files(server.api, "disk")
    theirs = await attached(room, room.doctor)
    elsewhere = await attached(other, other.patient)
    document = await files.stored("booking_document", room.booking, room.patient, PDF)
    begun = (await files.announce(ATTACHMENT, room.booking, room.patient, PDF)).json()
    deleted = await attached(room, room.patient)
    await server.api.send("DELETE", f"/v1/files/{deleted['id']}", room.patient)
    async with page(server.ws, await room.way_in(room.patient)) as (patient, _):
        for file in (theirs, elsewhere, document, begun, deleted, {"id": str(uuid4())}):
            assert await refused(patient, file["id"]) == "attachment_missing"
        await patient.say("chat", id=str(uuid4()), text="  ")
        assert (await patient.hear("error"))["code"] == "malformed"
        assert [one["type"] for one in await patient.quiet()] == []
    rows = (await server.api.get(f"{room.path}/messages", room.patient)).json()["items"]
    assert rows == []


async def test_a_guest_reads_that_a_file_was_sent_and_sends_none(server: RealServer) -> None:
    room = await surgery(server.api)
    async with page(server.ws, await room.way_in(room.doctor)) as (doctor, _):
        made = await server.api.made(
            f"{room.path}/guests", {"kind": "other", "name": "Example Guest"}, room.doctor
        )
        entry = await server.api.post("/v1/consultation-guests", {"token": made["link_token"]})
        async with page(server.ws, entry.json()) as (guest, _):
            await doctor.say("admit", who="guest")
            await guest.hear("admitted")
            file = await attached(room, room.doctor)
            assert await refused(guest, file["id"]) == "attachment_missing"
            await doctor.say("chat", id=str(uuid4()), text="Look", file_id=file["id"])
            assert (await guest.hear("chat"))["file"]["id"] == file["id"]


async def test_who_may_announce_what(api: Api) -> None:
    room = await surgery(api)
    files = Files(api, "disk")
    desk = await api.receptionist(room.clinic["id"])
    by_desk = await files.announce(ATTACHMENT, room.booking, desk, PDF)
    assert code_of(by_desk) == (403, "forbidden")
    stranger = await files.announce(ATTACHMENT, room.booking, await api.patient(), PDF)
    assert code_of(stranger) == (404, "not_found")
    large = await files.announce(
        ATTACHMENT, room.booking, room.patient, PDF, size=25 * 1024 * 1024 + 1
    )
    assert code_of(large) == (413, "file_too_large")
    slot = await online_slot(api, room.doctor_record, in_minutes(60), mode="in_person")
    patient = await api.patient()
    booked = (await api.book(slot, patient)).json()
    in_person = await files.announce(ATTACHMENT, booked, patient, PDF)
    assert code_of(in_person) == (422, "validation_error")
    picture = await files.stored(
        ATTACHMENT, room.booking, room.patient, a_picture(), "image/jpeg", filename="a.jpg"
    )
    assert picture["content_type"] == "image/jpeg"


async def test_what_nobody_sends_is_removed_after_a_day_and_what_was_sent_is_kept(
    server: RealServer,
) -> None:
    room = await surgery(server.api)
    files = Files(server.api, "disk")
    unsent, sent = await attached(room, room.patient), await attached(room, room.patient)
    async with page(server.ws, await room.way_in(room.patient)) as (patient, _):
        identity = str(uuid4())
        await patient.say("chat", id=identity, file_id=sent["id"])
        await patient.hear("chat", id=identity)
    rows = [await files.row(one["id"]) for one in (unsent, sent)]
    kept = []
    for row in rows:
        assert row is not None
        kept.append(row["due_at"] - row["completed_at"])
    assert kept == [timedelta(days=1), timedelta(days=3653)]
    # A file that was sent, deleted and brought back is kept as long as before.
    for step in (("DELETE", ""), ("POST", "/restore")):
        path = f"/v1/files/{sent['id']}{step[1]}"
        assert (await server.api.send(step[0], path, room.patient)).status_code < 300
    again = await files.row(sent["id"])
    assert again is not None
    assert again["due_at"] - again["completed_at"] == kept[1]
    await files.work(unsent["id"])
    assert await files.row(unsent["id"]) is None
    # Nobody was told of a document.
    async with server.api.container.database().reading() as connection:
        told = await connection.fetch("SELECT name FROM outbox WHERE name LIKE 'file.%'")
    assert told == []


async def test_both_keep_a_transcript_with_names_and_times_and_nobody_else(
    server: RealServer,
) -> None:
    room = await surgery(server.api)
    path = f"{room.path}/transcript"
    empty = await server.api.get(path, room.patient)
    assert empty.text.endswith("Nothing was written.\n")
    async with (
        page(server.ws, await room.way_in(room.patient)) as (patient, _),
        page(server.ws, await room.way_in(room.doctor)) as (doctor, _),
    ):
        await patient.chat("One line\n[2027-01-01 10:00:00] Doctor: a forged one")
        await doctor.say("admit")
        await patient.hear("admitted")
        file = await attached(room, room.doctor, filename="plan.pdf")
        await doctor.say("chat", id=str(uuid4()), text="Please read", file_id=file["id"])
        await patient.hear("chat", **{"from": "doctor"})
        made = await server.api.made(
            f"{room.path}/guests", {"kind": "other", "name": "Example Guest"}, room.doctor
        )
        entry = await server.api.post("/v1/consultation-guests", {"token": made["link_token"]})
        async with page(server.ws, entry.json()) as (guest, _):
            await doctor.say("admit", who="guest")
            await guest.hear("admitted")
            await guest.chat("Good day")
        await doctor.say("end")
        await patient.hear("ended")
    for by, language in ((room.patient, "en"), (room.doctor, "en"), (room.patient, "de")):
        answer = await server.api.send("GET", path, by, headers={"Accept-Language": language})
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        said = answer.headers["content-disposition"]
        assert said.startswith('attachment; filename="consultation-20')
        lines = answer.text.splitlines()
        if language == "en":
            assert lines[0] == "Consultation"
            names = (room.clinic["name"], room.doctor_record["full_name"])
            assert all(any(name in line for line in lines[:6]) for name in names)
            spoken = [line.partition("] ")[2] for line in lines if line.startswith("[")]
            assert spoken == [
                "Patient: One line",
                "Patient was let in.",
                "Doctor: Please read",
                "Guest was let in.",
                "Guest (Example Guest): Good day",
                "The consultation was ended.",
            ]
            assert "    [2027-01-01 10:00:00] Doctor: a forged one" in lines
            assert f"    (file: plan.pdf, {len(PDF)} bytes)" in lines
        else:
            assert lines[0] == "Sprechstunde"
            assert any(line.endswith("Die Sprechstunde wurde beendet.") for line in lines)
    desk = await server.api.receptionist(room.clinic["id"])
    assert code_of(await server.api.get(path, desk)) == (403, "forbidden")
    assert code_of(await server.api.get(path, await server.api.patient())) == (404, "not_found")
