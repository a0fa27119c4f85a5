"""Holds, overrides and bulk cancellations where services take several slots."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.api import Api, code_of
from tests.booking.holding import Keeping
from tests.booking.spans import MORNING, booked, schedule, service, statuses

MINUTE = timedelta(minutes=1)


async def test_a_hold_for_a_service_keeps_all_that_it_takes(api: Api) -> None:
    at = await schedule(api, 6)
    long, short = await service(at, 60, before=10, after=10), await service(at, 30)

    hold = await at.held(at.slots[1], at.patient, service_id=long)

    assert hold["time_slot_ids"] == [slot["id"] for slot in at.slots[1:3]]
    assert (hold["starts_at"], hold["ends_at"]) == (
        at.slots[1]["starts_at"],
        at.slots[2]["ends_at"],
    )
    assert await statuses(at) == ["held"] * 4 + ["open"] * 2
    for place in range(4):
        answer = await at.book(at.slots[place], at.other, service_id=short)
        assert code_of(answer) == (409, "slot_held")
    assert (await at.held(at.slots[1], at.patient, service_id=long))["id"] == hold["id"]
    longer = await at.ask("POST", hold, at.patient, "/extend")
    assert longer.json()["time_slot_ids"] == hold["time_slot_ids"]
    await at.pass_time(hold)
    assert await statuses(at) == ["held"] * 4 + ["open"] * 2

    answer = await at.book(at.slots[1], at.patient, service_id=long, hold_id=hold["id"])
    assert code_of(answer) == (201, None)
    assert await statuses(at) == ["booked"] * 4 + ["open"] * 2
    assert code_of(await at.ask("GET", hold, at.patient)) == (404, "not_found")


async def test_a_hold_ends_with_the_booking_even_where_it_kept_more(api: Api) -> None:
    at = await schedule(api, 3)
    long, short = await service(at, 90), await service(at, 30)
    hold = await at.held(at.slots[0], at.patient, service_id=long)

    answer = await at.book(at.slots[0], at.patient, service_id=short, hold_id=hold["id"])

    assert code_of(answer) == (201, None)
    assert await statuses(at) == ["booked", "open", "open"]
    other = await at.held(at.slots[1], at.other, service_id=await service(at, 60))
    assert code_of(await at.ask("DELETE", other, at.other)) == (204, None)
    assert await statuses(at) == ["booked", "open", "open"]


async def test_what_is_not_offered_is_not_held_for(api: Api) -> None:
    at = await schedule(api, 1)

    for service_id in (str(uuid4()), await service(at, 31)):
        refused = await at.hold(at.slots[0], at.patient, service_id=service_id)
        assert code_of(refused) == (422, "service_not_offered")


async def test_three_holds_of_several_slots_are_three_holds(api: Api) -> None:
    at = await schedule(api, 8)
    long = await service(at, 60)

    for place in (0, 2, 4):
        await at.held(at.slots[place], at.patient, service_id=long)

    refused = await at.hold(at.slots[6], at.patient, service_id=long)
    assert code_of(refused) == (409, "too_many_holds")
    # What is held already is not counted.
    assert code_of(await at.hold(at.slots[0], at.patient, service_id=long)) == (201, None)


async def test_staff_book_over_a_part_and_inherit_it_when_it_is_left(api: Api) -> None:
    at = await schedule(api, 3)
    short, long = await service(at, 30), await service(at, 60)
    first = await booked(at, 0, short)
    override = {"reason": "Emergency", "codes": ["slot_already_booked"]}
    other = await at.knows(at.other)

    answer = await at.book(at.slots[0], at.desk, service_id=long, override=override, **other)

    assert answer.status_code == 201, answer.text
    assert answer.json()["overbooked"]
    assert await statuses(at) == ["booked", "booked", "open"]
    await api.post(f"/v1/bookings/{first['id']}/cancel", {}, at.desk)
    heir = (await api.get(f"/v1/bookings/{answer.json()['id']}", at.desk)).json()
    assert not heir["overbooked"]
    assert await statuses(at) == ["booked", "booked", "open"]
    await api.post(f"/v1/bookings/{heir['id']}/cancel", {}, at.desk)
    assert await statuses(at) == ["open"] * 3


async def test_whoever_was_overbooked_over_two_owns_both_when_both_have_left(api: Api) -> None:
    at = await schedule(api, 3)
    about = await known(at)
    owners = [await booked(at, place, await service(at, 30)) for place in (0, 1)]
    over = await at.book(at.slots[0], at.desk, service_id=await service(at, 60), **about)
    assert over.status_code == 201, over.text

    for owner, is_overbooked in zip(owners, (True, False), strict=True):
        await api.post(f"/v1/bookings/{owner['id']}/cancel", {}, at.desk)
        assert await statuses(at) == ["booked", "booked", "open"]
        shown = (await api.get(f"/v1/bookings/{over.json()['id']}", at.desk)).json()
        assert shown["overbooked"] == is_overbooked


async def known(at: Keeping) -> Any:
    """Make the other patient known to the clinic, which staff book for."""
    override = {"reason": "Emergency", "codes": ["slot_already_booked"]}
    return {"override": override, **await at.knows(at.other)}


async def test_staff_book_into_time_that_is_kept_free(api: Api) -> None:
    at = await schedule(api, 3)
    about = await known(at)
    first = await booked(at, 0, await service(at, 30, after=20))

    answer = await at.book(at.slots[1], at.desk, service_id=await service(at, 30), **about)

    assert answer.status_code == 201, answer.text
    assert answer.json()["overbooked"]
    assert await statuses(at) == ["booked", "booked", "open"]
    await api.post(f"/v1/bookings/{first['id']}/cancel", {}, at.desk)
    assert await statuses(at) == ["open", "booked", "open"]
    await api.post(f"/v1/bookings/{answer.json()['id']}/cancel", {}, at.desk)
    assert await statuses(at) == ["open"] * 3


async def test_time_is_kept_free_towards_what_is_overbooked_as_well(api: Api) -> None:
    at = await schedule(api, 3)
    about = await known(at)
    await booked(at, 0, await service(at, 30))
    over = await at.book(at.slots[0], at.desk, service_id=await service(at, 60), **about)
    assert over.status_code == 201, over.text

    clean = await service(at, 30, before=15)
    refused = await at.book(at.slots[2], at.patient, service_id=clean)

    assert code_of(refused) == (409, "slot_already_booked")


async def test_no_override_makes_a_service_that_there_is_not(api: Api) -> None:
    at = await schedule(api, 1)
    await service(at, 30)

    answer = await at.book(
        at.slots[0],
        at.desk,
        service_id=str(uuid4()),
        override={"reason": "Emergency", "codes": ["service_not_offered"]},
        **await at.knows(at.patient),
    )

    assert code_of(answer) == (422, "service_not_offered")


async def test_time_off_over_a_part_frees_all_the_rest(api: Api) -> None:
    at = await schedule(api, 6)
    await booked(at, 1, await service(at, 60, before=10, after=10))
    begins = MORNING + 70 * MINUTE
    body = {"starts_at": begins.isoformat(), "ends_at": (begins + MINUTE).isoformat()}

    path = f"/v1/doctors/{at.doctor['id']}/time-off?on_conflict=cancel"
    await api.made(path, body, at.desk)

    assert await statuses(at) == ["open", "open", "closed", "open", "open", "open"]


async def test_a_removed_patient_leaves_every_slot_and_all_around(api: Api) -> None:
    at = await schedule(api, 6)
    about = {"clinic_id": at.clinic["id"], "full_name": "Example Patient"}
    patient = await api.made("/v1/patients", about, at.desk)
    long = await service(at, 60, before=10, after=10)
    answer = await at.book(at.slots[1], at.desk, patient_id=patient["id"], service_id=long)
    assert answer.status_code == 201, answer.text

    path = f"/v1/patients/{patient['id']}?on_conflict=cancel"
    assert code_of(await api.send("DELETE", path, at.desk)) == (204, None)

    assert await statuses(at) == ["open"] * 6


async def test_a_hold_that_loses_a_slot_to_time_off_is_over_in_all_of_them(api: Api) -> None:
    at = await schedule(api, 4)
    long = await service(at, 60, after=30)
    hold = await at.held(at.slots[0], at.patient, service_id=long)
    away = {"starts_at": at.slots[1]["starts_at"], "ends_at": at.slots[1]["ends_at"]}
    made = await api.made(f"/v1/doctors/{at.doctor['id']}/time-off", away, at.api.admin)

    assert await statuses(at) == ["open", "closed", "open", "open"]
    assert code_of(await at.ask("GET", hold, at.patient)) == (404, "not_found")
    gone = await api.send("DELETE", f"/v1/time-off/{made['id']}", api.admin)
    assert gone.status_code == 204
    assert await statuses(at) == ["open"] * 4


async def test_time_kept_free_around_a_hold_is_kept_where_no_slot_stands(api: Api) -> None:
    at = await schedule(api, 3)
    gone = await api.send("DELETE", f"/v1/slots/{at.slots[1]['id']}", at.desk)
    assert gone.status_code == 204, gone.text
    behind, before = await service(at, 30, after=20), await service(at, 30, before=20)
    hold = await at.held(at.slots[0], at.patient, service_id=behind)
    wanted = {"clinic_id": at.clinic["id"], "service_id": before}

    assert code_of(await at.book(at.slots[2], at.other, service_id=before)) == (409, "slot_held")
    assert (await api.get("/v1/slots", **wanted)).json()["items"] == []

    answer = await at.book(at.slots[0], at.patient, service_id=behind, hold_id=hold["id"])
    assert code_of(answer) == (201, None)
