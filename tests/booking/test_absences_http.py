"""Time off and closures: what they close, whom they affect, and what opens again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from httpx import Response

from tests.api import START, Api, code_of
from tests.booking.calendar import Calendar

Made = dict[str, Any]
HALF_HOUR = timedelta(minutes=30)


def _from(hours: float, until: float) -> Made:
    start = START + timedelta(hours=hours)
    return {"starts_at": start.isoformat(), "ends_at": (START + timedelta(hours=until)).isoformat()}


async def _states(api: Api, slots: list[Made]) -> list[str]:
    return [(await api.get(f"/v1/slots/{slot['id']}")).json()["status"] for slot in slots]


def _affected(dry: Response) -> list[Made]:
    listed: list[Made] = dry.json()["affected_bookings"]
    return listed


async def _all_rows(api: Api) -> list[Any]:
    async with api.container.database().reading() as connection:
        return [
            *await connection.fetch("SELECT * FROM time_slots ORDER BY id"),
            *await connection.fetch("SELECT * FROM appointments ORDER BY id"),
            *await connection.fetch("SELECT id FROM outbox ORDER BY n"),
            *await connection.fetch("SELECT id FROM time_off ORDER BY id"),
            *await connection.fetch("SELECT id FROM closures ORDER BY id"),
        ]


async def test_time_off_over_thirty_bookings(api: Api) -> None:
    """Looked at first, then refused, then with its bookings cancelled, then taken back."""
    clinic = await api.clinic(policy={"max_open_bookings_per_patient": 100})
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 40)
    later = await api.slots(doctor, 6, start=START + timedelta(days=3))
    patient, desk = await api.patient(), await api.receptionist(clinic["id"])
    for slot in [*slots[:30], slots[39]]:
        assert (await api.book(slot, patient)).status_code == 201
    await api.post(f"/v1/slots/{slots[30]['id']}/close", by=desk)
    held = await api.post("/v1/holds", {"time_slot_id": slots[31]["id"]}, patient)
    path = f"/v1/doctors/{doctor['id']}/time-off"
    body = _from(0, 19) | {"reason": "Holiday"}
    before = await _all_rows(api)

    dry = await api.post(path, body, desk, params={"dry_run": "true"})

    assert dry.status_code == 200
    # Of 38 covered ones 30 are booked and one was closed by hand.
    assert (dry.json()["closed_slots"], dry.json()["count"]) == (7, 30)
    covered = {slot["id"] for slot in slots[:38]}
    # Seven are left for thirty patients: one each for the first, and none twice.
    offered = [[slot["id"] for slot in one["alternatives"]] for one in _affected(dry)]
    assert [len(found) for found in offered] == [1] * 7 + [0] * 23
    given = {slot_id for found in offered for slot_id in found}
    assert given.isdisjoint(covered)
    assert given == {slots[38]["id"], *(slot["id"] for slot in later)}
    refused = await api.post(path, body, desk)
    assert code_of(refused) == (409, "bookings_affected")
    assert (refused.json()["count"], len(refused.json()["bookings"])) == (30, 30)
    assert await _all_rows(api) == before

    made = await api.post(path, body, desk, params={"on_conflict": "cancel"})

    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/time-off/{made.json()['id']}"
    bookings = (await api.get("/v1/bookings", patient, limit=200)).json()["items"]
    assert [one["status"] for one in bookings] == ["cancelled"] * 30 + ["confirmed"]
    assert {one["cancelled_by"] for one in bookings[:30]} == {"clinic"}
    assert {one["cancel_reason"] for one in bookings[:30]} == {"Holiday"}
    assert await _states(api, slots) == ["closed"] * 38 + ["open", "booked"]
    hold = await api.get(f"/v1/holds/{held.json()['id']}", patient)
    assert code_of(hold) == (404, "not_found")
    history = await api.get(f"/v1/bookings/{bookings[0]['id']}/history", desk)
    assert [one["action"] for one in history.json()["items"]] == ["booked", "cancelled"]
    assert (await api.get(path, desk)).json()["items"] == [made.json()]
    one = f"/v1/time-off/{made.json()['id']}"
    assert (await api.get(one, desk)).json() == made.json()

    assert (await api.send("DELETE", one, desk)).status_code == 204
    states = await _states(api, slots)
    assert states == ["open"] * 30 + ["closed"] + ["open"] * 8 + ["booked"]
    assert code_of(await api.get(one, desk)) == (404, "not_found")
    assert code_of(await api.send("DELETE", one, desk)) == (404, "not_found")


async def test_what_is_kept_stays_and_its_slot_does_not_open_when_it_goes(api: Api) -> None:
    calendar = await Calendar.of(api)
    path = f"/v1/doctors/{calendar.doctor['id']}/time-off"
    made = await api.made(f"{path}?on_conflict=keep", _from(0, 1), calendar.desk)
    assert (await calendar.read())["status"] == "confirmed"
    assert await _states(api, calendar.slots) == ["booked", "closed", "open"]

    await calendar.do("cancel", calendar.patient)

    assert await _states(api, calendar.slots) == ["closed", "closed", "open"]
    await api.send("DELETE", f"/v1/time-off/{made['id']}", calendar.desk)
    assert await _states(api, calendar.slots) == ["open"] * 3
    assert await calendar.is_consistent()


async def test_a_slot_goes_from_one_absence_to_the_next(api: Api) -> None:
    # Noon by the clinic's clock, at whatever hour the tests run.
    ahead = 12 - START.hour
    doctor = await api.doctor(await api.clinic(time_zone=f"Etc/GMT{-ahead:+}"))
    slots = await api.slots(doctor, 3)
    path = f"/v1/doctors/{doctor['id']}/time-off"
    first = await api.made(path, _from(0, 1))
    second = await api.made(path, _from(0.5, 1.5))
    day = (START + ahead * timedelta(hours=1)).date().isoformat()
    closed = await api.made(f"/v1/clinics/{doctor['clinic_id']}/closures", {"dates": [day]})
    (closure,) = closed["items"]

    for gone, states in (
        (f"/v1/clinics/{doctor['clinic_id']}/closures/{closure['id']}", ["closed"] * 3),
        (f"/v1/time-off/{first['id']}", ["open", "closed", "closed"]),
        (f"/v1/time-off/{second['id']}", ["open"] * 3),
    ):
        assert (await api.send("DELETE", gone, api.admin)).status_code == 204
        assert await _states(api, slots) == states


async def test_what_was_closed_by_hand_before_stays_closed_until_the_absence_is_over(
    api: Api,
) -> None:
    calendar = await Calendar.of(api)
    path = f"/v1/slots/{calendar.slots[1]['id']}"
    await api.post(f"{path}/close", by=calendar.desk)
    time_off = await api.made(
        f"/v1/doctors/{calendar.doctor['id']}/time-off", _from(0.5, 1), calendar.desk
    )

    refused = await api.post(f"{path}/reopen", by=calendar.desk)

    assert code_of(refused) == (409, "slot_unavailable")
    await api.send("DELETE", f"/v1/time-off/{time_off['id']}", calendar.desk)
    assert await _states(api, calendar.slots) == ["booked", "closed", "open"]
    assert code_of(await api.post(f"{path}/reopen", by=calendar.desk)) == (200, None)


async def test_closures_close_local_days_of_the_whole_clinic(api: Api) -> None:
    clinic = await api.clinic(time_zone="Pacific/Auckland")
    doctors = [await api.doctor(clinic), await api.doctor(clinic)]
    elsewhere = await api.doctor(await api.clinic(time_zone="Pacific/Auckland"))
    desk, patient = await api.receptionist(clinic["id"]), await api.patient()
    midnight = datetime.fromisoformat(f"{START.date() + timedelta(days=3)}T00:00:00+00:00")
    slots = [(await api.slots(one, 96, start=midnight))[0:96] for one in (*doctors, elsewhere)]
    day = (midnight + timedelta(days=1)).date().isoformat()
    path = f"/v1/clinics/{clinic['id']}/closures"
    body = {"dates": [day], "reason": "Public holiday"}
    inside = next(s for s in slots[0] if _local_day(s, "Pacific/Auckland") == day)
    assert (await api.book(inside, patient)).status_code == 201
    before = await _all_rows(api)
    dry = await api.post(path, body, desk, params={"dry_run": "true"})
    assert (dry.json()["closed_slots"], dry.json()["count"]) == (95, 1)
    (affected,) = dry.json()["affected_bookings"]
    for slot in affected["alternatives"]:
        assert _local_day(slot, "Pacific/Auckland") != day
    assert code_of(await api.post(path, body, desk)) == (409, "bookings_affected")
    assert await _all_rows(api) == before

    made = await api.post(
        path, body, desk, params={"on_conflict": "keep"}, headers={"Idempotency-Key": "once"}
    )
    again = await api.post(
        path, body, desk, params={"on_conflict": "keep"}, headers={"Idempotency-Key": "once"}
    )

    assert (made.status_code, again.status_code) == (201, 201)
    assert made.json() == again.json()
    for of_doctor, is_closed in zip(slots, (True, True, False), strict=True):
        for slot, state in zip(of_doctor, await _states(api, of_doctor), strict=True):
            away = is_closed and _local_day(slot, "Pacific/Auckland") == day
            expected = ("booked" if slot is inside else "closed") if away else "open"
            assert state == expected
    # A day that is closed already stays as it is.
    other = (midnight + timedelta(days=9)).date().isoformat()
    more = await api.post(path, {"dates": [other, day]}, desk)
    assert more.status_code == 201
    assert more.json()["items"][0] == made.json()["items"][0]
    assert (await api.get(path, desk)).json()["items"] == more.json()["items"]
    one = f"{path}/{made.json()['items'][0]['id']}"
    assert (await api.send("DELETE", one, desk)).status_code == 204
    assert code_of(await api.send("DELETE", one, desk)) == (404, "not_found")
    assert set(await _states(api, slots[1])) == {"open"}


def _local_day(slot: Made, zone: str) -> str:
    at = datetime.fromisoformat(slot["starts_at"])
    return at.astimezone(ZoneInfo(zone)).date().isoformat()


async def test_an_appointment_that_runs_is_affected(api: Api) -> None:
    calendar = await Calendar.of(api)
    for table, more in (
        ("time_slots", ""),
        ("appointments", ", blocked_from = now() - interval '10 minutes'"),
    ):
        await calendar.sql(
            f"UPDATE {table} SET starts_at = now() - interval '10 minutes',"
            f" ends_at = now() + interval '20 minutes'{more} WHERE starts_at = $1",
            START,
        )
    now = datetime.now(UTC)
    body = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=1)).isoformat()}
    path = f"/v1/doctors/{calendar.doctor['id']}/time-off"

    assert code_of(await api.post(path, body, calendar.desk)) == (409, "bookings_affected")
    gone = await api.post(path, body, calendar.desk, params={"on_conflict": "cancel"})

    assert gone.status_code == 201
    assert (await calendar.read())["status"] == "cancelled"


@pytest.mark.parametrize("kind", ["doctors", "clinics"])
async def test_who_comes_back_is_still_away_when_an_absence_says_so(api: Api, kind: str) -> None:
    clinic = await api.clinic(time_zone="UTC")
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 2)
    day = START.date().isoformat()
    path = f"/v1/clinics/{clinic['id']}/closures"
    one = f"/v1/{kind}/{(doctor if kind == 'doctors' else clinic)['id']}"
    if kind == "clinics":
        made = await api.made(f"/v1/doctors/{doctor['id']}/time-off", _from(0, 0.5))
        gone = f"/v1/time-off/{made['id']}"
        later = ["closed", "open"]
        await api.send("DELETE", one, api.admin)
        assert code_of(await api.send("DELETE", gone, api.admin)) == (404, "not_found")
    else:
        await api.send("DELETE", one, api.admin)
        made = await api.made(path, {"dates": [day]})
        gone = f"{path}/{made['items'][0]['id']}"
        later = ["closed", "closed"]

    assert (await api.post(f"{one}/restore", by=api.admin)).status_code == 200

    assert await _states(api, slots) == later
    assert (await api.send("DELETE", gone, api.admin)).status_code == 204
    assert await _states(api, slots) == ["open", "open"]


async def test_what_an_absence_closed_does_not_open_while_its_doctor_is_gone(api: Api) -> None:
    clinic = await api.clinic(time_zone="UTC")
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor)
    path = f"/v1/clinics/{clinic['id']}/closures"
    made = await api.made(path, {"dates": [START.date().isoformat()]})
    await api.send("DELETE", f"/v1/doctors/{doctor['id']}", api.admin)

    await api.send("DELETE", f"{path}/{made['items'][0]['id']}", api.admin)

    async with api.container.database().reading() as connection:
        because = await connection.fetchval("SELECT closed_because FROM time_slots")
    assert because == "doctor_removed"
    await api.post(f"/v1/doctors/{doctor['id']}/restore", by=api.admin)
    assert await _states(api, slots) == ["open"]


async def test_slots_that_a_rule_makes_inside_an_absence_are_closed_by_it(api: Api) -> None:
    doctor = await api.doctor(await api.clinic(time_zone="UTC"))
    away = await api.made(f"/v1/doctors/{doctor['id']}/time-off", _from(0, 24))
    day = (START + timedelta(days=1)).date().isoformat()
    hours = {
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "start_time": "00:00",
        "end_time": "24:00",
        "slot_minutes": 60,
        "valid_from": START.date().isoformat(),
        "valid_until": day,
    }
    await api.made(f"/v1/doctors/{doctor['id']}/availability", hours)

    async def count() -> dict[str | None, int]:
        async with api.container.database().reading() as connection:
            rows = await connection.fetch(
                "SELECT closed_because, count(*) FROM time_slots WHERE doctor_id = $1 GROUP BY 1",
                UUID(doctor["id"]),
            )
        return {row[0]: row[1] for row in rows}

    assert await count() == {"time_off": 24, None: 24}
    await api.send("DELETE", f"/v1/time-off/{away['id']}", api.admin)
    assert await count() == {None: 48}
