"""Services of different lengths on one schedule, over HTTP."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from tests.api import ZONE, Api, code_of, some_slots
from tests.booking.spans import MORNING, booked, schedule, service, starts, statuses

MINUTE = timedelta(minutes=1)
TAKEN = (409, "slot_already_booked")


async def test_a_long_service_takes_the_slots_that_follow_and_gives_them_back(api: Api) -> None:
    at = await schedule(api, 5)
    long = await service(at, 75)

    assert await starts(at, long) == [0, 1, 2]
    booking = await booked(at, 1, long)

    assert booking["time_slot_ids"] == [slot["id"] for slot in at.slots[1:4]]
    assert booking["time_slot_id"] == at.slots[1]["id"]
    assert booking["starts_at"] == at.slots[1]["starts_at"]
    assert booking["ends_at"] == at.slots[3]["ends_at"]
    assert await statuses(at) == ["open", "booked", "booked", "booked", "open"]
    assert await starts(at, long) == []
    for slot in at.slots[1:4]:
        assert code_of(await at.book(slot, at.other, service_id=await service(at, 30))) == TAKEN
    assert code_of(await at.book(at.slots[0], at.other, service_id=long)) == TAKEN
    shown = (await api.get(f"/v1/bookings/{booking['id']}", at.patient)).json()
    assert shown["time_slot_ids"] == booking["time_slot_ids"]

    await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, at.patient)
    assert await statuses(at) == ["open"] * 5
    assert await starts(at, long) == [0, 1, 2]


async def test_a_service_begins_only_where_enough_time_is_free(api: Api) -> None:
    at = await schedule(api, 8)
    long = await service(at, 60)
    at.slots.extend(await api.slots(at.doctor, 2, start=MORNING + timedelta(hours=6)))

    await booked(at, 1, await service(at, 30))
    await at.held(at.slots[4], at.other)
    await api.post(f"/v1/slots/{at.slots[7]['id']}/close", by=api.admin)

    assert await starts(at, long) == [2, 5, 8]
    assert code_of(await at.book(at.slots[3], at.patient, service_id=long)) == (409, "slot_held")
    refused = await at.book(at.slots[6], at.patient, service_id=long)
    assert code_of(refused) == (409, "slot_unavailable")
    ids = [slot["id"] for slot in refused.json()["alternatives"]]
    assert ids == [at.slots[place]["id"] for place in (5, 2, 8)]
    assert code_of(await at.book(at.slots[9], at.patient, service_id=long)) == (
        422,
        "service_not_offered",
    )
    explained = await api.get(f"/v1/slots/{at.slots[3]['id']}/explain", service_id=long)
    failed = [rule["code"] for rule in explained.json()["rules"] if not rule["passed"]]
    assert failed == ["slot_held"]


async def test_gaps_of_the_rule_are_part_of_a_long_service_and_days_are_not_crossed(
    api: Api,
) -> None:
    at = await schedule(api, 1)
    body = {
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "start_time": "22:00",
        "end_time": "24:00",
        "slot_minutes": 20,
        "gap_minutes": 10,
        "valid_from": (MORNING + timedelta(days=2)).date().isoformat(),
        "valid_until": (MORNING + timedelta(days=2)).date().isoformat(),
    }
    await api.made(f"/v1/doctors/{at.doctor['id']}/availability", body)
    after = {"start_time": "00:00", "end_time": "01:00", "gap_minutes": 0, "slot_minutes": 30}
    day = (MORNING + timedelta(days=3)).date().isoformat()
    await api.made(
        f"/v1/doctors/{at.doctor['id']}/availability",
        body | after | {"valid_from": day, "valid_until": day},
    )
    long = await service(at, 50)
    found = (await api.get("/v1/slots", doctor_id=at.doctor["id"], service_id=long)).json()
    at.slots[:] = found["items"]

    assert [slot["local_starts_at"][11:16] for slot in at.slots] == [
        "22:00",
        "22:30",
        "23:00",
        "00:00",
    ]
    booking = await booked(at, 0, long)
    assert len(booking["time_slot_ids"]) == 2
    assert booking["ends_at"] == at.slots[1]["starts_at"].replace(":30:", ":50:")
    late = await booked(at, 3, long, at.other)
    assert len(late["time_slot_ids"]) == 2


async def test_a_long_service_does_not_go_on_in_another_mode(api: Api) -> None:
    at = await schedule(api, 2)
    start = MORNING + 60 * MINUTE
    online = {"slots": [one | {"mode": "online"} for one in some_slots(2, start)]}
    made = await api.made(f"/v1/doctors/{at.doctor['id']}/slots", online)
    at.slots.extend(made["items"])
    long = await service(at, 60)

    assert await starts(at, long) == [0]
    assert code_of(await at.book(at.slots[1], at.patient, service_id=long)) == (
        422,
        "service_not_offered",
    )


async def test_buffers_are_kept_free_and_nothing_else(api: Api) -> None:
    at = await schedule(api, 7)
    short, clean = await service(at, 30), await service(at, 30, before=10, after=55)

    booking = await booked(at, 2, clean)

    assert booking["time_slot_ids"] == [at.slots[2]["id"]]
    assert (booking["starts_at"], booking["ends_at"]) == (
        at.slots[2]["starts_at"],
        at.slots[2]["ends_at"],
    )
    assert await statuses(at) == ["open", "booked", "booked", "booked", "booked", "open", "open"]
    assert await starts(at, short) == [0, 5, 6]
    # Ten minutes before it have to be free, too, and five of the slot before are not.
    assert await starts(at, clean) == [6]
    for place, of in ((1, short), (3, short), (4, short), (0, clean), (5, clean)):
        assert code_of(await at.book(at.slots[place], at.other, service_id=of)) == TAKEN

    await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, at.patient)
    assert await statuses(at) == ["open"] * 7
    assert await starts(at, clean) == list(range(7))


async def test_what_one_keeps_free_another_cannot_keep_free(api: Api) -> None:
    """Not even where no slot lies in it."""
    at = await schedule(api, 1)
    at.slots.extend(await api.slots(at.doctor, 1, start=MORNING + 50 * MINUTE))
    before, short = await service(at, 30, before=15), await service(at, 30)

    await booked(at, 0, await service(at, 30, after=15))

    assert await starts(at, before) == []
    assert await starts(at, short) == [1]
    path = f"/v1/slots/{at.slots[1]['id']}/explain"
    rules = (await api.get(path, service_id=before)).json()["rules"]
    assert [one["code"] for one in rules if not one["passed"]] == ["slot_already_booked"]
    assert code_of(await at.book(at.slots[1], at.other, service_id=before)) == TAKEN
    await booked(at, 1, short, at.other)


async def test_a_slot_between_two_bookings_opens_when_both_let_go_of_it(api: Api) -> None:
    at = await schedule(api, 5)
    before, after = await service(at, 30, before=15), await service(at, 30, after=15)
    first, second = await booked(at, 1, after), await booked(at, 3, before, at.other)

    for booking, status in ((first, "booked"), (second, "open")):
        await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, at.desk)
        assert await at.status(at.slots[2]) == status


async def test_slots_that_are_added_around_a_booking_are_kept_free_as_well(api: Api) -> None:
    at = await schedule(api, 1)
    booking = await booked(at, 0, await service(at, 30, before=20, after=20))
    end = MORNING + 30 * MINUTE

    at.slots.extend(await api.slots(at.doctor, 2, start=end))
    at.slots.extend(await api.slots(at.doctor, 1, start=MORNING - 30 * MINUTE))

    assert await statuses(at) == ["booked", "booked", "open", "booked"]
    await api.post(f"/v1/bookings/{booking['id']}/cancel", {}, at.patient)
    assert await statuses(at) == ["open"] * 4


async def test_a_booking_moves_by_one_of_its_own_slots(api: Api) -> None:
    at = await schedule(api, 6)
    booking = await booked(at, 0, await service(at, 60, after=10))

    moved = await api.post(
        f"/v1/bookings/{booking['id']}/reschedule", {"time_slot_id": at.slots[1]["id"]}, at.patient
    )

    assert moved.status_code == 200, moved.text
    assert moved.json()["time_slot_ids"] == [slot["id"] for slot in at.slots[1:3]]
    assert await statuses(at) == ["open", "booked", "booked", "booked", "open", "open"]
    there = {"time_slot_id": at.slots[4]["id"]}
    await api.post(f"/v1/bookings/{booking['id']}/reschedule", there, at.patient)
    assert await statuses(at) == ["open"] * 4 + ["booked"] * 2


async def test_the_day_shows_all_slots_of_a_booking_and_what_is_kept_free_for_it(api: Api) -> None:
    at = await schedule(api, 4)
    booking = await booked(at, 0, await service(at, 60, after=10))

    path = f"/v1/doctors/{at.doctor['id']}/day"
    day = MORNING.astimezone(ZoneInfo(ZONE)).date().isoformat()
    shown = (await api.get(path, at.desk, date=day)).json()

    (found,) = [one for one in shown["bookings"] if one["id"] == booking["id"]]
    assert found["time_slot_ids"] == booking["time_slot_ids"]
    slots = {one["id"]: (one["booking_id"], one["kept_free_for"]) for one in shown["slots"]}
    told = [slots[slot["id"]] for slot in at.slots]
    assert told == [
        (booking["id"], []),
        (booking["id"], []),
        (None, [booking["id"]]),
        (None, []),
    ]


async def test_whoever_is_busy_later_is_not_shown_where_a_long_service_would_reach(
    api: Api,
) -> None:
    at, other = await schedule(api, 5), await api.doctor(await api.clinic())
    (elsewhere,) = await api.slots(other, start=MORNING + 60 * MINUTE)
    await api.book(elsewhere, at.patient)
    wanted = {"clinic_id": at.clinic["id"], "exclude_my_conflicts": True}

    for minutes, places in ((30, [0, 1, 3, 4]), (45, [0, 3]), (75, [])):
        about = wanted | {"service_id": await service(at, minutes)}
        found = (await api.get("/v1/slots", at.patient, **about)).json()["items"]
        assert [slot["id"] for slot in found] == [at.slots[place]["id"] for place in places]
