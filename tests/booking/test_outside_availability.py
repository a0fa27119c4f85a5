"""What a rule leaves behind: kept for whoever has it, listed, and never sold again."""

from typing import Any
from uuid import UUID

import pytest

from tests.api import Api, code_of
from tests.booking.week import DAY, HOURS, Week


async def _changed_away(week: Week) -> None:
    path = f"/v1/availability/{week.rule['id']}"
    answer = await week.api.send("PATCH", path, week.desk, json={"start_time": "10:00"})
    assert answer.status_code == 200


async def _dropped(week: Week) -> None:
    await week.drop_rule()


async def _found_by_the_horizon(week: Week) -> None:
    """As it was before there was such a mark."""
    async with week.api.container.database().reading() as connection:
        await connection.execute("UPDATE availability_rules SET deleted_at = now()")
    await week.extend()


@pytest.mark.parametrize("leave", [_changed_away, _dropped, _found_by_the_horizon])
async def test_a_booked_slot_that_no_rule_wants_is_listed_and_does_not_open(
    api: Api, leave: Any
) -> None:
    week = await Week.of(api)
    booking, other = await week.book(), await week.book(3)
    assert await week.outside() == []

    await leave(week)

    expected = [booking["id"]] if leave is _changed_away else [booking["id"], other["id"]]
    assert await week.outside() == expected
    assert await week.outside(doctor_id=week.doctor["id"]) == expected
    assert (await week.state(), await week.row()) == ("booked", ("outside_availability", True))
    path = f"/v1/doctors/{week.doctor['id']}/day"
    day = (await api.get(path, week.desk, date=DAY.isoformat())).json()
    for kind in ("slots", "bookings"):
        assert [one["outside_availability"] for one in day[kind] if one["starts_at"] ==
                booking["starts_at"]] == [True]  # fmt: skip
    read = (await api.get(f"/v1/bookings/{booking['id']}", week.patient)).json()
    assert read["status"] == "confirmed"

    await week.cancel(booking)

    assert await week.state() == "gone"
    assert week.slots[0]["id"] not in await week.offered()
    refused = await api.book(week.slots[0], await api.patient())
    assert code_of(refused) == (404, "slot_not_found")
    assert booking["id"] not in await week.outside()
    reopened = await api.post(f"/v1/slots/{week.slots[0]['id']}/reopen", by=week.desk)
    assert code_of(reopened) == (404, "slot_not_found")


async def test_a_slot_that_no_rule_wants_goes_with_the_booking_that_moves_away(api: Api) -> None:
    week = await Week.of(api)
    booking = await week.book()
    await _changed_away(week)
    path = f"/v1/bookings/{booking['id']}/reschedule"

    moved = await api.post(path, {"time_slot_id": week.slots[2]["id"]}, week.patient)

    assert moved.status_code == 200, moved.text
    assert (await week.state(), await week.outside()) == ("gone", [])


async def test_a_rule_that_wants_the_slot_again_takes_the_mark_away(api: Api) -> None:
    week = await Week.of(api)
    booking = await week.book()
    await week.drop_rule()

    again = await week.make_rule()

    # Three were made anew, and the fourth belongs to the new rule.
    assert again["generated_slots"] == 3
    assert (await week.row(), await week.outside()) == ((None, False), [])
    path = f"/v1/availability/{again['id']}"
    assert (await api.send("DELETE", path, week.desk)).status_code == 200
    assert await week.outside() == [booking["id"]]
    await week.make_rule(start_time="08:00")
    await week.cancel(booking)
    assert await week.state() == "open"


async def test_what_is_left_over_makes_room_for_a_new_rule(api: Api) -> None:
    week = await Week.of(api)
    booking = await week.book()
    await week.drop_rule()
    await week.cancel(booking)
    hours = {"start_time": "09:15", "end_time": "09:45"}
    path = f"/v1/doctors/{week.doctor['id']}/availability"

    dry = await api.post(path, HOURS | hours, week.desk, params={"dry_run": "true"})
    made = await week.make_rule(**hours)

    # It was closed before.
    assert dry.json() == {"opened_slots": 1, "closed_slots": 0, "kept_bookings": []}
    assert (made["generated_slots"], await week.state()) == (1, "gone")


async def test_what_lies_beyond_a_shorter_horizon_is_not_outside_of_the_rules(api: Api) -> None:
    week = await Week.of(api)
    booking = await week.book()
    clinic = f"/v1/clinics/{week.doctor['clinic_id']}"
    policy = {"policy": {"horizon_days": 1}}
    assert (await api.send("PATCH", clinic, api.admin, json=policy)).status_code == 200

    await week.extend()

    assert await week.outside() == []
    await week.drop_rule()
    assert await week.outside() == [booking["id"]]


async def test_who_holds_a_slot_may_still_book_it_and_nobody_else(api: Api) -> None:
    week = await Week.of(api)
    for place in range(3):
        held = await api.post("/v1/holds", {"time_slot_id": week.slots[place]["id"]}, week.patient)
        assert held.status_code == 201
    await week.drop_rule()
    assert [await week.state(place) for place in range(3)] == ["held"] * 3
    other = await api.patient()
    assert code_of(await api.book(week.slots[0], other)) == (409, "slot_held")
    assert await week.offered() == set()

    booking = await week.book()
    gone = await api.send("DELETE", f"/v1/holds/{held.json()['id']}", week.patient)
    async with api.container.database().reading() as connection:
        await connection.execute(
            "UPDATE time_slots SET held_until = now() WHERE id = $1", UUID(week.slots[1]["id"])
        )

    assert gone.status_code == 204
    assert [await week.state(place) for place in range(3)] == ["booked", "closed", "gone"]
    for place, refusal in ((1, (409, "slot_unavailable")), (2, (404, "slot_not_found"))):
        for by in (week.patient, other):
            assert code_of(await api.book(week.slots[place], by)) == refusal
    assert await week.offered() == set()
    assert await week.outside() == [booking["id"]]
