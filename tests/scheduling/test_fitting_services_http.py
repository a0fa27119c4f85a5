"""What a slot says of the service that was asked for: until when it lasts, and what it costs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.api import START, ZONE, Api

Made = dict[str, Any]
PRICE = {"amount": 4500, "currency": "EUR"}
DAY = (START + timedelta(days=1)).astimezone(ZoneInfo(ZONE)).date()
RULE = {
    "weekdays": [1, 2, 3, 4, 5, 6, 7],
    "start_time": "09:00",
    "end_time": "12:00",
    "mode": "in_person",
    "valid_from": DAY.isoformat(),
    "valid_until": DAY.isoformat(),
}


async def hours(api: Api, slot: int, gap: int) -> tuple[Made, Made]:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    body = RULE | {"slot_minutes": slot, "gap_minutes": gap}
    await api.made(f"/v1/doctors/{doctor['id']}/availability", body)
    return clinic, doctor


async def service(api: Api, doctor: Made, minutes: int, **about: Any) -> Made:
    clinic = {"id": doctor["clinic_id"]}
    return await api.service(clinic, duration_minutes=minutes, doctor_ids=[doctor["id"]], **about)


async def found(api: Api, service_id: str) -> list[Made]:
    answer = await api.get("/v1/slots", service_id=service_id, limit=200)
    assert answer.status_code == 200, answer.text
    items: list[Made] = answer.json()["items"]
    return items


def local(text: str) -> str:
    return text[11:16]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (25, ["09:25", "09:55", "10:25", "10:55", "11:25", "11:55"]),
        (26, ["09:55", "10:25", "10:55", "11:25", "11:55"]),
        (30, ["09:55", "10:25", "10:55", "11:25", "11:55"]),
        (31, ["09:55", "10:25", "10:55", "11:25", "11:55"]),
        (55, ["09:55", "10:25", "10:55", "11:25", "11:55"]),
        (56, ["10:25", "10:55", "11:25", "11:55"]),
        (175, ["11:55"]),
        (176, []),
    ],
)
async def test_a_service_takes_slots_until_its_end_is_covered(
    api: Api, minutes: int, expected: list[str]
) -> None:
    """One that ends inside a gap takes the slot behind the gap, too."""
    _, doctor = await hours(api, 25, 5)
    wanted = await service(api, doctor, minutes)

    slots = await found(api, wanted["id"])

    assert [local(slot["service"]["local_ends_at"]) for slot in slots] == expected


async def test_more_minutes_never_make_more_offers(api: Api) -> None:
    for slot, gap in ((25, 5), (10, 20)):
        _, doctor = await hours(api, slot, gap)
        last = 1000
        for minutes in range(slot - 1, 3 * (slot + gap), 2):
            many = len(await found(api, (await service(api, doctor, minutes))["id"]))
            assert many <= last, (slot, gap, minutes)
            last = many


async def test_long_gaps_and_buffers_leave_as_many_starts_as_there_are(api: Api) -> None:
    """Slots of 10 minutes each half hour, a service of 30 with 30 after it: until 12:10."""
    _, doctor = await hours(api, 10, 20)
    wanted = await service(api, doctor, 30, buffer_after_minutes=30)

    slots = await found(api, wanted["id"])

    assert [local(slot["local_starts_at"]) for slot in slots] == [
        "09:00",
        "09:30",
        "10:00",
        "10:30",
        "11:00",
    ]
    assert {slot["service"]["duration_minutes"] for slot in slots} == {30}
    assert local(slots[0]["service"]["local_ends_at"]) == "09:40"


async def test_a_slot_carries_the_service_that_was_asked_for_and_else_none(api: Api) -> None:
    clinic, doctor = await hours(api, 30, 0)
    wanted = await service(api, doctor, 45, price=PRICE, name="Long Talk")

    slot = (await found(api, wanted["id"]))[0]
    (soonest,) = (await api.get("/v1/slots/next", service_id=wanted["id"])).json()["items"]

    assert soonest["slots"] == [slot]
    start = datetime.fromisoformat(slot["starts_at"])
    end = datetime.fromisoformat(slot["service"]["ends_at"])
    assert end - start == timedelta(minutes=60)
    assert datetime.fromisoformat(slot["service"]["local_ends_at"]) == end
    assert slot["service"] == {
        "id": wanted["id"],
        "name": "Long Talk",
        "starts_at": slot["starts_at"],
        "ends_at": slot["service"]["ends_at"],
        "local_ends_at": slot["service"]["local_ends_at"],
        "duration_minutes": 45,
        "price": {"amount": 4500, "currency": "EUR"},
    }
    plain = (await api.get("/v1/slots", clinic_id=clinic["id"])).json()["items"]
    assert {str(one["service"]) for one in plain} == {"None"}
    free = await service(api, doctor, 30)
    assert (await found(api, free["id"]))[0]["service"]["price"] is None


async def test_a_change_of_the_service_or_of_a_later_slot_shows_at_once(api: Api) -> None:
    """The page is kept; the slot that it begins with is as it was."""
    _, doctor = await hours(api, 30, 0)
    wanted = await service(api, doctor, 45)
    path = f"/v1/slots?service_id={wanted['id']}&limit=1"

    async def first() -> Made:
        item: Made = (await api.client.get(path)).json()["items"][0]["service"]
        return item

    assert await first() == await first()
    change = {"name": "Another Name", "price": {"amount": 100, "currency": "EUR"}}
    await api.send("PATCH", f"/v1/services/{wanted['id']}", api.admin, json=change)
    assert ((await first())["name"], (await first())["price"]["amount"]) == ("Another Name", 100)


async def test_a_longer_last_slot_shows_at_once(api: Api) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    start = START.replace(hour=6)
    one, two = await api.slots(doctor, 2, start=start)
    wanted = await service(api, doctor, 45)
    path = f"/v1/slots?service_id={wanted['id']}"
    ends = [(await api.client.get(path)).json()["items"][0]["service"]["ends_at"]]

    await api.send("DELETE", f"/v1/slots/{two['id']}", api.admin)
    await api.slots(doctor, 1, start=start + timedelta(minutes=30), minutes=40)

    (item,) = (await api.client.get(path)).json()["items"]
    assert item["id"] == one["id"]
    ends.append(item["service"]["ends_at"])
    assert [
        (datetime.fromisoformat(end).astimezone(UTC) - start) // timedelta(minutes=1)
        for end in ends
    ] == [60, 70]
