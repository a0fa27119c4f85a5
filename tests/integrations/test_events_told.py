"""Every change that somebody may follow is told, once, by the transaction that makes it."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import booking_system
from booking_system.platform.http.event_kinds import kinds
from booking_system.platform.postgres.feed import Relay
from tests.api import START, Api, Person, document_of_all
from tests.walk.place import Place
from tests.walk.steps import walk

Made = dict[str, Any]
SOURCES = Path(booking_system.__file__).parent
NAME = re.compile(r"[a-z_]+\.[a-z_]+")
PERSONAL = ("name", "email", "phone", "reason", "birth", "address", "locale")


def written() -> Iterator[str]:
    """The names of all events that the sources define."""
    for path in SOURCES.rglob("*.py"):
        text = path.read_text()
        # To parse all files takes two seconds.
        if not re.search(r"\bname\s*:", text):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                for one in node.body:
                    if isinstance(one, ast.AnnAssign) and ast.unparse(one.target) == "name":
                        value = getattr(one.value, "value", None)
                        if isinstance(value, str) and NAME.fullmatch(value):
                            yield value


def test_the_table_has_every_event_that_is_written_anywhere() -> None:
    table = [kind.name for kind in kinds()]
    assert sorted(written()) == table
    document = document_of_all()
    told = document["components"]["schemas"]["Event"]
    assert told["discriminator"]["mapping"].keys() == {*table} - {"webhook.ping"}
    assert document["webhooks"].keys() == {*table}
    inserting = [
        path.name
        for path in SOURCES.rglob("*.py")
        if re.search(r"insert\(outbox", path.read_text())
    ]
    assert inserting == ["outbox.py"]


CODES = {"currency"}
"""Texts that are words of a standard, and nothing that a person writes."""


def test_no_event_has_a_field_for_what_a_person_says_or_is() -> None:
    schemas = document_of_all()["components"]["schemas"]
    for kind in kinds():
        reference = document_of_all()["webhooks"][kind.name]["post"]["requestBody"]["content"]
        data = reference["application/json"]["schema"]["properties"]["data"]["$ref"]
        for field, stated in schemas[data.rpartition("/")[2]]["properties"].items():
            schema = schemas[stated["$ref"].rpartition("/")[2]] if "$ref" in stated else stated
            is_free_text = schema.get("type") == "string" and not {"format", "enum"} & schema.keys()
            assert not is_free_text or field in CODES, (kind.name, field)
            assert not field.endswith(PERSONAL) or "enum" in schema, (kind.name, field)


async def relayed(api: Api) -> None:
    await Relay(database=api.container.database()).once()


class Ear:
    """Hears what is told of one clinic, behind what was heard before."""

    def __init__(self, api: Api, admin: Person, clinic_id: str) -> None:
        self.api, self.admin, self.clinic_id = api, admin, clinic_id
        self.after = 0

    async def hears(self) -> list[tuple[str, Made]]:
        await relayed(self.api)
        query: dict[str, Any] = {"clinic_id": self.clinic_id, "after": self.after, "limit": 200}
        page = (await self.api.get("/v1/events", self.admin, **query)).json()
        self.after = page["next_after"]
        return [(one["name"], one["data"]) for one in page["items"]]

    async def names(self) -> list[str]:
        return [name for name, _ in await self.hears()]


async def listening(api: Api, **about: Any) -> tuple[Made, Ear]:
    clinic = await api.clinic(**about)
    ear = Ear(api, await api.clinic_admin(clinic["id"]), clinic["id"])
    assert await ear.names() == ["clinic.created"]
    return clinic, ear


async def test_the_directory_tells_what_readers_keep_copies_of(api: Api) -> None:
    clinic, ear = await listening(api)
    here = f"/v1/clinics/{clinic['id']}"
    await api.send("PATCH", here, api.admin, json={"name": "Other"})
    assert await ear.hears() == [("clinic.changed", {"clinic_id": clinic["id"], "version": 2})]
    doctor = await api.doctor(clinic)
    one = f"/v1/doctors/{doctor['id']}"
    await api.send("PATCH", one, api.admin, json={"title": "Dr."})
    about = {"clinic_id": clinic["id"], "doctor_id": doctor["id"]}
    assert await ear.hears() == [
        ("doctor.created", about | {"version": 1}),
        ("doctor.changed", about | {"version": 2}),
    ]
    service = await api.service(clinic, doctor_ids=[doctor["id"]])
    it = f"/v1/services/{service['id']}"
    await api.send("PATCH", it, api.admin, json={"duration_minutes": 45})
    await api.send("DELETE", it, api.admin)
    await api.post(f"{it}/restore", None, api.admin)
    told = await ear.hears()
    assert [name for name, _ in told] == [
        f"service.{what}" for what in ("created", "changed", "removed", "restored")
    ]
    assert [data["version"] for _, data in told] == [1, 2, 3, 4]
    assert {data["service_id"] for _, data in told} == {service["id"]}
    await api.send("DELETE", one, api.admin)
    await api.post(f"{one}/restore", None, api.admin)
    assert await ear.names() == [
        "doctor.removed",
        "calendar.changed",
        "doctor.restored",
        "calendar.changed",
    ]
    await api.send("DELETE", here, api.admin)
    await api.post(f"{here}/restore", None, api.admin)
    assert await ear.names() == [
        "clinic.removed",
        "calendar.changed",
        "clinic.restored",
        "calendar.changed",
    ]


async def test_staff_come_and_go(api: Api) -> None:
    clinic, ear = await listening(api)
    path = f"/v1/clinics/{clinic['id']}/staff"
    person = {"full_name": "Example Person", "email": "staff@example.com", "role": "receptionist"}
    made = await api.made(path, person | {"password": "three quiet otters"})
    user_id = made["user_id"]
    await api.send("DELETE", f"{path}/{user_id}", api.admin)
    about = {"clinic_id": clinic["id"], "user_id": user_id}
    assert await ear.hears() == [
        ("staff.added", about | {"role": "receptionist", "doctor_id": None}),
        ("staff.removed", about),
    ]
    invited = await api.made(path, person | {"email": "other@example.com"})
    token = invited["accept_url"].rpartition("#")[2].rpartition("=")[2]
    accepted = await api.post(
        "/v1/invitations/accept", {"token": token, "password": "three quiet otters"}
    )
    assert accepted.status_code < 300, accepted.text
    assert await ear.names() == ["invitation.made", "staff.added"]


async def test_a_hand_that_changes_slots_is_told_slot_by_slot(api: Api) -> None:
    clinic, ear = await listening(api)
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 3)
    one = f"/v1/slots/{slots[0]['id']}"
    for method, path in (
        ("POST", f"{one}/close"),
        ("POST", f"{one}/close"),
        ("POST", f"{one}/reopen"),
        ("POST", f"{one}/reopen"),
        ("DELETE", one),
    ):
        assert (await api.send(method, path, api.admin)).is_success
    _, *told = await ear.hears()
    assert [name for name, _ in told] == [
        "slot.opened",
        "slot.closed",
        "slot.opened",
        "slot.closed",
    ]
    offered, closed, opened, deleted = (data for _, data in told)
    assert offered["time_slot_ids"] == [slot["id"] for slot in slots]
    assert offered["starts_at"] == slots[0]["starts_at"]
    assert offered["ends_at"] == slots[-1]["ends_at"]
    assert [one["version"] for one in (offered, closed, opened, deleted)] == [1, 2, 3, 4]
    assert (closed["deleted"], deleted["deleted"]) == (False, True)


async def test_a_change_of_hours_is_a_few_events_however_many_slots_follow(api: Api) -> None:
    clinic, ear = await listening(api, policy={"horizon_days": 180})
    doctor = await api.doctor(clinic)
    body = {
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "start_time": "08:00",
        "end_time": "16:00",
        "slot_minutes": 30,
        "valid_from": START.date().isoformat(),
    }
    rule = await api.made(f"/v1/doctors/{doctor['id']}/availability", body)
    assert rule["generated_slots"] > 2_000
    _, *told = await ear.hears()
    assert {name for name, _ in told} == {"calendar.changed"}
    assert {data["because"] for _, data in told} == {"hours"}
    assert 0 < len(told) < 10
    async with api.container.database().reading() as connection:
        (row,) = await connection.fetch(
            "SELECT min(starts_at) AS first, max(ends_at) AS last FROM time_slots"
        )
    assert min(data["starts_at"] for _, data in told) == _text(row["first"])
    assert max(data["ends_at"] for _, data in told) == _text(row["last"])
    path = f"/v1/availability/{rule['id']}"
    assert (await api.send("PATCH", path, api.admin, json={"slot_minutes": 20})).is_success
    assert 0 < len(await ear.hears()) < 15
    assert (await api.send("DELETE", path, api.admin)).is_success
    assert 0 < len(await ear.hears()) < 15


def _text(at: Any) -> str:
    return str(at.isoformat().replace("+00:00", "Z"))


async def test_absences_tell_whose_calendar_changed_and_when(api: Api) -> None:
    clinic, ear = await listening(api)
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 4)
    await ear.hears()
    path = f"/v1/doctors/{doctor['id']}/time-off"
    half = {"starts_at": slots[0]["starts_at"], "ends_at": slots[1]["ends_at"]}
    made = await api.made(path, half)
    about = {"clinic_id": clinic["id"], "doctor_id": doctor["id"], "because": "time_off"}
    assert await ear.hears() == [("calendar.changed", about | half)]
    more = {"starts_at": slots[1]["starts_at"], "ends_at": slots[2]["ends_at"]}
    await api.send("PATCH", f"/v1/time-off/{made['id']}", api.admin, json=more)
    told = [data for _, data in await ear.hears()]
    assert {one["starts_at"] for one in told} == {slots[0]["starts_at"], slots[2]["starts_at"]}
    await api.send("DELETE", f"/v1/time-off/{made['id']}", api.admin)
    assert await ear.hears() == [("calendar.changed", about | more)]
    closures = f"/v1/clinics/{clinic['id']}/closures"
    closed = await api.made(closures, {"dates": [START.date().isoformat()]})
    ((name, data),) = await ear.hears()
    assert (name, data["doctor_id"], data["because"]) == ("calendar.changed", None, "closure")
    await api.send("DELETE", f"{closures}/{closed['items'][0]['id']}", api.admin)
    ((name, data),) = await ear.hears()
    assert (name, data["doctor_id"]) == ("calendar.changed", None)
    # What closes nothing changes no calendar.
    far = (START + timedelta(days=40)).isoformat()
    await api.made(path, {"starts_at": far, "ends_at": (START + timedelta(days=41)).isoformat()})
    assert await ear.hears() == []


async def test_a_hold_is_told_from_its_beginning_to_its_end(api: Api) -> None:
    clinic, ear = await listening(api)
    slots = await api.slots(await api.doctor(clinic), 2)
    await ear.hears()
    patient = await api.patient()
    first = await api.made("/v1/holds", {"time_slot_id": slots[0]["id"]}, patient)
    await api.send("DELETE", f"/v1/holds/{first['id']}", patient)
    second = await api.made("/v1/holds", {"time_slot_id": slots[1]["id"]}, patient)
    await api.book(slots[1], patient, hold_id=second["id"])
    await api.book(slots[0], await api.patient())
    held, released, again, booked, without = await ear.hears()
    assert [one[0] for one in (held, released, again, booked, without)] == [
        "slot.held",
        "slot.released",
        "slot.held",
        "booking.created",
        "booking.created",
    ]
    assert held[1]["hold_id"] == released[1]["hold_id"] == first["id"]
    assert held[1]["until"] == first["expires_at"]
    assert (held[1]["starts_at"], held[1]["ends_at"]) == (
        slots[0]["starts_at"],
        slots[0]["ends_at"],
    )
    assert booked[1]["hold_id"] == again[1]["hold_id"] == second["id"]
    assert without[1]["hold_id"] is None
    assert "patient_id" not in held[1]


async def test_what_was_refused_is_told_to_nobody(api: Api) -> None:
    clinic, ear = await listening(api)
    doctor = await api.doctor(clinic)
    (slot,) = await api.slots(doctor)
    await api.book(slot, await api.patient())
    await ear.hears()
    for method, path, body in (
        ("DELETE", f"/v1/doctors/{doctor['id']}", None),
        ("DELETE", f"/v1/clinics/{clinic['id']}", None),
        ("POST", f"/v1/slots/{slot['id']}/close", None),
        ("PATCH", f"/v1/clinics/{clinic['id']}", {"time_zone": "Asia/Kolkata"}),
    ):
        answer = await api.send(method, path, api.admin, json=body)
        assert answer.status_code == 409, (path, answer.text)
    assert await ear.hears() == []


async def test_every_event_of_a_walk_is_as_the_document_says(api: Api) -> None:
    """Each answer is held against the document, which types what an event tells by its name."""
    place = await Place.of(api, 5)
    await walk(place, 25)
    await relayed(api)
    admin, after, names = await api.platform_admin(), 0, set[str]()
    while items := (await api.get("/v1/events", admin, after=after, limit=200)).json()["items"]:
        names |= {one["name"] for one in items}
        after = items[-1]["seq"]
    assert names <= {kind.name for kind in kinds()}
    assert len(names) > 8
