"""The life of a booking over HTTP: marks, who may set them, and the history of it all."""

import json

import pytest

from tests.api import Api, code_of
from tests.booking.calendar import Calendar

MARKS = ("check-in", "complete", "no-show", "undo")


async def test_a_visit_from_the_booking_to_the_end_and_back(api: Api) -> None:
    visit = await Calendar.of(api)
    await visit.begins()
    doctor = await api.doctor_account(visit.doctor)

    for number, (mark, by, status, actions) in enumerate(
        (
            ("check-in", visit.desk, "checked_in", ["cancel", "complete", "undo"]),
            ("complete", doctor, "completed", ["undo"]),
            ("undo", doctor, "checked_in", ["cancel", "complete", "undo"]),
            (
                "undo",
                visit.desk,
                "confirmed",
                ["cancel", "reschedule", "check_in", "complete", "no_show"],
            ),
            ("no-show", visit.desk, "no_show", ["undo"]),
            ("undo", visit.desk, "confirmed", None),
            ("complete", visit.desk, "completed", ["undo"]),
            ("undo", visit.desk, "confirmed", None),
        ),
        start=2,
    ):
        answer = await visit.do(mark, by)
        assert code_of(answer) == (200, None)
        shown = answer.json()
        assert (shown["status"], shown["version"]) == (status, number)
        assert answer.headers["etag"] == f'"{number}"'
        assert actions is None or shown["allowed_actions"] == actions
        seen = await visit.read()
        assert seen == {**shown, "allowed_actions": seen["allowed_actions"]}
        assert seen["allowed_actions"] == []

    told = [(one["action"], one["by"]) for one in await visit.history()]
    clinic = "checked_in completed undone undone no_show undone completed undone"
    assert told == [("booked", "patient"), *((action, "clinic") for action in clinic.split())]
    names = [name.removeprefix("booking.") for name, _ in await visit.events()]
    assert names == ["created", *clinic.split()]


async def test_the_patient_sees_the_booking_but_does_not_mark_it(api: Api) -> None:
    visit = await Calendar.of(api)
    await visit.begins()
    stranger, elsewhere = await api.patient(), await api.receptionist((await api.clinic())["id"])
    colleague = await api.doctor_account(await api.doctor(visit.clinic))

    for mark in MARKS:
        assert code_of(await visit.do(mark, visit.patient)) == (403, "forbidden")
        for other in (stranger, elsewhere, colleague, api.admin):
            assert code_of(await visit.do(mark, other)) == (404, "not_found")

    assert (await visit.read())["version"] == 1
    assert [one["action"] for one in await visit.history()] == ["booked"]


async def test_what_is_not_possible_now_is_refused_and_leaves_nothing(api: Api) -> None:
    visit = await Calendar.of(api)

    for mark in MARKS:
        assert code_of(await visit.do(mark, visit.desk)) == (409, "invalid_transition")
    await visit.begins_in(hours=23)
    assert code_of(await visit.do("no-show", visit.desk)) == (409, "invalid_transition")
    assert code_of(await visit.do("check-in", visit.desk)) == (200, None)
    assert code_of(await visit.do("check-in", visit.desk)) == (409, "invalid_transition")
    assert len(await visit.history()) == 2
    assert len(await visit.events()) == 2


async def test_a_stale_version_marks_nothing(api: Api) -> None:
    visit = await Calendar.of(api)
    await visit.begins()

    for mark in MARKS:
        answer = await visit.do(mark, visit.desk, headers={"If-Match": '"2"'})
        assert code_of(answer) == (412, "precondition_failed")
    answer = await visit.do("check-in", visit.desk, headers={"If-Match": '"1"'})
    assert code_of(answer) == (200, None)


@pytest.mark.parametrize("mark", ["check-in", "complete", "no-show"])
async def test_whatever_the_mark_the_slot_stays_taken(api: Api, mark: str) -> None:
    visit = await Calendar.of(api)
    await visit.begins()
    assert (await visit.do(mark, visit.desk)).status_code == 200

    answer = await api.book(visit.slots[0], await api.patient())

    assert code_of(answer) == (409, "slot_already_booked")


