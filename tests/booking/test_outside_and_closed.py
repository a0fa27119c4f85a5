"""A slot that no rule wants, and whatever else closes slots: each opens only what it closed."""

import asyncpg
import pytest

from tests.api import Api, code_of
from tests.booking.week import Week


async def test_time_off_before_the_rule_went_does_not_open_it_when_it_ends(api: Api) -> None:
    week = await Week.of(api)
    booking = await week.book()
    away = await week.take_off()
    await week.drop_rule()
    assert (await week.row(), await week.outside()) == (("time_off", True), [booking["id"]])

    await week.end(away)

    assert await week.row() == ("outside_availability", True)
    await week.cancel(booking)
    assert await week.state() == "gone"


async def test_time_off_after_the_rule_went_is_respected_when_it_comes_back(api: Api) -> None:
    week = await Week.of(api)
    booking = await week.book()
    await week.drop_rule()
    first = await week.take_off()
    assert await week.row() == ("time_off", True)
    await week.make_rule()
    assert await week.row() == ("time_off", False)
    await week.end(first)
    assert await week.row() == (None, False)
    # And where it came before the mark did, and after that was gone.
    second = await week.take_off()
    await week.extend()
    await week.cancel(booking)
    assert await week.state() == "closed"
    await week.end(second)
    assert await week.state() == "open"


async def test_a_slot_that_a_rule_wants_again_is_closed_where_time_off_stands(api: Api) -> None:
    week = await Week.of(api)
    await week.book()
    await week.drop_rule()
    away = await week.take_off()
    assert await week.row() == ("time_off", True)

    await week.make_rule()

    assert await week.row() == ("time_off", False)
    await week.end(away)
    assert await week.row() == (None, False)


async def test_time_off_and_the_removal_of_the_doctor_end_a_hold_outside_of_the_rules(
    api: Api,
) -> None:
    for end in ("time off", "removal"):
        week = await Week.of(api)
        await api.post("/v1/holds", {"time_slot_id": week.slots[0]["id"]}, week.patient)
        await week.drop_rule()
        if end == "time off":
            away = await week.take_off()
        else:
            await api.send("DELETE", f"/v1/doctors/{week.doctor['id']}", api.admin)
        is_shown = end == "time off"
        assert await week.state() == ("closed" if is_shown else "gone"), end
        refused = (409, "slot_unavailable") if is_shown else (404, "slot_not_found")
        assert code_of(await api.book(week.slots[0], week.patient)) == refused
        if end == "time off":
            await week.end(away)
        else:
            await api.post(f"/v1/doctors/{week.doctor['id']}/restore", by=api.admin)
        assert await week.row() == ("outside_availability", True), end
        # The absence gives its time back to the hours; a plan does so after the restoring.
        assert await week.state() == ("gone" if end == "time off" else "closed"), end


async def test_a_hand_does_not_open_what_no_rule_wants(api: Api) -> None:
    week = await Week.of(api)
    slot = f"/v1/slots/{week.slots[0]['id']}"
    assert (await api.post(f"{slot}/close", by=week.desk)).status_code == 200
    guest = await api.made(
        "/v1/patients",
        {"clinic_id": week.doctor["clinic_id"], "full_name": "Example Guest"},
        week.desk,
    )
    override = {"reason": "Emergency", "codes": ["slot_unavailable"]}
    booked = await api.book(week.slots[0], week.desk, patient_id=guest["id"], override=override)
    assert booked.status_code == 201
    await week.drop_rule()
    assert (await week.row(), await week.outside()) == (("by_hand", True), [booked.json()["id"]])

    refused = await api.post(f"{slot}/reopen", by=week.desk)

    assert code_of(refused) == (409, "slot_unavailable")
    assert await week.row() == ("by_hand", True)


async def test_nothing_opens_a_slot_that_no_rule_wants(api: Api) -> None:
    """A statement that forgot about it would be refused by the table."""
    week = await Week.of(api)
    await week.book()
    await week.drop_rule()
    async with api.container.database().reading() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE time_slots SET closed_because = NULL")


async def test_who_is_overbooked_outside_of_the_rules_is_listed(api: Api) -> None:
    week = await Week.of(api)
    booking = await week.book()
    override = {"reason": "Emergency", "codes": ["slot_already_booked"]}
    guests = []
    for _ in range(2):
        about = {"clinic_id": week.doctor["clinic_id"], "full_name": "Example Guest"}
        guest = await api.made("/v1/patients", about, week.desk)
        over = await api.book(week.slots[0], week.desk, patient_id=guest["id"], override=override)
        guests.append(over.json()["id"])
    await week.drop_rule()
    assert sorted(await week.outside()) == sorted([booking["id"], *guests])

    await week.cancel(booking)

    # One of them has the slot now.
    assert (await week.state(), sorted(await week.outside())) == ("booked", sorted(guests))


async def test_the_list_is_of_one_clinic_or_doctor_and_of_what_the_caller_may_see(
    api: Api,
) -> None:
    week, other = await Week.of(api), await Week.of(api)
    bookings = [await week.book(place) for place in range(3)]
    elsewhere = await other.book()
    await week.drop_rule()
    await other.drop_rule()
    whose = {"clinic_id": week.doctor["clinic_id"], "outside_availability": "true"}

    first = (await api.get("/v1/bookings", week.desk, limit=2, **whose)).json()
    second = await api.get("/v1/bookings", week.desk, limit=2, cursor=first["next_cursor"], **whose)

    found = [one["id"] for one in (*first["items"], *second.json()["items"])]
    assert found == [one["id"] for one in bookings]
    assert await other.outside() == [elsewhere["id"]]
    assert (await api.get("/v1/bookings", other.desk, **whose)).json()["items"] == []
    later = await api.get("/v1/bookings", week.desk, **whose, **{"from": bookings[1]["starts_at"]})
    assert len(later.json()["items"]) == 2
    alone = await api.get("/v1/bookings", week.desk, outside_availability="true")
    assert code_of(alone) == (422, "validation_error")
    assert alone.json()["errors"][0]["pointer"] == "/outside_availability"
    everything = await api.get("/v1/bookings", week.desk, outside_availability="false")
    assert len(everything.json()["items"]) == 3
