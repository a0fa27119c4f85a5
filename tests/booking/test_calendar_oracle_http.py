"""What staff are told of a patient is the same wherever else the patient has appointments."""

import json
import re
from functools import partial
from typing import Any

import pytest
from httpx import Response

from tests.api import Api
from tests.booking.two_clinics import Question, TwoClinics, told


async def explain(at: TwoClinics) -> Response:
    path = f"/v1/slots/{at.here.slots[0]['id']}/explain"
    return await at.api.get(path, at.here.desk, **at.named)


async def explain_move(at: TwoClinics, by: str) -> Response:
    path = f"/v1/slots/{at.here.slots[0]['id']}/explain"
    return await at.api.get(path, _person(at, by), booking_id=at.booking["id"])


async def search(at: TwoClinics, path: str, by: str) -> Response:
    return await at.api.get(path, _person(at, by), booking_id=at.booking["id"])


async def search_as_themselves(at: TwoClinics, path: str) -> Response:
    """The desk leaves its own appointments out: it has none."""
    about = {"clinic_id": at.here.clinic["id"], "exclude_my_conflicts": "true"}
    return await at.api.get(path, at.here.desk, **about)


async def hold(at: TwoClinics, **about: str) -> Response:
    answer = await at.here.hold(at.here.slots[0], at.here.desk, **about)
    if answer.status_code == 201:
        await at.here.ask("DELETE", answer.json(), at.here.desk)
    return answer


async def hold_for_patient(at: TwoClinics) -> Response:
    return await hold(at, **at.named)


async def hold_for_move(at: TwoClinics) -> Response:
    return await hold(at, booking_id=at.booking["id"])


async def hold_what_is_taken(at: TwoClinics) -> Response:
    """The refusal names what is free instead."""
    return await at.here.hold(at.here.slots[3], at.here.desk, **at.named)


async def book_what_is_taken(at: TwoClinics) -> Response:
    return await at.try_here(3)


async def move_to_what_is_taken(at: TwoClinics, by: str) -> Response:
    path = f"/v1/bookings/{at.booking['id']}/reschedule"
    return await at.api.post(path, {"time_slot_id": at.here.slots[3]["id"]}, _person(at, by))


async def preview_time_off(at: TwoClinics, by: str) -> Response:
    path = f"/v1/doctors/{at.here.doctor['id']}/time-off?dry_run=true"
    slot = at.here.slots[2]
    away = {name: slot[name] for name in ("starts_at", "ends_at")}
    return await at.api.post(path, away, _person(at, by))


async def read(at: TwoClinics, path: str, by: str, **about: str) -> Response:
    wanted = path.format(
        patient_id=at.named["patient_id"],
        booking_id=at.booking["id"],
        clinic_id=at.here.clinic["id"],
        doctor_id=at.here.doctor["id"],
    )
    return await at.api.get(wanted, _person(at, by), **about)


async def list_bookings(at: TwoClinics) -> Response:
    return await at.api.get("/v1/bookings", at.here.desk, **at.named)


async def delete_patient(at: TwoClinics) -> Response:
    return await at.api.send("DELETE", f"/v1/patients/{at.named['patient_id']}", at.here.desk)


def _person(at: TwoClinics, by: str) -> Any:
    return at.here.desk if by == "desk" else at.doctor


SEARCHES = ("/v1/slots", "/v1/slots/next", "/v1/slots/calendar")
BOTH = ("desk", "doctor")
QUESTIONS: dict[str, Question] = {
    "explain_slot": explain,
    **{f"explain_slot to move, {by}": partial(explain_move, by=by) for by in BOTH},
    **{
        f"{name} to move, {by}": partial(search, path=path, by=by)
        for by in BOTH
        for name, path in zip(
            ("search_slots", "find_next_slots", "read_slot_calendar"), SEARCHES, strict=True
        )
    },
    **{f"search {path}": partial(search_as_themselves, path=path) for path in SEARCHES},
    "create_hold": hold_for_patient,
    "create_hold to move": hold_for_move,
    "create_hold, taken": hold_what_is_taken,
    "create_booking, taken": book_what_is_taken,
    **{f"reschedule_booking, taken, {by}": partial(move_to_what_is_taken, by=by) for by in BOTH},
    **{f"create_time_off, {by}": partial(preview_time_off, by=by) for by in BOTH},
    "read_patient": partial(read, path="/v1/patients/{patient_id}", by="desk"),
    "list_patients": partial(read, path="/v1/patients", by="desk"),
    "read_booking": partial(read, path="/v1/bookings/{booking_id}", by="desk"),
    "read_booking_history": partial(read, path="/v1/bookings/{booking_id}/history", by="desk"),
    "read_clinic_day": partial(read, path="/v1/clinics/{clinic_id}/day", by="desk"),
    "read_doctor_day": partial(read, path="/v1/doctors/{doctor_id}/day", by="doctor"),
    "list_bookings": list_bookings,
    "delete_patient": delete_patient,
}
"""By operation; what follows a space or a comma says which variant."""

