"""Time off and closures that cannot be, of those who may not, and a database that says no once."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking_system.desk.adapters.absences import PostgresAbsenceWork
from booking_system.desk.application import affected
from booking_system.shared_kernel.errors import Transient
from tests.api import START, ZONE, Api, Person, code_of
from tests.booking.calendar import Calendar

Made = dict[str, Any]


def _from(hours: float, until: float) -> Made:
    start = START + timedelta(hours=hours)
    return {"starts_at": start.isoformat(), "ends_at": (START + timedelta(hours=until)).isoformat()}


WRONG: list[tuple[Made, str]] = [
    (_from(1, 1), "/ends_at"),
    (_from(1, 0), "/ends_at"),
    (_from(0, 366 * 24 + 1), "/ends_at"),
]


@pytest.mark.parametrize(("wrong", "pointer"), WRONG)
async def test_time_off_that_cannot_be_is_refused(api: Api, wrong: Made, pointer: str) -> None:
    doctor = await api.doctor(await api.clinic())
    for params in ({}, {"dry_run": "true"}):
        path = f"/v1/doctors/{doctor['id']}/time-off"
        answer = await api.post(path, wrong, api.admin, params=params)
        assert code_of(answer) == (422, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "dates", [[], ["2027-01-01", "2027-01-01"], ["9999-12-31"], ["2027-02-30"]]
)
async def test_days_that_cannot_be_are_refused(api: Api, dates: list[str]) -> None:
    path = f"/v1/clinics/{(await api.clinic())['id']}/closures"
    answer = await api.post(path, {"dates": dates}, api.admin)
    assert code_of(answer) == (422, "validation_error")


async def test_a_day_that_a_zone_skipped_cannot_be_closed(api: Api) -> None:
    path = f"/v1/clinics/{(await api.clinic(time_zone='Pacific/Apia'))['id']}/closures"
    answer = await api.post(path, {"dates": ["2011-12-30"]}, api.admin)
    assert code_of(answer) == (422, "nonexistent_local_time")


async def test_the_desk_and_the_doctor_take_time_off_and_only_the_clinic_closes(api: Api) -> None:
    calendar = await Calendar.of(api)
    doctor, clinic = calendar.doctor, calendar.clinic
    himself = await api.doctor_account(doctor)
    stranger: Person = await api.receptionist((await api.clinic())["id"])
    of_doctor = f"/v1/doctors/{doctor['id']}/time-off"
    closures = f"/v1/clinics/{clinic['id']}/closures"
    own = await api.made(of_doctor, _from(30, 31), himself)
    days = {"dates": [START.date().isoformat()]}
    nothing = clinic["id"].replace(clinic["id"][:8], "00000000")
    for by, method, path, body in (
        (stranger, "GET", of_doctor, None),
        (stranger, "POST", of_doctor, _from(30, 31)),
        (stranger, "GET", f"/v1/time-off/{own['id']}", None),
        (stranger, "DELETE", f"/v1/time-off/{own['id']}", None),
        (himself, "GET", closures, None),
        (himself, "POST", closures, days),
        (himself, "DELETE", f"{closures}/{own['id']}", None),
    ):
        about = {} if body is None else {"json": body}
        assert code_of(await api.send(method, path, by, **about)) == (403, "forbidden")
        absent = path.replace(doctor["id"], nothing).replace(clinic["id"], nothing)
        absent = absent.replace(own["id"], nothing)
        assert code_of(await api.send(method, absent, by, **about))[0] == 404


async def test_what_the_database_could_not_do_is_tried_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar = await Calendar.of(api)
    of_doctor = f"/v1/doctors/{calendar.doctor['id']}/time-off"
    closures = f"/v1/clinics/{calendar.clinic['id']}/closures"
    own = await api.made(of_doctor, _from(30, 31), calendar.desk)
    days, dry = {"dates": [START.date().isoformat()]}, {"dry_run": "true"}
    failures = 0

    def failing(name: str) -> None:
        real = getattr(PostgresAbsenceWork, name)

        async def once(*args: Any, **about: Any) -> Any:
            nonlocal failures
            failures += 1
            if failures % 2:
                raise Transient("a deadlock")
            return await real(*args, **about)

        monkeypatch.setattr(PostgresAbsenceWork, name, once)

    for name in ("doctor", "clinic"):
        failing(name)
    made = []
    for method, path, about in (
        ("GET", of_doctor, {}),
        ("GET", f"/v1/time-off/{own['id']}", {}),
        ("GET", closures, {}),
        ("POST", of_doctor, {"json": _from(30, 31), "params": dry}),
        ("POST", closures, {"json": days, "params": dry}),
        *[("POST", closures, {"json": {"dates": ["2090-01-01"]}, "headers": KEY})] * 2,
    ):
        answer = await api.send(method, path, calendar.desk, **about)
        assert answer.is_success, (method, path)
        made.append(answer)
    assert made[-1].headers["idempotent-replayed"] == "true"
    assert failures == 2 * len(made)


KEY = {"Idempotency-Key": "once"}


async def test_a_key_that_cannot_be_one_is_refused_where_something_is_only_tried(api: Api) -> None:
    doctor = await api.doctor(await api.clinic())
    path = f"/v1/doctors/{doctor['id']}/time-off"
    for params in ({}, {"dry_run": "true"}):
        wrong = {"Idempotency-Key": "a b"}
        answer = await api.post(path, _from(0, 1), api.admin, headers=wrong, params=params)
        assert code_of(answer) == (422, "validation_error")
        assert answer.json()["errors"][0]["pointer"] == "/Idempotency-Key"


async def test_what_one_request_closes_and_looks_at_is_bounded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = await api.clinic()
    doctor, patient = await api.doctor(clinic), await api.patient()
    slots = await api.slots(doctor, 4)
    for slot in slots[:2]:
        assert (await api.book(slot, patient)).status_code == 201
    body = {"starts_at": slots[0]["starts_at"], "ends_at": slots[3]["ends_at"]}
    path = f"/v1/doctors/{doctor['id']}/time-off"
    for name, code in (("MOST_CLOSED", "too_many_slots"), ("MOST_AFFECTED", "too_many_bookings")):
        with monkeypatch.context() as patched:
            patched.setattr(affected, name, 1)
            for how in ("dry_run=true", "on_conflict=cancel"):
                refused = await api.post(f"{path}?{how}", body, api.admin)
                assert code_of(refused) == (422, "validation_error")
                assert refused.json()["errors"][0]["code"] == code
    starts = [datetime.fromisoformat(slot["starts_at"]) for slot in slots[:2]]
    dates = {one.astimezone(ZoneInfo(ZONE)).date().isoformat() for one in starts}
    days = {"dates": sorted(dates)}
    with monkeypatch.context() as patched:
        patched.setattr(affected, "MOST_AFFECTED", 1)
        refused = await api.post(f"/v1/clinics/{clinic['id']}/closures", days, api.admin)
        assert refused.json()["errors"][0]["pointer"] == "/dates"
    assert (await api.get(f"/v1/slots/{slots[2]['id']}")).json()["status"] == "open"
