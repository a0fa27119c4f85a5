"""Weekly hours that cannot be, or that somebody may not see; and a rule asked for twice."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.api import Api, Person, code_of
from tests.scheduling.hours import HOURS, TODAY, Made, a_doctor, a_rule, slots_of

LONG_AGO = (TODAY - timedelta(days=2)).isoformat()
WRONG: list[tuple[Made, str]] = [
    ({"weekdays": []}, "/weekdays"),
    ({"weekdays": [0]}, "/weekdays/0"),
    ({"weekdays": [8]}, "/weekdays/0"),
    ({"weekdays": [1, 1]}, "/weekdays"),
    ({"start_time": "11:00"}, "/end_time"),
    ({"start_time": "24:00"}, "/start_time"),
    ({"end_time": "24:01"}, "/end_time"),
    ({"slot_minutes": 0}, "/slot_minutes"),
    ({"slot_minutes": 121}, "/slot_minutes"),
    ({"gap_minutes": -1}, "/gap_minutes"),
    ({"valid_until": TODAY.isoformat()}, "/valid_until"),
    ({"valid_from": "2020-01-01", "valid_until": LONG_AGO}, "/valid_until"),
    ({"valid_from": "9999-12-31", "valid_until": None}, "/valid_from"),
    ({"mode": "by_pigeon"}, "/mode"),
]


@pytest.mark.parametrize(("wrong", "pointer"), WRONG)
async def test_hours_that_cannot_be_are_refused(api: Api, wrong: Made, pointer: str) -> None:
    doctor = await a_doctor(api)
    rule = await a_rule(api, doctor)
    for method, path, body in (
        ("POST", f"/v1/doctors/{doctor['id']}/availability", HOURS | wrong),
        ("PATCH", f"/v1/availability/{rule['id']}", wrong),
    ):
        answer = await api.send(method, path, api.admin, json=body)
        assert code_of(answer) == (422, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_rule_may_end_today_by_the_clock_of_the_clinic(api: Api) -> None:
    """It is another day there, in one of the zones at least."""
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        doctor = await a_doctor(api, time_zone=zone)
        today = datetime.now(ZoneInfo(zone)).date()
        path = f"/v1/doctors/{doctor['id']}/availability"
        for until, expected in ((today, 201), (today - timedelta(days=1), 422)):
            hours = {"valid_from": "2020-01-01", "valid_until": until.isoformat()}
            answer = await api.post(path, HOURS | hours, api.admin)
            assert answer.status_code == expected, zone


async def test_an_hour_that_the_clock_skips_makes_no_rule(api: Api) -> None:
    doctor = await a_doctor(api)
    sunday = _last_sunday_of_march().isoformat()
    skipped = {
        "weekdays": [7],
        "start_time": "02:00",
        "end_time": "03:00",
        "valid_from": sunday,
        "valid_until": sunday,
    }

    answer = await api.post(f"/v1/doctors/{doctor['id']}/availability", HOURS | skipped, api.admin)

    assert code_of(answer) == (422, "nonexistent_local_time")
    rule = await a_rule(api, doctor)
    answer = await api.send("PATCH", f"/v1/availability/{rule['id']}", api.admin, json=skipped)
    assert code_of(answer) == (422, "nonexistent_local_time")


def _last_sunday_of_march() -> date:
    day = date(TODAY.year + 1, 3, 31)
    while day.isoweekday() != 7:
        day -= timedelta(days=1)
    return day


async def test_the_doctor_and_the_desk_keep_hours_and_nobody_else_reads_them(api: Api) -> None:
    doctor = await a_doctor(api)
    rule = await a_rule(api, doctor)
    others = await a_doctor(api)
    stranger: Person = await api.doctor_account(others)
    one = f"/v1/availability/{rule['id']}"
    of_doctor = f"/v1/doctors/{doctor['id']}/availability"
    for method, path, body in (
        ("GET", one, None),
        ("PATCH", one, {}),
        ("DELETE", one, None),
        ("GET", of_doctor, None),
        ("POST", of_doctor, HOURS),
    ):
        about = {} if body is None else {"json": body}
        assert code_of(await api.send(method, path, stranger, **about)) == (403, "forbidden")
    himself = await api.doctor_account(doctor)
    assert (await api.get(one, himself)).status_code == 200
    nothing = of_doctor.replace(doctor["id"], rule["id"])
    assert code_of(await api.get(nothing, api.admin)) == (404, "not_found")
    assert code_of(await api.post(nothing, HOURS, api.admin)) == (404, "not_found")


async def test_a_rule_made_twice_with_one_key_is_one_rule(api: Api) -> None:
    doctor = await a_doctor(api)
    path = f"/v1/doctors/{doctor['id']}/availability"
    first, again = [
        await api.post(path, HOURS, api.admin, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]

    assert (first.status_code, again.status_code) == (201, 201)
    # Also how many slots it opened.
    assert first.json() == again.json()
    assert again.json()["generated_slots"] == len(await slots_of(api, doctor)) == 12
