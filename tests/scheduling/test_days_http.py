"""A day of slots is a day of the clinic's calendar, wherever the page is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.api import START, Api, code_of

ZONE = "Pacific/Auckland"


async def starts(api: Api, **query: Any) -> list[str]:
    answer = await api.get("/v1/slots", **query)
    assert answer.status_code == 200, answer.text
    return [slot["starts_at"] for slot in answer.json()["items"]]


async def test_a_day_begins_and_ends_with_the_clinics_midnights(api: Api) -> None:
    clinic = await api.clinic(time_zone=ZONE)
    doctor = await api.doctor(clinic)
    day = START.astimezone(ZoneInfo(ZONE)).date() + timedelta(days=1)
    midnights = [
        datetime.combine(day + timedelta(days=more), datetime.min.time(), ZoneInfo(ZONE))
        for more in (0, 1)
    ]
    before, first = midnights[0] - timedelta(hours=1), midnights[0]
    last, after = midnights[1] - timedelta(hours=1), midnights[1]
    for at in (before, first, last, after):
        await api.slots(doctor, start=at.astimezone(UTC), minutes=60)
    of_day = [f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (first, last)]
    for whose in ({"doctor_id": doctor["id"]}, {"clinic_id": clinic["id"]}):
        # Also where the same was asked before.
        for _ in range(3):
            assert await starts(api, date=str(day), **whose) == of_day
    page = await api.get("/v1/slots", date=str(day), doctor_id=doctor["id"], limit=1)
    follow = page.json()["next_cursor"]
    query = {"date": str(day), "doctor_id": doctor["id"], "limit": 1, "cursor": follow}
    assert await starts(api, **query) == of_day[1:]


async def test_a_clinic_that_moves_its_clock_moves_its_days(api: Api) -> None:
    clinic = await api.clinic(time_zone="Europe/Berlin")
    doctor = await api.doctor(clinic)
    day = START.date() + timedelta(days=2)
    late = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=23, minutes=30)
    await api.slots(doctor, start=late)
    query = {"date": str(day + timedelta(days=1)), "doctor_id": doctor["id"]}
    found = [await starts(api, **query) for _ in range(2)]
    changed = await api.send(
        "PATCH",
        f"/v1/clinics/{clinic['id']}",
        api.admin,
        json={"time_zone": "UTC"},
    )
    assert changed.status_code == 200, changed.text
    assert [len(one) for one in found] == [1, 1]
    assert await starts(api, **query) == []
    assert len(await starts(api, date=str(day), doctor_id=doctor["id"])) == 1


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"date": "2027-03-01", "from": "2027-03-01T00:00:00Z"}, "/date"),
        ({"date": "2027-03-01", "to": "2027-03-02T00:00:00Z"}, "/date"),
    ],
)
async def test_a_day_takes_the_place_of_a_range(
    api: Api, query: dict[str, str], pointer: str
) -> None:
    clinic = await api.clinic()
    answer = await api.get("/v1/slots", clinic_id=clinic["id"], **query)
    assert code_of(answer) == (422, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_day_is_of_somebodys_calendar(api: Api) -> None:
    answer = await api.get("/v1/slots", date="2027-03-01")
    assert code_of(answer) == (422, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == "/doctor_id"
    nobody = "0192f0c1-2b3c-7d4e-8f50-617283940001"
    answer = await api.get("/v1/slots", date="2027-03-01", doctor_id=nobody)
    assert answer.json()["errors"][0] | {"detail": ""} == {
        "in": "query",
        "pointer": "/doctor_id",
        "detail": "",
        "code": "unknown",
    }


async def test_a_day_that_was_skipped_is_told_as_that(api: Api) -> None:
    clinic = await api.clinic(time_zone="Pacific/Apia")
    answer = await api.get("/v1/slots", clinic_id=clinic["id"], date="2011-12-30")
    assert code_of(answer) == (422, "nonexistent_local_time")
