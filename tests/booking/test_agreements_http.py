"""What was agreed stays the appointment's, and the hold's, whatever the clinic changes since."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.api import Api, Person, code_of
from tests.booking.holding import Keeping, Made
from tests.booking.spans import booked, schedule, service, statuses

NOT_OFFERED = (422, "service_not_offered")


async def change(at: Keeping, service_id: str, **about: Any) -> None:
    path = f"/v1/services/{service_id}"
    answer = await at.api.send("PATCH", path, at.api.admin, json=about)
    assert answer.status_code == 200, answer.text


async def policy(at: Keeping, **about: Any) -> None:
    path = f"/v1/clinics/{at.clinic['id']}"
    answer = await at.api.send("PATCH", path, at.api.admin, json={"policy": about})
    assert answer.status_code == 200, answer.text


async def forget(at: Keeping, service_id: str) -> None:
    path = f"/v1/services/{service_id}?on_conflict=keep"
    answer = await at.api.send("DELETE", path, at.api.admin)
    if answer.status_code == 422:
        answer = await at.api.send("DELETE", path.partition("?")[0], at.api.admin)
    assert answer.status_code == 204, answer.text


async def move(at: Keeping, booking: Made, place: int, by: Person | None = None) -> Made:
    answer = await at.api.post(
        f"/v1/bookings/{booking['id']}/reschedule",
        {"time_slot_id": at.slots[place]["id"]},
        by or at.patient,
    )
    assert answer.status_code == 200, answer.text
    moved: Made = answer.json()
    return moved


@pytest.mark.parametrize("change_of", ["deleted", "shorter", "longer", "mode", "doctor", "buffers"])
async def test_a_move_keeps_length_buffers_and_price(api: Api, change_of: str) -> None:
    at = await schedule(api, 12)
    price = {"amount": 9000, "currency": "EUR"}
    wanted = await service(at, 90, after=30)
    await change(at, wanted, price=price)
    booking = await booked(at, 0, wanted)
    if change_of == "deleted":
        await forget(at, wanted)
    changes: dict[str, dict[str, Any]] = {
        "shorter": {"duration_minutes": 30, "price": {"amount": 100, "currency": "EUR"}},
        "longer": {"duration_minutes": 240},
        "mode": {"mode": "online"},
        "doctor": {"doctor_ids": []},
        "buffers": {"buffer_before_minutes": 60, "buffer_after_minutes": 0},
    }
    if change_of in changes:
        await change(at, wanted, **changes[change_of])

    moved = await move(at, booking, 4)

    assert moved["time_slot_ids"] == [slot["id"] for slot in at.slots[4:7]]
    assert moved["price"] == price
    assert moved["mode"] == "in_person"
    assert (await statuses(at))[:9] == ["open"] * 4 + ["booked"] * 4 + ["open"]


async def test_what_was_agreed_without_a_service_moves_when_the_clinic_has_one(api: Api) -> None:
    at = await schedule(api, 3)
    booking = (await at.book(at.slots[0], at.patient)).json()
    await service(at, 30)
    assert "reschedule" in booking["allowed_actions"]

    moved = await move(at, booking, 1)

    assert moved["time_slot_ids"] == [at.slots[1]["id"]]


async def test_a_move_without_a_service_keeps_its_length(api: Api) -> None:
    at = await schedule(api, 2)
    booking = (await at.book(at.slots[0], at.patient)).json()
    doctor = await api.doctor(at.clinic)
    short = await api.slots(doctor, 4, minutes=15)
    answer = await api.post(
        f"/v1/bookings/{booking['id']}/reschedule", {"time_slot_id": short[1]["id"]}, at.patient
    )

    assert answer.json()["time_slot_ids"] == [short[1]["id"], short[2]["id"]]


async def test_a_move_to_another_doctor_needs_one_who_offers_the_service(api: Api) -> None:
    at = await schedule(api, 2)
    wanted = await service(at, 30)
    booking = await booked(at, 0, wanted)
    (elsewhere,) = await api.slots(await api.doctor(at.clinic), 1)
    path = f"/v1/bookings/{booking['id']}/reschedule"

    refused = await api.post(path, {"time_slot_id": elsewhere["id"]}, at.patient)

    assert code_of(refused) == NOT_OFFERED


async def test_a_booking_of_a_patient_who_was_removed_can_be_moved(api: Api) -> None:
    at = await schedule(api, 3)
    booking = (await at.book(at.slots[0], at.patient)).json()
    gone = await api.send(
        "DELETE", f"/v1/patients/{at.patient.patient_id}?on_conflict=keep", at.patient
    )
    assert gone.status_code == 204
    shown = (await api.get(f"/v1/bookings/{booking['id']}", at.desk)).json()
    assert "reschedule" in shown["allowed_actions"]

    await move(at, booking, 1, at.desk)


async def test_no_move_is_promised_where_the_clinic_is_gone(api: Api) -> None:
    at = await schedule(api, 3)
    booking = (await at.book(at.slots[0], at.patient)).json()
    path = f"/v1/clinics/{at.clinic['id']}?on_conflict=keep"
    assert (await api.send("DELETE", path, api.admin)).status_code == 204

    shown = (await api.get(f"/v1/bookings/{booking['id']}", at.patient)).json()

    assert shown["allowed_actions"] == ["cancel"]


@pytest.mark.parametrize(
    "change_of", ["deleted", "shorter", "longer", "mode", "doctor", "price", "notice", "horizon"]
)
@pytest.mark.parametrize("minutes", [30, 60])
async def test_a_hold_becomes_the_booking_that_was_agreed(
    api: Api, change_of: str, minutes: int
) -> None:
    at = await schedule(api, 6)
    price = {"amount": 9000, "currency": "EUR"}
    wanted = await service(at, minutes, after=15 if minutes == 60 else 0)
    await change(at, wanted, price=price)
    hold = await at.held(at.slots[1], at.patient, service_id=wanted)
    if change_of == "deleted":
        await forget(at, wanted)
    elif change_of == "notice":
        await policy(at, min_notice_minutes=60 * 24 * 7)
    elif change_of == "horizon":
        await policy(at, horizon_days=1)
    else:
        changes: dict[str, dict[str, Any]] = {
            "shorter": {"duration_minutes": 10},
            "longer": {"duration_minutes": 240},
            "mode": {"mode": "online"},
            "doctor": {"doctor_ids": []},
            "price": {"price": {"amount": 100, "currency": "EUR"}},
        }
        await change(at, wanted, **changes[change_of])
    assert code_of(await at.ask("GET", hold, at.patient)) == (200, None)

    answer = await at.book(at.slots[1], at.patient, service_id=wanted, hold_id=hold["id"])

    assert code_of(answer) == (201, None)
    assert answer.json()["time_slot_ids"] == hold["time_slot_ids"]
    assert answer.json()["price"] == price
    assert "held" not in await statuses(at)


async def test_a_hold_of_a_clinic_without_services_is_booked_when_it_has_one(api: Api) -> None:
    at = await schedule(api, 2)
    hold = await at.held(at.slots[0], at.patient)
    await service(at, 30)

    assert code_of(await at.book(at.slots[1], at.patient)) == (422, "service_required")
    answer = await at.book(at.slots[0], at.patient, hold_id=hold["id"])

    assert code_of(answer) == (201, None)


async def test_a_hold_for_the_patient_is_one_of_their_open_bookings_already(api: Api) -> None:
    at = await Keeping.of(api, max_open_bookings_per_patient=1)
    hold = await at.held(at.slots[0], at.patient)
    assert code_of(await at.book(at.slots[2], at.patient)) == (201, None)

    answer = await at.book(at.slots[0], at.patient, hold_id=hold["id"])

    assert code_of(answer) == (201, None)


async def test_a_hold_ends_when_its_slot_begins(api: Api) -> None:
    at = await schedule(api, 2)
    await at.sql(
        "UPDATE time_slots SET starts_at = now() + interval '3 minutes',"
        " ends_at = now() + interval '20 minutes' WHERE id = $1",
        at.slots[0]["id"],
    )
    slot = (await api.get(f"/v1/slots/{at.slots[0]['id']}")).json()

    hold = await at.held(slot, at.patient)

    assert hold["expires_at"] == slot["starts_at"]
    longer = await at.ask("POST", hold, at.patient, "/extend")
    assert longer.json()["expires_at"] == slot["starts_at"]


async def test_only_of_a_hold_that_is_over_it_is_said_that_it_is(api: Api) -> None:
    at = await schedule(api, 8)
    long = await service(at, 60)
    hold = await at.held(at.slots[0], at.patient)
    await at.held(at.slots[1], at.other)

    behind = await at.book(at.slots[0], at.patient, service_id=long, hold_id=hold["id"])
    assert code_of(behind) == (409, "slot_held")
    await booked(at, 3, long, at.other)
    second = await at.held(at.slots[2], at.patient)
    taken = await at.book(at.slots[2], at.patient, service_id=long, hold_id=second["id"])
    assert code_of(taken) == (409, "slot_already_booked")

    await at.pass_time(hold)
    short = await service(at, 30)
    await booked(at, 0, short, at.other)
    late = await at.book(at.slots[0], at.patient, service_id=short, hold_id=hold["id"])
    assert code_of(late) == (409, "hold_expired")


async def test_a_hold_of_another_slot_is_refused(api: Api) -> None:
    at = await schedule(api, 3)
    wanted = await service(at, 30)
    hold = await at.held(at.slots[0], at.patient, service_id=wanted)
    other = await at.held(at.slots[2], at.other)

    for strange in (hold, other):
        answer = await at.book(at.slots[1], at.patient, service_id=wanted, hold_id=strange["id"])
        assert code_of(answer) == (422, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == "/hold_id"


async def test_the_clinic_releases_holds_of_staff_who_have_left(api: Api) -> None:
    at = await schedule(api, 3)
    clerk = await api.receptionist(at.clinic["id"])
    hold = await at.held(at.slots[0], clerk)
    own = await at.held(at.slots[1], at.patient)

    assert code_of(await at.ask("DELETE", hold, at.desk)) == (403, "forbidden")
    path = f"/v1/clinics/{at.clinic['id']}/staff/{clerk.user_id}"
    assert (await api.send("DELETE", path, api.admin)).status_code == 204

    assert code_of(await at.ask("POST", hold, at.desk, "/extend")) == (403, "forbidden")
    assert code_of(await at.ask("DELETE", hold, at.desk)) == (204, None)
    assert code_of(await at.ask("DELETE", own, at.desk)) == (403, "forbidden")
    assert (await statuses(at))[0] == "open"


async def test_a_hold_is_held_anew_for_another_service(api: Api) -> None:
    at = await schedule(api, 4)
    long, short = await service(at, 90), await service(at, 30)
    first = await at.held(at.slots[0], at.patient, service_id=long)
    beside = await at.held(at.slots[3], at.patient, service_id=short)

    again = await at.held(at.slots[0], at.patient, service_id=short)

    assert again["id"] == first["id"]
    assert await statuses(at) == ["held", "open", "open", "held"]
    over = await at.held(at.slots[2], at.patient, service_id=await service(at, 60))
    assert over["time_slot_ids"] == [at.slots[2]["id"], at.slots[3]["id"]]
    assert code_of(await at.ask("GET", beside, at.patient)) == (404, "not_found")


async def test_a_hold_keeps_the_time_between_slots(api: Api) -> None:
    """Nobody's slot lies in the gap, but both buffers do."""
    at = await schedule(api, 1)
    start = datetime.fromisoformat(at.slots[0]["starts_at"])
    one, other = [
        (await api.slots(at.doctor, 1, start=start + timedelta(hours=hours)))[0] for hours in (2, 3)
    ]
    before, after = await service(at, 30, before=20), await service(at, 30, after=20)
    await at.held(other, at.patient, service_id=before)

    refused = await at.book(one, at.other, service_id=after)
    assert code_of(refused) == (409, "slot_held")
    answer = await at.book(other, at.patient, service_id=before)
    assert code_of(answer) == (201, None)
