"""Moving a booking over HTTP: the new slot is taken and the old one free, or neither."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from booking_system.booking.application.ports import MoveWish
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.shared_kernel.identifiers import AppointmentId, SlotId
from tests.api import START, Api, code_of
from tests.booking.calendar import Calendar


async def test_a_patient_moves_a_booking_and_it_stays_the_same_one(api: Api) -> None:
    calendar = await Calendar.of(api)
    old, new = calendar.slots[:2]

    answer = await calendar.move(new, reason="Ill")

    assert code_of(answer) == (200, None)
    moved, booked = answer.json(), calendar.booking
    changed = {"time_slot_id", "time_slot_ids", "starts_at", "ends_at"}
    changed |= {"local_starts_at", "local_ends_at"}
    changed |= {"version", "updated_at", "cancel_until", "reschedule_until"}
    assert {name for name in moved if moved[name] != booked[name]} == changed
    assert (moved["version"], answer.headers["etag"]) == (2, '"2"')
    assert (moved["time_slot_id"], moved["starts_at"]) == (new["id"], new["starts_at"])
    assert moved["reschedule_until"] == moved["cancel_until"] == new["starts_at"]
    assert await calendar.read() == moved
    for slot, status in ((old, "open"), (new, "booked")):
        shown = (await api.get(f"/v1/slots/{slot['id']}")).json()
        assert (shown["status"], shown["version"]) == (status, 3 if status == "open" else 2)
    assert code_of(await api.book(old, await api.patient())) == (201, None)
    assert await calendar.is_consistent()


async def test_the_history_says_where_it_was_and_went(api: Api) -> None:
    calendar = await Calendar.of(api)
    places = [{"time_slot_id": one["id"], "starts_at": one["starts_at"]} for one in calendar.slots]
    await calendar.move(calendar.slots[1], reason="Ill")
    await calendar.move(calendar.slots[2], calendar.desk)

    told = [
        (one["version"], one["action"], one["by"], one["reason"], one["from"], one["to"])
        for one in await calendar.history()
    ]

    assert told == [
        (1, "booked", "patient", None, None, places[0]),
        (2, "rescheduled", "patient", "Ill", places[0], places[1]),
        (3, "rescheduled", "clinic", None, places[1], places[2]),
    ]
    assert [name for name, _ in await calendar.events()][1:] == ["booking.rescheduled"] * 2


async def test_in_the_same_slot_nothing_changes_so_that_it_can_be_sent_twice(api: Api) -> None:
    calendar = await Calendar.of(api, cancel_notice_minutes=60 * 24)
    moved = await calendar.move(calendar.slots[1])

    again = await calendar.move(calendar.slots[1])

    assert (again.status_code, again.json()) == (200, moved.json())
    assert len(await calendar.history()) == len(await calendar.events()) == 2


async def test_it_goes_to_another_doctor_of_the_clinic(api: Api) -> None:
    calendar = await Calendar.of(api)
    colleague = await api.doctor(calendar.clinic, full_name="Example Doctor Two")
    (slot,) = await api.slots(colleague)

    moved = (await calendar.move(slot, await api.doctor_account(calendar.doctor))).json()

    assert moved["doctor_id"] == moved["doctor"]["id"] == colleague["id"]
    assert moved["doctor"]["full_name"] == "Example Doctor Two"
    assert moved["allowed_actions"] == []
    assert (await calendar.read())["doctor"] == moved["doctor"]
    assert await calendar.is_consistent()


async def test_a_slot_of_another_clinic_is_refused(api: Api) -> None:
    calendar = await Calendar.of(api)

    answer = await calendar.move(await api.slot())

    assert code_of(answer) == (422, "validation_error")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/time_slot_id"]


async def test_who_may_not_see_it_is_told_that_there_is_none(api: Api) -> None:
    calendar = await Calendar.of(api)

    for other in (await api.patient(), await api.receptionist((await api.clinic())["id"])):
        assert code_of(await calendar.move(calendar.slots[1], other)) == (404, "not_found")
    assert await calendar.is_consistent()


async def test_a_stale_version_moves_nothing(api: Api) -> None:
    calendar = await Calendar.of(api)

    answer = await calendar.move(calendar.slots[1], headers={"If-Match": '"2"'})

    assert code_of(answer) == (412, "precondition_failed")
    fresh = await calendar.move(calendar.slots[1], headers={"If-Match": '"1"'})
    assert code_of(fresh) == (200, None)


async def test_a_booked_slot_is_refused_with_alternatives(api: Api) -> None:
    calendar = await Calendar.of(api)
    await api.book(calendar.slots[1], await api.patient())

    answer = await calendar.move(calendar.slots[1])

    assert code_of(answer) == (409, "slot_already_booked")
    assert [one["id"] for one in answer.json()["alternatives"]] == [calendar.slots[2]["id"]]
    assert await calendar.read() == calendar.booking
    assert await calendar.is_consistent()


async def test_a_slot_that_cannot_be_booked_cannot_be_moved_to(api: Api) -> None:
    calendar = await Calendar.of(api)
    closed, deleted = calendar.slots[1:]
    await api.post(f"/v1/slots/{closed['id']}/close", by=api.admin)
    await api.send("DELETE", f"/v1/slots/{deleted['id']}", api.admin)
    (begun,) = await api.slots(await api.doctor(calendar.clinic))
    await calendar.sql(
        "UPDATE time_slots SET starts_at = starts_at - interval '9 days',"
        " ends_at = ends_at - interval '9 days' WHERE id = $1",
        UUID(begun["id"]),
    )

    for slot, refusal in (
        (closed, (409, "slot_unavailable")),
        (deleted, (404, "slot_not_found")),
        ({"id": str(uuid4())}, (404, "slot_not_found")),
        (begun, (422, "slot_in_past")),
    ):
        assert code_of(await calendar.move(slot)) == refusal


async def test_a_patient_is_not_in_two_places_afterwards_but_may_overlap_with_where_they_were(
    api: Api,
) -> None:
    calendar = await Calendar.of(api)
    colleague = await api.doctor(calendar.clinic)
    half = timedelta(minutes=15)
    (beside,) = await api.slots(colleague, start=START + half)
    (far,) = await api.slots(colleague, start=START + timedelta(hours=5))
    await api.book(calendar.slots[2], calendar.patient)
    (late,) = await api.slots(await api.doctor(calendar.clinic), start=START + 5 * half)

    refused = await calendar.move(late)
    assert code_of(refused) == (409, "patient_overlap")
    assert refused.json()["alternatives"]
    assert code_of(await calendar.move(beside)) == (200, None)
    assert code_of(await calendar.move(far)) == (200, None)
    assert await calendar.is_consistent()


async def test_the_constraint_refuses_an_overlap_that_no_rule_saw(api: Api) -> None:
    calendar = await Calendar.of(api)
    await api.book(calendar.slots[2], calendar.patient)
    (late,) = await api.slots(
        await api.doctor(calendar.clinic), start=START + timedelta(minutes=75)
    )
    reschedule = api.container.booking.reschedule_appointment(rules=())
    wish = MoveWish(
        appointment_id=AppointmentId(UUID(calendar.booking["id"])), slot_id=SlotId(UUID(late["id"]))
    )
    bearer = calendar.patient.headers["Authorization"]
    actor = await api.container.identity.authenticate()(bearer)

    with pytest.raises(PatientOverlap) as refused:
        await reschedule(wish=wish, version=None, actor=actor)

    assert refused.value.extras["alternatives"]
    assert await calendar.is_consistent()


async def test_after_the_notice_has_begun_only_the_clinic_moves(api: Api) -> None:
    calendar = await Calendar.of(api, cancel_notice_minutes=60 * 24 * 7)

    assert calendar.booking["allowed_actions"] == []
    assert code_of(await calendar.move(calendar.slots[1])) == (422, "cancel_too_late")
    assert code_of(await calendar.move(calendar.slots[1], calendar.desk)) == (200, None)


async def test_only_a_confirmed_booking_is_moved(api: Api) -> None:
    calendar = await Calendar.of(api)
    await calendar.begins_in(hours=12)

    for what in ("check-in", "complete", "undo", "cancel"):
        assert (await calendar.do(what, calendar.desk)).status_code == 200
        for slot in calendar.slots:
            answer = await calendar.move(slot)
            assert code_of(answer) == (409, "booking_not_active")
            assert "alternatives" not in answer.json()


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ({"min_notice_minutes": 60 * 24 * 7}, "notice_too_short"),
        ({"horizon_days": 1}, "beyond_horizon"),
    ],
)
async def test_the_clinics_policy_is_kept(api: Api, policy: dict[str, int], code: str) -> None:
    calendar = await Calendar.of(api)
    await api.send(
        "PATCH", f"/v1/clinics/{calendar.clinic['id']}", api.admin, json={"policy": policy}
    )

    assert code_of(await calendar.move(calendar.slots[1])) == (422, code)


async def test_the_moved_booking_is_not_one_more(api: Api) -> None:
    calendar = await Calendar.of(api, max_open_bookings_per_patient=1)

    assert code_of(await calendar.move(calendar.slots[1])) == (200, None)


async def test_limits_that_were_lowered_since_do_not_refuse_a_move(api: Api) -> None:
    calendar = await Calendar.of(api, 4)
    booked = (await api.book(calendar.slots[3], calendar.patient)).json()
    policy = {"max_open_bookings_per_patient": 1, "horizon_days": 1}
    path = f"/v1/clinics/{calendar.clinic['id']}"
    await api.send("PATCH", path, api.admin, json={"policy": policy})

    assert code_of(await calendar.move(calendar.slots[2], booking=booked)) == (200, None)


async def test_the_service_has_to_be_offered_there(api: Api) -> None:
    calendar = await Calendar.of(api, 4)
    service = await api.service(
        calendar.clinic,
        doctor_ids=[calendar.doctor["id"]],
        price={"amount": 4500, "currency": "EUR"},
        payment="optional",
    )
    assert code_of(await calendar.move(calendar.slots[3])) == (200, None), "agreed without one"
    named = (await api.book(calendar.slots[1], calendar.patient, service_id=service["id"])).json()
    (elsewhere,) = await api.slots(
        await api.doctor(calendar.clinic), start=START + timedelta(hours=5)
    )

    refused = await calendar.move(elsewhere, booking=named)
    assert code_of(refused) == (422, "service_not_offered")
    dearer = {"price": {"amount": 9900, "currency": "EUR"}}
    await api.send("PATCH", f"/v1/services/{service['id']}", api.admin, json=dearer)
    moved = (await calendar.move(calendar.slots[2], booking=named)).json()
    assert moved["price"] == {"amount": 4500, "currency": "EUR"}
    assert moved["service"] == named["service"]


async def test_a_slot_that_somebody_else_holds_is_not_moved_into(api: Api) -> None:
    calendar, other = await Calendar.of(api), await api.patient()
    hold = {"time_slot_id": calendar.slots[1]["id"]}
    await api.made("/v1/holds", hold, other)

    assert code_of(await calendar.move(calendar.slots[1])) == (409, "slot_held")
    own = {"time_slot_id": calendar.slots[2]["id"]}
    assert code_of(await api.post("/v1/holds", own, calendar.patient)) == (201, None)
    assert code_of(await calendar.move(calendar.slots[2])) == (200, None)
    assert code_of(await api.get(f"/v1/slots/{calendar.slots[2]['id']}")) == (200, None)
    assert await calendar.is_consistent()