NO_QUESTION = {
    "enter_consultation": "about the room of a booking of the caller's own",
    "take_on_patient": "says who they are, nothing of appointments",
    "change_patient": "says who they are, nothing of appointments",
    "name_patient": "says what a clinic calls them, nothing of appointments",
    **{
        f"{verb}_{kind}_references": "says what another system calls it, nothing of appointments"
        for verb in ("read", "change")
        for kind in ("patient", "booking")
    },
    "restore_patient": "staff restore whom no other clinic knows",
    "merge_patients": "a real attempt: limited and recorded",
    "cancel_booking": "asks nothing of other appointments",
    "check_in_booking": "asks nothing of other appointments",
    "complete_booking": "asks nothing of other appointments",
    "mark_no_show": "asks nothing of other appointments",
    "undo_booking_step": "a real attempt: limited and recorded",
    "lift_address_block": "says how they can be reached, nothing of appointments",
    "list_booking_notifications": "says what was told of a booking that the caller sees",
    "start_payment": "asks nothing of other appointments",
    "record_desk_payment": "asks nothing of other appointments",
    "list_booking_files": "says what belongs to a booking that the caller sees",
    "list_booking_payments": "says what was paid for a booking that the caller sees",
    "read_notification_preferences": "says what they want to be told, nothing of appointments",
    "set_notification_preferences": "says what they want to be told, nothing of appointments",
}
SPEAKS_OF_A_PATIENT = re.compile(r'"(patient_id|booking_id|duplicate_id|exclude_my_conflicts)"')


async def test_every_operation_that_names_a_patient_is_asked(api: Api) -> None:
    """The author of a new one says what staff can learn by it."""
    document = api.app.openapi()
    speaking = {
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if SPEAKS_OF_A_PATIENT.search(_asked_with(document, operation))
    }
    asked = {re.split("[ ,]", name)[0] for name in QUESTIONS}

    assert speaking - asked == NO_QUESTION.keys()


def _asked_with(document: dict[str, Any], operation: dict[str, Any]) -> str:
    names = [one["name"] for one in operation.get("parameters", [])]
    body = json.dumps(operation.get("requestBody", {}))
    schemas = re.findall(r"#/components/schemas/(\w+)", body)
    fields = [[*document["components"]["schemas"][one].get("properties", ())] for one in schemas]
    return json.dumps([names, fields])


@pytest.mark.parametrize("question", QUESTIONS)
async def test_staff_are_told_nothing_of_what_is_elsewhere(api: Api, question: str) -> None:
    at = await TwoClinics.of(api)
    before = told(await QUESTIONS[question](at))
    await at.book_elsewhere(0, 1, 4)
    for place in (3, 5, 6):
        await at.elsewhere.held(at.elsewhere.slots[place], at.here.patient)

    assert told(await QUESTIONS[question](at)) == before


async def test_the_patient_is_told_what_they_can_really_book(api: Api) -> None:
    """By the same questions."""
    at = await TwoClinics.of(api)
    await at.book_elsewhere(0, 1)
    one, by = at.here.slots[0]["id"], at.here.patient

    for about in ({}, at.named, {"booking_id": at.booking["id"]}):
        rules = (await at.api.get(f"/v1/slots/{one}/explain", by, **about)).json()["rules"]
        assert "patient_overlap" in {rule["code"] for rule in rules if not rule["passed"]}, about
    searched = await at.api.get("/v1/slots", by, booking_id=at.booking["id"])
    taken = await at.here.book(at.here.slots[3], by)
    held = await at.here.hold(at.here.slots[3], by)
    path = f"/v1/bookings/{at.booking['id']}/reschedule"
    moved = await at.api.post(path, {"time_slot_id": at.here.slots[3]["id"]}, by)
    free = {at.here.slots[place]["id"] for place in (4, 5)}
    assert {slot["id"] for slot in searched.json()["items"]} - {at.booking["time_slot_id"]} == free
    for answer in (taken, held, moved):
        assert {slot["id"] for slot in answer.json()["alternatives"]} == free, answer.text
    held = await at.here.hold(at.here.slots[0], by)
    assert held.json()["code"] == "patient_overlap"


async def test_what_is_here_counts_for_staff_as_well(api: Api) -> None:
    """They see it in their own calendar."""
    at = await TwoClinics.of(api)
    other = await api.doctor(at.here.clinic)
    (same_time,) = await api.slots(other, 1)
    await at.here.book(at.here.slots[0], at.here.patient)

    path = f"/v1/slots/{same_time['id']}/explain"
    rules = (await api.get(path, at.here.desk, **at.named)).json()["rules"]
    held = await at.here.hold(same_time, at.here.desk, **at.named)

    assert "patient_overlap" in {rule["code"] for rule in rules if not rule["passed"]}
    assert held.json()["code"] == "patient_overlap"
    offered = {slot["id"] for slot in held.json()["alternatives"]}
    assert offered == {at.here.slots[place]["id"] for place in (1, 4, 5)}
