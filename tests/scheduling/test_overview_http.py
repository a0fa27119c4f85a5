"""Who has time first, and on which days of the month there is anything."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from booking_system.scheduling.adapters import overview
from tests.api import START, Api, Person, code_of

Made = dict[str, Any]
HOUR = timedelta(hours=1)


async def soonest(api: Api, **about: Any) -> list[tuple[str, list[str]]]:
    answer = await api.get("/v1/slots/next", **about)
    assert code_of(answer) == (200, None), answer.text
    return [
        (one["doctor"]["id"], [slot["id"] for slot in one["slots"]])
        for one in answer.json()["items"]
    ]


@pytest.fixture(params=[200, 0], ids=["few doctors", "many doctors"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways through the statement find the same."""
    monkeypatch.setattr(overview, "ONE_BY_ONE", request.param)


@pytest.mark.usefixtures("ways")
async def test_the_soonest_doctor_comes_first_with_their_first_slots(api: Api) -> None:
    clinic = await api.clinic()
    doctors = [await api.doctor(clinic) for _ in range(3)]
    slots = [
        await api.slots(doctor, 3, start=START + delay * HOUR)
        for doctor, delay in zip(doctors, (4, 0, 2), strict=True)
    ]
    late, first, second = [
        (doctor["id"], [slot["id"] for slot in own])
        for doctor, own in zip(doctors, slots, strict=True)
    ]

    assert await soonest(api) == [(who, own[:1]) for who, own in (first, second, late)]
    assert await soonest(api, per_doctor=2, limit=2) == [
        (who, own[:2]) for who, own in (first, second)
    ]
    after = (START + HOUR).isoformat()
    assert await soonest(api, after=after) == [
        (first[0], [first[1][2]]),
        (second[0], second[1][:1]),
        (late[0], late[1][:1]),
    ]
    await api.book(slots[1][0], await api.patient())
    await api.post(f"/v1/slots/{slots[1][1]['id']}/close", by=api.admin)
    await api.post("/v1/holds", {"time_slot_id": slots[1][2]["id"]})
    assert await soonest(api, per_doctor=3) == [second, late]


@pytest.mark.usefixtures("ways")
async def test_every_filter_holds(api: Api) -> None:
    one, two = await api.clinic(), await api.clinic()
    heart = await api.doctor(one, specialty="Cardiology", languages=["en"])
    skin = await api.doctor(two, specialty="Dermatology", languages=["de", "en"])
    other = await api.doctor(two, specialty="Dermatology", languages=["de"])
    for doctor in (heart, skin, other):
        await api.slots(doctor, 2)
    service = await api.service(two, doctor_ids=[skin["id"]])
    long = await api.service(two, doctor_ids=[skin["id"]], duration_minutes=61)
    removed = await api.doctor(one)
    await api.slots(removed)
    await api.send("DELETE", f"/v1/doctors/{removed['id']}", api.admin)

    for params, expected in (
        ({}, {heart["id"], skin["id"], other["id"]}),
        ({"clinic_id": two["id"]}, {skin["id"], other["id"]}),
        ({"specialty": "cardiology"}, {heart["id"]}),
        ({"language": "en"}, {heart["id"], skin["id"]}),
        ({"service_id": service["id"]}, {skin["id"]}),
        ({"service_id": long["id"]}, set()),
        ({"mode": "online"}, set()),
        ({"mode": "in_person", "clinic_id": one["id"]}, {heart["id"]}),
    ):
        assert {who for who, _ in await soonest(api, **params)} == expected, params