async def test_who_is_checked_in_is_cancelled_by_the_clinic_only(api: Api) -> None:
    visit = await Calendar.of(api)
    await visit.begins_in(hours=12)
    await visit.do("check-in", visit.desk)

    assert code_of(await visit.do("cancel", visit.patient)) == (422, "cancel_too_late")
    cancelled = await visit.do("cancel", visit.desk)

    assert cancelled.json()["status"] == "cancelled"
    assert cancelled.json()["allowed_actions"] == []
    assert code_of(await visit.do("undo", visit.desk)) == (409, "invalid_transition")
    assert code_of(await api.book(visit.slots[0], await api.patient())) == (201, None)


@pytest.mark.parametrize("mark", ["complete", "no-show"])
async def test_what_is_over_is_not_cancelled_by_anybody(api: Api, mark: str) -> None:
    visit = await Calendar.of(api)
    await visit.begins()
    await visit.do(mark, visit.desk)

    for who in (visit.patient, visit.desk):
        assert code_of(await visit.do("cancel", who)) == (409, "booking_not_active")


async def test_a_patient_who_goes_leaves_what_is_done_already(api: Api) -> None:
    visit = await Calendar.of(api)
    await visit.begins_in(hours=12)
    for mark in ("check-in", "complete"):
        assert (await visit.do(mark, visit.desk)).status_code == 200

    gone = await api.send("DELETE", f"/v1/patients/{visit.patient.patient_id}", visit.patient)

    assert gone.status_code == 204
    assert (await visit.read(visit.desk))["status"] == "completed"


async def test_the_history_of_what_the_clinic_booked_and_the_patient_cancelled(api: Api) -> None:
    visit = await Calendar.of(api)
    made = await api.book(
        visit.slots[1], visit.desk, patient_id=str(visit.patient.patient_id), reason="First visit"
    )
    path = f"/v1/bookings/{made.json()['id']}"
    await api.post(f"{path}/cancel", {"reason": "Ill"}, visit.patient)

    for who in (visit.patient, visit.desk, await api.doctor_account(visit.doctor)):
        first, last = (await api.get(f"{path}/history", who)).json()["items"]
        place = {"time_slot_id": visit.slots[1]["id"], "starts_at": visit.slots[1]["starts_at"]}
        assert first == {
            "version": 1,
            "action": "booked",
            "occurred_at": made.json()["created_at"],
            "by": "clinic",
            "reason": None,
            "from": None,
            "to": place,
        }
        assert (last["version"], last["action"], last["by"]) == (2, "cancelled", "patient")
        assert (last["reason"], last["from"], last["to"]) == ("Ill", None, None)
    rows = await visit.sql("SELECT by_user_id FROM appointment_history")
    assert [row["by_user_id"] for row in rows] == [visit.patient.user_id]
    for other in (await api.patient(), api.admin):
        assert code_of(await api.get(f"{path}/history", other)) == (404, "not_found")


async def test_a_removal_that_cancels_is_in_the_history(api: Api) -> None:
    visit = await Calendar.of(api)
    path = f"/v1/doctors/{visit.doctor['id']}"
    gone = await api.send("DELETE", path, api.admin, params={"on_conflict": "cancel"})
    assert gone.status_code == 204

    assert [(one["action"], one["by"]) for one in await visit.history()] == [
        ("booked", "patient"),
        ("cancelled", "clinic"),
    ]


async def test_events_have_ids_and_times_and_nothing_else(api: Api) -> None:
    visit = await Calendar.of(api)
    await visit.move(visit.slots[1], reason="Ill")
    await visit.begins()
    for mark in MARKS[:2]:
        await visit.do(mark, visit.desk)

    (_, moved), *marks = (await visit.events())[1:]

    ids = {f"{one}_id" for one in ("appointment", "time_slot", "clinic", "doctor", "patient")}
    told = ids | {"time_slot_ids", "version", "revision", "status", "starts_at", "ends_at"}
    left = {"left_time_slot_id", "left_time_slot_ids", "left_starts_at", "left_doctor_id"}
    assert set(json.loads(str(moved))) == told | left | {"rescheduled_by"}
    assert [set(json.loads(str(payload))) for _, payload in marks] == [told, told]
