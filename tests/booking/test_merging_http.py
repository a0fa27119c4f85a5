"""Two records of one patient become one, and nothing is left with the one that goes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests.api import Api, Person, code_of

Made = dict[str, Any]
FULL = {
    "email": "patient@example.com",
    "phone": "+49301234567",
    "birth_date": "1990-05-17",
    "locale": "de-DE",
    "time_zone": "Europe/Berlin",
}
REFERS = """SELECT c.table_name, c.column_name FROM information_schema.columns c
 WHERE c.table_schema = 'public' AND c.udt_name IN ('uuid', '_uuid')
 AND (c.table_name, c.column_name) <> ('patients', 'id')"""


@dataclass(frozen=True, slots=True)
class Desk:
    """A clinic whose desk has two records of one patient."""

    api: Api
    clinic: Made
    doctor: Made
    slots: list[Made]
    person: Person
    stays: Made
    goes: Made

    @classmethod
    async def of(cls, api: Api, count: int = 4, **about: Any) -> "Desk":
        clinic = await api.clinic()
        doctor, person = await api.doctor(clinic), await api.receptionist(clinic["id"])
        new = {"clinic_id": clinic["id"], "full_name": "Example Patient"}
        stays = await api.made("/v1/patients", new, person)
        goes = await api.made("/v1/patients", new | about, person)
        return cls(api, clinic, doctor, await api.slots(doctor, count), person, stays, goes)

    async def book(self, slot: Made, patient: Made, **about: Any) -> Made:
        booked = await self.api.book(slot, self.person, patient_id=patient["id"], **about)
        assert booked.status_code == 201, booked.text
        made: Made = booked.json()
        return made

    async def merge(self, by: Person | None = None, **about: Any) -> Any:
        body = {"duplicate_id": about.pop("duplicate_id", self.goes["id"])}
        path = f"/v1/patients/{about.pop('patient_id', self.stays['id'])}/merge"
        return await self.api.post(path, body, by or self.person, **about)

    async def sql(self, statement: str, *values: object) -> list[Any]:
        async with self.api.container.database().reading() as connection:
            return list(await connection.fetch(statement, *values))

    async def left(self, patient_id: str | None = None) -> list[tuple[str, str]]:
        """Every column of every table that still names the duplicate."""
        gone, found = UUID(patient_id or self.goes["id"]), []
        for table, column in await self.sql(REFERS):
            names = f"SELECT FROM {table} WHERE $1 = ANY(ARRAY[]::uuid[] || {column})"
            if await self.sql(names, gone):
                found.append((table, column))
        return found

    async def known_at(self, clinic: Made, patient: Made) -> None:
        await self.sql(
            "INSERT INTO clinic_patients VALUES ($1, $2, now(), 'taken_on') RETURNING 1",
            UUID(clinic["id"]),
            UUID(patient["id"]),
        )


async def test_bookings_holds_and_acquaintance_follow(api: Api) -> None:
    desk = await Desk.of(api)
    open_one = await desk.book(desk.slots[0], desk.goes)
    gone = await desk.book(desk.slots[1], desk.goes)
    await api.post(f"/v1/bookings/{gone['id']}/cancel", by=desk.person)
    past = await desk.book(desk.slots[1], desk.goes)
    await desk.sql(
        "UPDATE appointments SET starts_at = starts_at - interval '9 days',"
        " ends_at = ends_at - interval '9 days', blocked_from = blocked_from - interval '9 days',"
        " blocked_until = blocked_until - interval '9 days' WHERE id = $1 RETURNING 1",
        UUID(past["id"]),
    )
    wish = {"time_slot_id": desk.slots[2]["id"], "patient_id": desk.goes["id"]}
    hold = await api.made("/v1/holds", wish, desk.person)
    since = "SELECT known_since FROM clinic_patients WHERE patient_id = $1"
    long_ago = "UPDATE clinic_patients SET known_since = '2020-01-01' WHERE patient_id = $1"
    await desk.sql(f"{long_ago} RETURNING 1", UUID(desk.goes["id"]))

    answer = await desk.merge()

    assert answer.status_code == 200
    assert answer.json()["id"] == desk.stays["id"]
    assert answer.headers["etag"] == '"2"'
    assert await desk.left() == []
    listed = await api.get("/v1/bookings", desk.person, patient_id=desk.stays["id"])
    versions = {one["id"]: one["version"] for one in listed.json()["items"]}
    assert versions == {open_one["id"]: 2, gone["id"]: 3, past["id"]: 2}
    ((known,),) = await desk.sql(since, UUID(desk.stays["id"]))
    assert known.year == 2020
    held = {"hold_id": hold["id"], "patient_id": desk.stays["id"]}
    assert code_of(await api.book(desk.slots[2], desk.person, **held)) == (201, None)
    cancelled = await api.post(f"/v1/bookings/{open_one['id']}/cancel", by=desk.person)
    assert cancelled.json()["patient"]["id"] == desk.stays["id"]


async def test_the_duplicate_is_gone_for_good_and_says_where_to(api: Api) -> None:
    desk = await Desk.of(api)
    path, stranger = (
        f"/v1/patients/{desk.goes['id']}",
        await api.receptionist((await api.clinic())["id"]),
    )
    assert (await desk.merge()).status_code == 200

    assert code_of(await api.get(path, desk.person)) == (404, "not_found")
    wish = {"patient_id": desk.goes["id"]}
    assert code_of(await api.book(desk.slots[0], desk.person, **wish)) == (404, "not_found")
    assert code_of(await desk.merge()) == (404, "not_found")
    back = await api.post(f"{path}/restore", by=desk.person)
    assert code_of(back) == (409, "restore_conflict")
    assert back.json()["occupied_by"] == desk.stays["id"]
    assert code_of(await api.post(f"{path}/restore", by=stranger)) == (404, "not_found")


async def test_a_record_that_was_deleted_is_not_merged(api: Api) -> None:
    desk = await Desk.of(api)
    gone = await api.send("DELETE", f"/v1/patients/{desk.goes['id']}", desk.person)
    assert gone.status_code == 204

    assert code_of(await desk.merge()) == (404, "not_found")
    assert code_of(await desk.merge(**_swapped(desk))) == (404, "not_found")


async def test_records_that_were_merged_before_lead_to_the_last_one(api: Api) -> None:
    desk = await Desk.of(api)
    third = await api.made(
        "/v1/patients", {"clinic_id": desk.clinic["id"], "full_name": "Third"}, desk.person
    )
    assert (await desk.merge()).status_code == 200
    last = await desk.merge(patient_id=third["id"], duplicate_id=desk.stays["id"])
    assert last.status_code == 200

    back = await api.post(f"/v1/patients/{desk.goes['id']}/restore", by=desk.person)

    assert back.json()["occupied_by"] == third["id"]
    assert await desk.left(desk.stays["id"]) == []


async def test_what_is_missing_is_filled_in_and_what_is_there_stays(api: Api) -> None:
    desk = await Desk.of(api, **FULL)
    path = f"/v1/patients/{desk.stays['id']}"
    await api.send("PATCH", path, desk.person, json={"phone": "+4930999"})

    merged = (await desk.merge()).json()

    assert {name: merged[name] for name in FULL} == FULL | {"phone": "+4930999"}


async def test_an_account_stays_and_its_data_are_its_owners(api: Api) -> None:
    desk, owner, other = await Desk.of(api, **FULL), await api.patient(), await api.patient()
    mine, theirs = {"id": str(owner.patient_id)}, {"id": str(other.patient_id)}
    await desk.known_at(desk.clinic, mine)
    await desk.known_at(desk.clinic, theirs)
    for stays, goes in ((desk.stays, mine), (theirs, mine)):
        refused = await desk.merge(patient_id=stays["id"], duplicate_id=goes["id"])
        assert code_of(refused) == (409, "possible_duplicate")
    await desk.book(desk.slots[0], desk.goes)

    merged = await desk.merge(patient_id=mine["id"])

    assert merged.status_code == 200
    assert {merged.json()[name] for name in FULL} == {None}
    assert len((await api.get("/v1/bookings", owner)).json()["items"]) == 1


async def test_who_may_not_merge_is_refused(api: Api) -> None:
    desk, other = await Desk.of(api), await api.clinic()
    foreign, boss = await api.receptionist(other["id"]), await api.clinic_admin(desk.clinic["id"])
    elsewhere = await api.made(
        "/v1/patients", {"clinic_id": other["id"], "full_name": "Example"}, foreign
    )
    not_found, forbidden = (404, "not_found"), (403, "forbidden")
    for who in (foreign, api.admin, await api.patient()):
        assert code_of(await desk.merge(who)) == not_found
    assert code_of(await desk.merge(duplicate_id=elsewhere["id"])) == not_found
    assert code_of(await desk.merge(patient_id=elsewhere["id"])) == not_found
    same = await desk.merge(duplicate_id=desk.stays["id"])
    assert code_of(same) == (422, "validation_error")
    assert same.json()["errors"][0]["pointer"] == "/duplicate_id"

    await desk.known_at(other, desk.goes)
    assert code_of(await desk.merge(boss)) == forbidden
    await desk.known_at(other, desk.stays)
    assert code_of(await desk.merge(boss)) == forbidden
    # The record that stays may well be known to others.
    assert (await desk.merge(boss, **_swapped(desk))).status_code == 403
    await desk.sql(
        "DELETE FROM clinic_patients WHERE clinic_id = $1 AND patient_id = $2 RETURNING 1",
        UUID(other["id"]),
        UUID(desk.goes["id"]),
    )
    assert (await desk.merge(boss)).status_code == 200


async def test_staff_of_two_clinics_do_not_merge_what_no_clinic_knows_both_of(api: Api) -> None:
    desk, other = await Desk.of(api), await api.clinic()
    foreign = await api.receptionist(other["id"])
    new = {"clinic_id": other["id"], "full_name": "Example Patient"}
    elsewhere = await api.made("/v1/patients", new, foreign)
    await desk.sql(
        "INSERT INTO role_grants SELECT gen_random_uuid(), $1, role, clinic_id, doctor_id,"
        " patient_id, created_at FROM role_grants WHERE user_id = $2 RETURNING 1",
        foreign.user_id,
        desk.person.user_id,
    )

    answer = await desk.merge(foreign, duplicate_id=elsewhere["id"])

    assert code_of(answer) == (403, "forbidden")


def _swapped(desk: Desk) -> dict[str, str]:
    return {"patient_id": desk.goes["id"], "duplicate_id": desk.stays["id"]}


async def test_open_appointments_at_one_time_stand_in_the_way(api: Api) -> None:
    desk = await Desk.of(api)
    colleague = await api.doctor(desk.clinic)
    (beside,) = await api.slots(colleague)
    await desk.book(desk.slots[0], desk.stays)
    second = await desk.book(beside, desk.goes)

    refused = await desk.merge()
    assert code_of(refused) == (409, "patient_overlap")
    assert refused.json()["detail"].startswith("Both records")
    assert (await api.get(f"/v1/patients/{desk.goes['id']}", desk.person)).status_code == 200
    await api.post(f"/v1/bookings/{second['id']}/cancel", by=desk.person)
    assert (await desk.merge()).status_code == 200


@pytest.mark.parametrize("mark", ["complete", "no-show"])
async def test_what_took_place_at_one_time_does_not_stand_in_the_way(api: Api, mark: str) -> None:
    desk = await Desk.of(api)
    (beside,) = await api.slots(await api.doctor(desk.clinic))
    for slot, patient in ((desk.slots[0], desk.stays), (beside, desk.goes)):
        booking = await desk.book(slot, patient)
        await desk.sql(
            "UPDATE appointments SET starts_at = starts_at - interval '9 days',"
            " ends_at = ends_at - interval '9 days',"
            " blocked_from = blocked_from - interval '9 days',"
            " blocked_until = blocked_until - interval '9 days' WHERE id = $1 RETURNING 1",
            UUID(booking["id"]),
        )
        marked = await api.post(f"/v1/bookings/{booking['id']}/{mark}", by=desk.person)
        assert marked.status_code == 200, marked.text

    assert (await desk.merge()).status_code == 200
    listed = await api.get("/v1/bookings", desk.person, patient_id=desk.stays["id"])
    assert len(listed.json()["items"]) == 2


async def test_a_merge_asks_for_the_version_and_happens_once(api: Api) -> None:
    desk = await Desk.of(api)
    stale = await desk.merge(headers={"If-Match": '"9"'})
    assert code_of(stale) == (412, "precondition_failed")
    about = {"headers": {"If-Match": '"1"', "Idempotency-Key": "merge-1"}}
    first = await desk.merge(**about)
    again = await desk.merge(**about)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json() == again.json()


async def test_a_merge_is_told_without_a_word_about_the_patient(api: Api) -> None:
    desk = await Desk.of(api, **FULL)
    await desk.merge()

    told = await desk.sql(
        "SELECT array_agg(k ORDER BY k) AS keys FROM outbox, jsonb_object_keys(payload) k"
        " WHERE name = 'patient.merged'"
    )

    assert told[0]["keys"] == ["merged_patient_id", "patient_id"]