async def test_notice_and_horizon_hold_for_the_soonest_as_well(api: Api) -> None:
    clinic = await api.clinic(policy={"min_notice_minutes": 60 * 24 * 3, "horizon_days": 4})
    doctor = await api.doctor(clinic)
    # Not from the morning on: how far away that is hangs on the hour.
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    await api.slots(doctor, 1, start=now + timedelta(days=2))
    (good,) = await api.slots(doctor, 1, start=now + timedelta(days=3, hours=12))
    await api.slots(doctor, 1, start=now + timedelta(days=6))

    assert await soonest(api, per_doctor=5) == [(doctor["id"], [good["id"]])]


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 51}, {"per_doctor": 21}, {"after": "tomorrow"}, {"x": 1}]
)
async def test_a_strange_question_is_refused(api: Api, wrong: Made) -> None:
    assert code_of(await api.get("/v1/slots/next", **wrong)) == (422, "validation_error")


async def calendar(api: Api, **about: Any) -> list[Made]:
    answer = await api.get("/v1/slots/calendar", **about)
    assert code_of(answer) == (200, None), answer.text
    days: list[Made] = answer.json()["days"]
    return days


async def test_days_are_those_of_the_clinics_wall(api: Api) -> None:
    """The last hour of an evening in New York is the next day in UTC."""
    zone = ZoneInfo("America/New_York")
    clinic = await api.clinic(time_zone="America/New_York")
    doctor = await api.doctor(clinic)
    day = START.astimezone(zone).date() + timedelta(days=1)
    evening = datetime.combine(day, time(23), zone).astimezone(UTC)
    slots = await api.slots(doctor, 4, start=evening)
    await api.book(slots[0], await api.patient())

    days = await calendar(api, doctor_id=doctor["id"])

    today = datetime.now(zone).date()
    assert [one["date"] for one in days] == [
        (today + timedelta(days=place)).isoformat() for place in range(31)
    ]
    assert [one for one in days if one["open_slots"]] == [
        {"date": str(day), "open_slots": 1, "first_starts_at": slots[1]["starts_at"]},
        {
            "date": str(day + timedelta(days=1)),
            "open_slots": 2,
            "first_starts_at": slots[2]["starts_at"],
        },
    ]
    assert {one["first_starts_at"] for one in days if not one["open_slots"]} == {None}


async def test_a_calendar_is_of_one_doctor_or_of_a_clinic(api: Api) -> None:
    clinic = await api.clinic()
    doctors = [await api.doctor(clinic) for _ in range(2)]
    for doctor in doctors:
        await api.slots(doctor, 2)
    service = await api.service(clinic, doctor_ids=[doctors[0]["id"]])
    place = {"from": str(START.date()), "to": str(START.date() + timedelta(days=2))}

    for params, expected in (
        ({"clinic_id": clinic["id"]}, 4),
        ({"doctor_id": doctors[0]["id"]}, 2),
        ({"clinic_id": clinic["id"], "service_id": service["id"]}, 2),
        ({"clinic_id": clinic["id"], "mode": "phone"}, 0),
    ):
        days = await calendar(api, **params, **place)
        assert len(days) == 2
        assert sum(one["open_slots"] for one in days) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, (422, "validation_error")),
        ({"doctor_id": str(uuid4()), "clinic_id": str(uuid4())}, (422, "validation_error")),
        ({"doctor_id": str(uuid4())}, (422, "validation_error")),
        ({"clinic_id": str(uuid4())}, (422, "validation_error")),
    ],
)
async def test_a_calendar_of_nobody_is_refused(
    api: Api, params: Made, expected: tuple[int, str]
) -> None:
    assert code_of(await api.get("/v1/slots/calendar", **params)) == expected


async def test_a_calendar_has_at_most_62_days_and_goes_forward(api: Api) -> None:
    clinic = (await api.clinic())["id"]

    for first, until, expected in (
        ("2027-03-01", "2027-03-01", 422),
        ("2027-03-01", "2027-02-01", 422),
        ("2027-03-01", "2027-05-03", 422),
        ("2027-03-01", "2027-05-02", 200),
        ("2027-03-01T00:00:00Z", "2027-05-02", 422),
        ("9999-12-31", None, 422),
        ("0001-01-01", "0001-01-02", 422),
        ("2099-12-30", None, 200),
    ):
        params = {"clinic_id": clinic, "from": first} | ({} if until is None else {"to": until})
        assert (await api.get("/v1/slots/calendar", **params)).status_code == expected


