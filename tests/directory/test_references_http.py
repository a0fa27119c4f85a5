"""What other systems call a clinic's records, over HTTP: for its staff alone."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from httpx import Response

from booking_lab.bench.scale.explained import ExplainedDatabase
from booking_system.booking.adapters.noting import PostgresBookingReferences
from booking_system.booking.adapters.reading import PostgresBookingReader
from booking_system.booking.application.ports import BookingSearch, Scope
from booking_system.directory.adapters.public_lists import PostgresPublicLists
from booking_system.directory.adapters.references import PostgresReferences
from booking_system.directory.application.ports import Search
from booking_system.platform.postgres.transaction import SERVER_SETTINGS, Database
from booking_system.shared_kernel.identifiers import ClinicId
from tests.api import Api, Person, code_of

SECRET = "pms-10442-north"
NOTES = {"branch": "north", "Room.2_b-c": "x"}
KINDS = ("doctor", "service", "patient", "booking")


@dataclass
class Connected:
    """A clinic with another system, its staff, and ways to make what that system knows."""

    api: Api
    clinic: dict[str, Any]
    admin: Person
    desk: Person

    @classmethod
    async def of(cls, api: Api) -> "Connected":
        clinic = await api.clinic()
        admin, desk = await api.clinic_admin(clinic["id"]), await api.receptionist(clinic["id"])
        return cls(api, clinic, admin, desk)

    async def make(self, kind: str, **about: Any) -> Response:
        """Make one, as staff who may."""
        of_clinic = f"/v1/clinics/{self.clinic['id']}"
        if kind == "doctor":
            body = {"full_name": "Example Doctor"}
            return await self.api.post(f"{of_clinic}/doctors", body | about, self.admin)
        if kind == "service":
            body = {"name": "Example Service", "duration_minutes": 30, "doctor_ids": []}
            return await self.api.post(f"{of_clinic}/services", body | about, self.admin)
        if kind == "patient":
            body = {"clinic_id": self.clinic["id"], "full_name": "Example Patient"}
            return await self.api.post("/v1/patients", body | about, self.desk)
        patient = (await self.make("patient")).json()
        slot = about.pop("slot", None) or await self.api.slot(self.clinic)
        return await self.api.book(slot, self.desk, patient_id=patient["id"], **about)

    async def made(self, kind: str, **about: Any) -> str:
        answer = await self.make(kind, **about)
        assert answer.status_code == 201, answer.text
        identity: str = answer.json()["id"]
        return identity

    def path(self, kind: str, identity: str) -> str:
        prefix = f"/v1/clinics/{self.clinic['id']}" if kind == "patient" else "/v1"
        return f"{prefix}/{kind}s/{identity}/references"

    async def read(self, kind: str, identity: str) -> dict[str, Any]:
        answer = await self.api.get(self.path(kind, identity), self.desk)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def change(self, kind: str, identity: str, **about: Any) -> Response:
        by = self.admin if kind in {"doctor", "service"} else self.desk
        return await self.api.send("PATCH", self.path(kind, identity), by, json=about)

    async def sought(self, kind: str, external_id: str, by: Person | None = None) -> Response:
        path = f"/v1/clinics/{self.clinic['id']}/services" if kind == "service" else f"/v1/{kind}s"
        of_clinic = {} if kind == "service" else {"clinic_id": self.clinic["id"]}
        return await self.api.get(path, by, **of_clinic, external_id=external_id)

    async def found(self, kind: str, external_id: str) -> list[str]:
        answer = await self.sought(kind, external_id, self.desk)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]


def errors_of(answer: Response) -> list[tuple[str, str]]:
    assert code_of(answer) == (422, "validation_error"), answer.text
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_another_system_calls_it_is_kept_found_and_changed(api: Api, kind: str) -> None:
    here = await Connected.of(api)
    one = await here.made(kind, external_id=SECRET, metadata=NOTES)
    bare = await here.made(kind)

    assert await here.read(kind, one) == {"external_id": SECRET, "metadata": NOTES}
    assert await here.read(kind, bare) == {"external_id": None, "metadata": {}}
    assert await here.found(kind, SECRET) == [one]
    assert await here.found(kind, SECRET.upper()) == []

    # What is not named stays, a null removes.
    changed = await here.change(kind, one, metadata={"branch": None, "new": "1", "old": None})
    assert changed.json() == {"external_id": SECRET, "metadata": {"Room.2_b-c": "x", "new": "1"}}
    assert (await here.change(kind, one)).json() == changed.json()
    gone = await here.change(kind, one, external_id=None)
    assert gone.json() == changed.json() | {"external_id": None}
    assert await here.read(kind, one) == gone.json()
    assert await here.found(kind, SECRET) == []
    given = await here.change(kind, bare, external_id="2")
    assert given.json() == {"external_id": "2", "metadata": {}}
    assert await here.found(kind, "2") == [bare]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_id_is_of_one_record_of_its_kind_in_a_clinic(api: Api, kind: str) -> None:
    here, elsewhere = await Connected.of(api), await Connected.of(api)
    one = await here.made(kind, external_id=SECRET)

    refused = await here.make(kind, external_id=SECRET)
    assert code_of(refused) == (409, "external_id_taken")
    assert "alternatives" not in refused.json()
    other = await here.made(kind, external_id="another")
    assert code_of(await here.change(kind, other, external_id=SECRET)) == (409, "external_id_taken")
    assert (await here.read(kind, other))["external_id"] == "another"
    # To say again what it is called changes nothing; of other kinds and clinics it is another id.
    assert code_of(await here.change(kind, one, external_id=SECRET))[0] == 200
    for another in ("booking", "patient", "doctor", "service"):
        # Where there are services, each booking is of one.
        if another != kind and (kind, another) != ("service", "booking"):
            await here.made(another, external_id=SECRET)
    theirs = await elsewhere.made(kind, external_id=SECRET)
    assert await here.found(kind, SECRET) == [one]
    assert await elsewhere.found(kind, SECRET) == [theirs]


async def test_nobody_else_is_shown_any_of_it(api: Api) -> None:
    here = await Connected.of(api)
    noted = {"external_id": SECRET, "metadata": {"branch": SECRET}}
    patient, doctor = await api.patient(), await here.made("doctor", **noted)
    slots = await api.slots({"id": doctor}, 2)
    about = {"patient_id": str(patient.patient_id)}
    # The clinic knows the patient from the booking on, and notes what its system calls them.
    booked = await api.book(slots[0], patient)
    assert code_of(await here.change("patient", about["patient_id"], **noted))[0] == 200
    mine = await api.book(slots[1], here.desk, **about, **noted)
    assert code_of(mine) == (201, None)
    service = await here.made("service", **noted)
    one = f"/v1/bookings/{mine.json()['id']}"
    bystander = await api.receptionist((await api.clinic())["id"])

    shown = [
        booked,
        mine,
        *[
            await api.get(path, by)
            for by in (patient, here.desk, bystander, None)
            for path in (
                f"/v1/doctors/{doctor}",
                "/v1/doctors",
                f"/v1/services/{service}",
                f"/v1/clinics/{here.clinic['id']}/services",
                f"/v1/patients/{patient.patient_id}",
                "/v1/bookings",
                one,
                f"{one}/history",
                f"{one}/references" if by is not here.desk else one,
                "/v1/me",
                f"/v1/clinics/{here.clinic['id']}/day" if by is here.desk else "/v1/me",
            )
        ],
    ]
    assert not [answer.url for answer in shown if SECRET in answer.text]
    async with api.container.database().driver_transaction() as connection:
        told = await connection.fetch("SELECT payload::text FROM outbox")
    assert told
    assert not [row for row in told if SECRET in row[0]]

    for kind in KINDS:
        for by in (patient, bystander, None):
            answer = await here.sought(kind, SECRET, by)
            if kind == "patient" and by is not None:
                assert answer.json()["items"] == []
            else:
                assert answer.status_code == (403 if by else 401), answer.text
            assert SECRET not in answer.text


async def test_a_patient_who_sends_it_is_refused_plainly(api: Api) -> None:
    here = await Connected.of(api)
    slot, patient = await api.slot(here.clinic), await api.patient()
    doctor = await api.doctor(here.clinic)
    for by in (patient, await api.doctor_account(doctor)):
        for noted in ({"external_id": "1"}, {"metadata": {"a": "b"}}):
            about = {"patient_id": str(patient.patient_id)}
            refused = await api.book(slot, by, **about, **noted)
            assert refused.status_code in {403, 404}, refused.text
            if by is patient:
                assert code_of(refused) == (403, "forbidden")
                assert "external_id and metadata" in refused.json()["detail"]
    # Without anything in them the fields are as good as absent.
    assert code_of(await api.book(slot, patient, external_id=None, metadata={})) == (201, None)


@pytest.mark.parametrize("kind", KINDS)
async def test_one_of_many_at_one_time_has_the_id(api: Api, kind: str) -> None:
    here = await Connected.of(api)
    slots = [await api.slot(here.clinic) for _ in range(4)] if kind == "booking" else [None] * 4
    answers = await asyncio.gather(
        *(here.make(kind, external_id=SECRET, **({"slot": one} if one else {})) for one in slots)
    )
    codes = sorted(code_of(answer)[0] for answer in answers)
    assert codes == [201, 409, 409, 409]
    refused = [code_of(answer)[1] for answer in answers if answer.status_code == 409]
    assert refused == ["external_id_taken"] * 3
    assert len(await here.found(kind, SECRET)) == 1
    if kind == "booking":
        open_ones = (await api.get("/v1/slots", clinic_id=here.clinic["id"])).json()["items"]
        assert len(open_ones) == 3


async def test_a_booking_sent_again_with_its_key_is_the_same_one(api: Api) -> None:
    here = await Connected.of(api)
    patient, slot = await here.made("patient"), await api.slot(here.clinic)
    body = {"time_slot_id": slot["id"], "patient_id": patient, "external_id": SECRET}
    key = {"Idempotency-Key": str(uuid4())}
    first, again = [await api.post("/v1/bookings", body, here.desk, headers=key) for _ in "ab"]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["id"] == again.json()["id"]
    other = body | {"external_id": "other"}
    reused = await api.post("/v1/bookings", other, here.desk, headers=key)
    assert code_of(reused) == (422, "idempotency_key_reused")


async def test_twenty_keys_and_no_more(api: Api) -> None:
    here = await Connected.of(api)
    many = {f"key{n}": "x" for n in range(20)}
    one = await here.made("patient", metadata=many)
    assert errors_of(await here.make("patient", metadata=many | {"more": "x"})) == [
        ("/metadata", "too_long")
    ]
    assert errors_of(await here.change("patient", one, metadata={"more": "x"})) == [
        ("/metadata", "too_long")
    ]
    swapped = await here.change("patient", one, metadata={"more": "x", "key0": None})
    assert len(swapped.json()["metadata"]) == 20
    for wrong, where in (
        ({"metadata": {"a b": "x"}}, "/metadata"),
        ({"metadata": {"": "x"}}, "/metadata"),
        ({"metadata": {"k" * 41: "x"}}, "/metadata"),
        ({"metadata": {"key0": "x" * 201}}, "/metadata/key0"),
        ({"metadata": {"key0": 1}}, "/metadata/key0"),
        ({"external_id": ""}, "/external_id"),
        ({"external_id": "two words"}, "/external_id"),
        ({"external_id": "ü"}, "/external_id"),
        ({"external_id": "x" * 129}, "/external_id"),
    ):
        for answer in (
            await here.make("patient", **wrong),
            await here.change("patient", one, **wrong),
        ):
            assert [pointer for pointer, _ in errors_of(answer)] == [where]
    assert code_of(await here.change("patient", one, external_id="~" * 128))[0] == 200
    longest = {"key0": "x" * 200, "k" * 40: ""}
    await here.change("patient", one, metadata={"key1": None, "key2": None})
    assert code_of(await here.change("patient", one, metadata=longest))[0] == 200


@pytest.mark.parametrize("kind", ["doctor", "service"])
async def test_the_id_of_what_is_deleted_can_be_given_anew(api: Api, kind: str) -> None:
    here = await Connected.of(api)
    one = await here.made(kind, external_id=SECRET, metadata=NOTES)
    assert code_of(await api.send("DELETE", f"/v1/{kind}s/{one}", here.admin))[0] == 204
    assert await here.found(kind, SECRET) == []
    assert code_of(await api.get(here.path(kind, one), here.desk)) == (404, "not_found")
    other = await here.made(kind, external_id=SECRET)
    assert code_of(await api.post(f"/v1/{kind}s/{one}/restore", by=here.admin))[0] == 200
    assert await here.read(kind, one) == {"external_id": None, "metadata": NOTES}
    assert await here.found(kind, SECRET) == [other]


async def test_a_patient_whom_the_clinic_does_not_know_any_more_lets_go_of_it(api: Api) -> None:
    here, patient = await Connected.of(api), await api.patient()
    booking = (await api.book(await api.slot(here.clinic), patient)).json()
    whose = str(patient.patient_id)
    assert code_of(await here.change("patient", whose, external_id=SECRET))[0] == 200
    assert await here.found("patient", SECRET) == [whose]
    cancelled = await api.post(f"/v1/bookings/{booking['id']}/cancel", None, patient)
    assert cancelled.status_code == 200
    assert await here.found("patient", SECRET) == []
    assert code_of(await here.change("patient", whose, external_id="2")) == (404, "not_found")
    other = await here.made("patient", external_id=SECRET)
    assert await here.found("patient", SECRET) == [other]


async def test_two_clinics_call_one_patient_by_ids_of_their_own(api: Api) -> None:
    here, there = await Connected.of(api), await Connected.of(api)
    patient = await api.patient()
    whose = str(patient.patient_id)
    for one in (here, there):
        assert code_of(await api.book(await api.slot(one.clinic), patient)) != (404, None)
    # Both slots begin at one time: the second clinic takes a later one.
    later = (await api.slots(await api.doctor(there.clinic), 3))[2]
    await api.book(later, patient)
    assert (await here.change("patient", whose, external_id="h", metadata={"a": "1"})).json()
    assert (await there.change("patient", whose, external_id="t")).json() == {
        "external_id": "t",
        "metadata": {},
    }
    assert await here.read("patient", whose) == {"external_id": "h", "metadata": {"a": "1"}}
    for one, name in ((here, "h"), (there, "t")):
        about = {"clinic_id": one.clinic["id"], "expand": "references"}
        beside = (await api.get("/v1/patients", one.desk, **about)).json()["items"]
        assert [item["expanded"]["references"]["external_id"] for item in beside] == [name]
    assert await there.found("patient", "h") == []


async def test_a_merge_keeps_what_both_records_were_called(api: Api) -> None:
    here = await Connected.of(api)
    for named, expected in ((None, "dup"), ("stays", "stays")):
        about = {} if named is None else {"external_id": named, "metadata": {"a": "1"}}
        stays = await here.made("patient", **about)
        noted = {"external_id": "dup", "metadata": {"a": "2", "b": "2"}}
        duplicate = await here.made("patient", **noted)
        merged = await api.post(
            f"/v1/patients/{stays}/merge", {"duplicate_id": duplicate}, here.desk
        )
        assert merged.status_code == 200, merged.text
        kept = {"a": "2", "b": "2"} if named is None else {"a": "1", "b": "2"}
        assert await here.read("patient", stays) == {"external_id": expected, "metadata": kept}
        assert code_of(await api.get(here.path("patient", duplicate), here.desk))[0] == 404
        await here.change("patient", stays, external_id=None)
    many = {f"s{n}": "x" for n in range(15)}
    stays = await here.made("patient", metadata=many)
    more = {f"d{n}": "x" for n in range(15)}
    duplicate = await here.made("patient", metadata=more)
    body = {"duplicate_id": duplicate}
    assert code_of(await api.post(f"/v1/patients/{stays}/merge", body, here.desk))[0] == 200
    assert (await here.read("patient", stays))["metadata"] == many


async def test_an_id_is_asked_for_in_one_clinic(api: Api) -> None:
    here = await Connected.of(api)
    for path in ("/v1/doctors", "/v1/patients", "/v1/bookings"):
        answer = await api.get(path, here.desk, external_id="x")
        assert errors_of(answer) == [("/clinic_id", "combination")]
        spaced = await api.get(path, here.desk, external_id="a b", clinic_id=here.clinic["id"])
        assert errors_of(spaced)[0][0] == "/external_id"


def listed(here: Connected, kind: str) -> tuple[str, dict[str, str]]:
    if kind == "service":
        return f"/v1/clinics/{here.clinic['id']}/services", {}
    return f"/v1/{kind}s", {"clinic_id": here.clinic["id"]}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_list_has_it_beside_each_item_in_one_statement(
    api: Api, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = await Connected.of(api), await Connected.of(api)
    one = await here.made(kind, external_id=SECRET, metadata=NOTES)
    bare = await here.made(kind)
    await there.made(kind, external_id=SECRET)
    path, of_clinic = listed(here, kind)
    asked: list[int] = []
    for owner in (PostgresReferences, PostgresBookingReferences):
        original = owner.page

        async def noted(*given: Any, _as: Any = original) -> Any:
            asked.append(len(given[-1]))
            return await _as(*given)

        monkeypatch.setattr(owner, "page", noted)

    answer = await api.get(path, here.desk, **of_clinic, expand="references", limit=2)
    # Bookings come by their start, patients are listed with those of the bookings.
    shown = {item["id"]: item["expanded"] for item in answer.json()["items"]}
    while answer.json()["next_cursor"]:
        cursor = answer.json()["next_cursor"]
        asked.clear()
        answer = await api.get(
            path, here.desk, **of_clinic, expand="references", limit=2, cursor=cursor
        )
        shown |= {item["id"]: item["expanded"] for item in answer.json()["items"]}
    assert len(asked) == 1
    assert shown[one] == {"references": {"external_id": SECRET, "metadata": NOTES}}
    assert shown[bare] == {"references": {"external_id": None, "metadata": {}}}
    assert SECRET not in str([it for key, it in shown.items() if key != one])
    # Nobody asked: it is not there, and nothing is read.
    asked.clear()
    plain = await api.get(path, here.desk, **of_clinic)
    assert all("expanded" not in item for item in plain.json()["items"])
    assert plain.json()["items"]
    assert asked == []


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_else_has_it_beside_an_item(api: Api, kind: str) -> None:
    here = await Connected.of(api)
    patient = await api.patient()
    await api.book(await api.slot(here.clinic), patient)
    await here.made(kind, external_id=SECRET)
    path, of_clinic = listed(here, kind)
    doctor = await api.doctor_account(await api.doctor(here.clinic))
    bystander = await api.receptionist((await api.clinic())["id"])
    for by in (patient, bystander, doctor, None):
        refused = await api.get(path, by, **of_clinic, expand="references")
        assert refused.status_code == (403 if by else 401), refused.text
        assert SECRET not in refused.text
    if kind != "service":
        nowhere = await api.get(path, here.desk, expand="references")
        assert errors_of(nowhere) == [("/clinic_id", "combination")]
    unknown = await api.get(path, here.desk, **of_clinic, expand="everything")
    assert errors_of(unknown)[0][0] == "/expand/0"


async def test_of_a_patient_whom_the_clinic_does_not_know_nothing_is_beside_them(api: Api) -> None:
    here, patient = await Connected.of(api), await api.patient()
    mine = {"email": "caller@example.com"}
    await api.send("PATCH", f"/v1/patients/{patient.patient_id}", patient, json=mine)
    booking = (await api.book(await api.slot(here.clinic), patient)).json()
    whose = str(patient.patient_id)
    assert code_of(await here.change("patient", whose, external_id=SECRET))[0] == 200
    search = {"clinic_id": here.clinic["id"], "expand": "references"} | mine
    (known,) = (await api.get("/v1/patients", here.desk, **search)).json()["items"]
    assert known["expanded"]["references"]["external_id"] == SECRET
    await api.post(f"/v1/bookings/{booking['id']}/cancel", None, patient)
    (unknown,) = (await api.get("/v1/patients", here.desk, **search)).json()["items"]
    assert (unknown["is_known"], unknown["expanded"]) == (False, {"references": None})


async def test_what_another_system_calls_it_is_found_through_its_index(
    api: Api, database_url: str
) -> None:
    here = await Connected.of(api)
    clinic_id = ClinicId(UUID(here.clinic["id"]))
    made = {kind: await here.made(kind, external_id=SECRET) for kind in ("booking", "doctor")}
    made["service"] = await here.made("service", external_id=SECRET)
    connection = await asyncpg.connect(database_url, server_settings=SERVER_SETTINGS)
    # Of few rows anything is cheap: is there another way than to read all of them?
    await connection.execute("SET enable_seqscan = off")
    # Else it would depend on what was there when somebody looked last.
    await connection.execute("ANALYZE")
    explained = ExplainedDatabase(connection)
    database = cast("Database", explained)
    lists, reader = PostgresPublicLists(database), PostgresBookingReader(database)
    search = Search(clinic_id=clinic_id, external_id=SECRET)
    scope = Scope(patient_id=None, doctor_ids=frozenset(), clinic_ids=frozenset({clinic_id}))
    wanted = BookingSearch(clinic_id=clinic_id, external_id=SECRET)
    assert [str(one.id) for one in await lists.doctors(search)] == [made["doctor"]]
    assert [str(one.id) for one in await lists.services(search)] == [made["service"]]
    (found,) = await reader.find(wanted, scope)
    assert str(found.appointment.id) == made["booking"]
    await connection.close()
    for owner, one in zip(
        ("doctor", "service", "appointment"), explained.explanations, strict=True
    ):
        plan = "\n".join(one.plan)
        assert f"uq_{owner}_references_external_id" in plan, plan
        assert "Seq Scan" not in plan, plan
