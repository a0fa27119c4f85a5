"""Other hours on one date: instead of the weekly ones, or besides them; slots follow at once."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.api import Api, Person, code_of
from tests.scheduling.hours import HOURS, TODAY, Made, a_doctor, a_rule, slots_of

FIRST = HOURS["valid_from"]
SECOND = (TODAY + timedelta(days=3)).isoformat()
AFTERNOON = {"start_time": "14:00", "end_time": "15:00", "slot_minutes": 20, "mode": "online"}


def other(**about: Any) -> Made:
    return {"date": SECOND, "hours": [AFTERNOON], "replaces": True} | about


def of(doctor: Made) -> str:
    return f"/v1/doctors/{doctor['id']}/availability-exceptions"


async def _clocks(api: Api, doctor: Made, day: str = SECOND) -> list[str]:
    slots = await slots_of(api, doctor)
    wanted = date.fromisoformat(day)
    return [f"{s['starts_at']:%H:%M}" for s in slots if s["starts_at"].date() == wanted]


async def test_hours_instead_take_the_place_of_the_rules_until_they_are_taken_back(
    api: Api,
) -> None:
    doctor = await a_doctor(api, time_zone="UTC")
    await a_rule(api, doctor)
    nine_to_eleven = ["09:00", "09:30", "10:00", "10:30"]
    tried = await api.post(of(doctor), other(), api.admin, params={"dry_run": "true"})
    assert tried.json() == {"opened_slots": 3, "closed_slots": 4, "kept_bookings": []}
    assert await _clocks(api, doctor) == nine_to_eleven

    made = await api.made(of(doctor), other())

    assert await _clocks(api, doctor) == ["14:00", "14:20", "14:40"]
    assert await _clocks(api, doctor, FIRST) == nine_to_eleven
    assert (made["generated_slots"], made["kept_bookings"]) == (3, [])
    assert made["hours"] == [AFTERNOON | {"gap_minutes": 0}]
    one = f"/v1/availability-exceptions/{made['id']}"
    only_read = {"generated_slots": None, "kept_bookings": None}
    assert (await api.get(one, api.admin)).json() == made | only_read
    # Nothing else that plans forgets it.
    assert (await api.container.scheduling.extend_horizon()()).opened == 0
    would = await api.send("DELETE", one, api.admin, params={"dry_run": "true"})
    assert would.json() == {"opened_slots": 4, "closed_slots": 3, "kept_bookings": []}
    gone = await api.send("DELETE", one, api.admin)
    assert (gone.status_code, gone.json()) == (200, would.json())
    assert await _clocks(api, doctor) == nine_to_eleven
    assert code_of(await api.get(one, api.admin)) == (404, "not_found")
    assert code_of(await api.send("DELETE", one, api.admin)) == (404, "not_found")


async def test_a_day_without_hours_and_a_day_with_more(api: Api) -> None:
    doctor, patient = await a_doctor(api, time_zone="UTC"), await api.patient()
    await a_rule(api, doctor)
    nine = next(
        s for s in await slots_of(api, doctor) if s["starts_at"].date().isoformat() == FIRST
    )
    booking = (await api.book(nine, patient)).json()

    none = await api.made(of(doctor), other(date=FIRST, hours=[]))
    more = await api.made(of(doctor), other(replaces=False))

    assert [kept["id"] for kept in none["kept_bookings"]] == [booking["id"]]
    assert await _clocks(api, doctor, FIRST) == ["09:00"]
    assert await _clocks(api, doctor) == [
        "09:00", "09:30", "10:00", "10:30", "14:00", "14:20", "14:40"
    ]  # fmt: skip
    assert more["kept_bookings"] == []
    await api.send("DELETE", f"/v1/availability-exceptions/{none['id']}", api.admin)
    assert len(await _clocks(api, doctor, FIRST)) == 4


async def test_hours_of_one_date_never_overlap(api: Api) -> None:
    doctor = await a_doctor(api, time_zone="UTC")
    rule = await a_rule(api, doctor)
    added = await api.made(of(doctor), other(replaces=False))

    morning = AFTERNOON | {"start_time": "10:30", "end_time": "11:30"}
    wrong = await api.post(of(doctor), other(hours=[morning], replaces=False), api.admin)
    assert code_of(wrong) == (409, "availability_overlap")
    assert wrong.json()["availability_id"] == rule["id"]
    wrong = await api.post(of(doctor), other(), api.admin)
    assert code_of(wrong) == (409, "availability_overlap")
    assert wrong.json()["exception_id"] == added["id"]
    longer = await api.send(
        "PATCH", f"/v1/availability/{rule['id']}", api.admin, json={"end_time": "14:30"}
    )
    assert code_of(longer) == (409, "availability_overlap")
    assert longer.json()["exception_id"] == added["id"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"date": (TODAY - timedelta(days=2)).isoformat()}, "/date"),
        ({"date": "2101-01-01"}, "/date"),
        ({"hours": [], "replaces": False}, "/hours"),
        ({"hours": [AFTERNOON, AFTERNOON]}, "/hours/1"),
        ({"hours": [AFTERNOON | {"slot_minutes": 61}]}, "/hours/0/slot_minutes"),
        ({"hours": [AFTERNOON] * 25}, "/hours"),
    ],
)
async def test_exceptions_that_cannot_be_are_refused(api: Api, wrong: Made, pointer: str) -> None:
    doctor = await a_doctor(api)
    answer = await api.post(of(doctor), other(**wrong), api.admin)
    assert code_of(answer) == (422, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_hour_that_the_clock_skips_makes_no_exception(api: Api) -> None:
    doctor = await a_doctor(api)
    day = date(TODAY.year + 1, 3, 31)
    while day.isoweekday() != 7:
        day -= timedelta(days=1)
    skipped = AFTERNOON | {"start_time": "02:00", "end_time": "03:00"}
    answer = await api.post(of(doctor), other(date=day.isoformat(), hours=[skipped]), api.admin)
    assert code_of(answer) == (422, "nonexistent_local_time")


async def test_more_slots_than_a_doctor_may_have_are_refused_by_rules_and_exceptions(
    api: Api,
) -> None:
    doctor = await a_doctor(api, policy={"horizon_days": 28})
    whole = {"start_time": "00:00", "end_time": "24:00", "slot_minutes": 1}
    path = f"/v1/doctors/{doctor['id']}/availability"
    for_good = HOURS | {"valid_from": "2020-01-01", "valid_until": None} | whole
    refused = await api.post(path, for_good, api.admin)
    assert code_of(refused) == (422, "plan_too_large")
    assert "40320" in refused.json()["detail"]
    assert "40000" in refused.json()["detail"]
    rule = await a_rule(api, doctor, **{**for_good, "slot_minutes": 60})
    one = f"/v1/availability/{rule['id']}"
    refused = await api.send("PATCH", one, api.admin, json={"slot_minutes": 1})
    assert code_of(refused) == (422, "plan_too_large")
    # Some minutes are left, and an exception takes them.
    longer = {"slot_minutes": 1, "end_time": "23:48"}
    dry = await api.send("PATCH", one, api.admin, json=longer, params={"dry_run": "true"})
    assert dry.status_code == 200
    none = await api.made(of(doctor), other(hours=[]))
    assert (await api.send("PATCH", one, api.admin, json=longer)).status_code == 200
    refused = await api.post(of(doctor), other(date=FIRST, hours=[whole]), api.admin)
    assert refused.status_code == 201
    many = {"slot_minutes": 1, "end_time": "24:00"}
    assert (await api.send("PATCH", one, api.admin, json=many)).status_code == 200
    back = await api.send("DELETE", f"/v1/availability-exceptions/{none['id']}", api.admin)
    assert code_of(back) == (422, "plan_too_large")
    day = (TODAY + timedelta(days=20)).isoformat()
    await api.send("DELETE", one, api.admin)
    assert (await api.post(of(doctor), other(date=day, hours=[whole]), api.admin)).is_success


async def test_an_exception_that_makes_too_much_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("booking_system.scheduling.domain.timetable.MOST_SLOTS", 13)
    doctor = await a_doctor(api)
    await a_rule(api, doctor)
    refused = await api.post(of(doctor), other(replaces=False), api.admin)
    assert code_of(refused) == (422, "plan_too_large")


async def test_exceptions_are_listed_by_date_page_after_page(api: Api) -> None:
    doctor = await a_doctor(api)
    days = [(TODAY + timedelta(days=n)).isoformat() for n in (9, 3, 6, 4)]
    made = {day: (await api.made(of(doctor), other(date=day)))["id"] for day in days}

    first = (await api.get(of(doctor), api.admin, limit=3)).json()
    second = (await api.get(of(doctor), api.admin, limit=3, cursor=first["next_cursor"])).json()

    listed = [one["id"] for one in first["items"] + second["items"]]
    assert listed == [made[day] for day in sorted(days)]
    assert second["next_cursor"] is None
    some = await api.get(of(doctor), api.admin, **{"from": days[3], "to": days[0]})
    assert [one["date"] for one in some.json()["items"]] == [days[3], days[2]]
    wrong = await api.get(of(doctor), api.admin, cursor="nothing")
    assert code_of(wrong) == (422, "invalid_cursor")


async def test_an_exception_made_twice_with_one_key_is_one(api: Api) -> None:
    doctor = await a_doctor(api)
    await a_rule(api, doctor)
    first, again = [
        await api.post(of(doctor), other(), api.admin, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.json()["generated_slots"] == 3


async def test_the_doctor_and_the_desk_keep_exceptions_and_nobody_else_reads_them(
    api: Api,
) -> None:
    doctor = await a_doctor(api)
    made = await api.made(of(doctor), other())
    stranger: Person = await api.doctor_account(await a_doctor(api))
    one = f"/v1/availability-exceptions/{made['id']}"
    for method, path, body in (
        ("GET", one, None),
        ("DELETE", one, None),
        ("GET", of(doctor), None),
        ("POST", of(doctor), other()),
    ):
        about = {} if body is None else {"json": body}
        assert code_of(await api.send(method, path, stranger, **about)) == (403, "forbidden")
    assert (await api.get(one, await api.doctor_account(doctor))).status_code == 200
    nothing = of(doctor).replace(doctor["id"], made["id"])
    for answer in (
        await api.get(nothing, api.admin),
        await api.post(nothing, other(), api.admin),
    ):
        assert code_of(answer) == (404, "not_found")


async def test_time_deleted_by_hand_stays_deleted_in_an_exception(api: Api) -> None:
    doctor = await a_doctor(api, time_zone="UTC")
    await a_rule(api, doctor)
    half_past = next(
        s for s in await slots_of(api, doctor)
        if s["starts_at"] == datetime.fromisoformat(f"{SECOND}T09:30:00+00:00")
    )  # fmt: skip
    await api.send("DELETE", f"/v1/slots/{half_past['id']}", api.admin)
    quarters = {"start_time": "09:15", "end_time": "10:45", "slot_minutes": 30}
    await api.made(of(doctor), other(hours=[quarters]))

    assert await _clocks(api, doctor) == ["10:15"]