async def found(api: Api, by: Person | None, **about: Any) -> list[str]:
    answer = await api.get("/v1/slots", by, exclude_my_conflicts="true", **about)
    assert code_of(answer) == (200, None), answer.text
    return [one["id"] for one in answer.json()["items"]]


async def test_a_patient_is_not_shown_what_they_have_no_time_for(api: Api) -> None:
    clinic = await api.clinic()
    one, two = [await api.slots(await api.doctor(clinic), 4) for _ in range(2)]
    patient, other = await api.patient(), await api.patient()
    booked = (await api.book(one[1], patient)).json()
    everything = {slot["id"] for slot in (*one, *two)} - {one[1]["id"]}

    mine = await found(api, patient)

    assert set(mine) == everything - {two[1]["id"]}
    assert set(await found(api, other)) == everything
    assert set(await found(api, api.admin)) == everything
    assert set(await found(api, patient)) == set(mine)
    first = await api.get("/v1/slots", patient, exclude_my_conflicts="true", limit=2)
    assert first.headers["cache-control"] == "private, no-cache"
    rest = await found(api, patient, cursor=first.json()["next_cursor"], limit=50)
    assert [slot["id"] for slot in first.json()["items"]] + rest == mine
    await api.post(f"/v1/bookings/{booked['id']}/cancel", None, patient)
    assert len(await found(api, patient)) == 8


async def test_whoever_has_not_signed_in_has_no_conflicts_to_exclude(api: Api) -> None:
    answer = await api.get("/v1/slots", exclude_my_conflicts="true")

    assert code_of(answer) == (401, "unauthenticated")
    assert (await api.get("/v1/slots", exclude_my_conflicts="false")).status_code == 200


async def test_touching_is_no_conflict(api: Api) -> None:
    one, two = [await api.slots(await api.doctor(await api.clinic()), 3) for _ in range(2)]
    patient = await api.patient()
    await api.book(one[1], patient)

    assert {two[0]["id"], two[2]["id"]} <= set(await found(api, patient))
    assert UUID(two[1]["id"]).hex not in {UUID(it).hex for it in await found(api, patient)}


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Pacific/Apia", "2011-12-30"),
        ("Pacific/Fakaofo", "2011-12-30"),
        # This one skipped a midnight only.
        ("America/Asuncion", "2011-10-02"),
    ],
)
async def test_a_day_that_the_zone_skipped_has_nothing_open(api: Api, zone: str, day: str) -> None:
    clinic = await api.clinic(time_zone=zone)
    doctor = await api.doctor(clinic)
    desk = await api.receptionist(clinic["id"])
    first = date.fromisoformat(day) - timedelta(days=2)
    about = {"from": first.isoformat(), "to": (first + timedelta(days=5)).isoformat()}

    for whose in ({"clinic_id": clinic["id"]}, {"doctor_id": doctor["id"]}):
        answer = await api.get("/v1/slots/calendar", **whose, **about)
        assert answer.status_code == 200, answer.text
        assert [one["open_slots"] for one in answer.json()["days"]] == [0] * 5
    skipped = zone != "America/Asuncion"
    for path in (f"/v1/clinics/{clinic['id']}/day", f"/v1/doctors/{doctor['id']}/day"):
        answer = await api.get(path, desk, date=day)
        expected = (422, "nonexistent_local_time") if skipped else (200, None)
        assert code_of(answer) == expected
    closing = await api.post(
        f"/v1/clinics/{clinic['id']}/closures", {"dates": [day]}, desk, params={"dry_run": "true"}
    )
    assert code_of(closing) == ((422, "nonexistent_local_time") if skipped else (200, None))
