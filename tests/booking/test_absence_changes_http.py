"""Time off and closures that change, what follows them, and how they are listed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api import START, Api, code_of
from tests.booking.calendar import Calendar

Made = dict[str, Any]
DAY = timedelta(days=1)
MIDNIGHT = START.replace(hour=0) + DAY


def _from(hours: float, until: float) -> Made:
    start = START + timedelta(hours=hours)
    return {"starts_at": start.isoformat(), "ends_at": (START + timedelta(hours=until)).isoformat()}


async def _states(api: Api, slots: Sequence[Made]) -> list[str]:
    return [(await api.get(f"/v1/slots/{slot['id']}")).json()["status"] for slot in slots]


async def _change(api: Api, path: str, body: Made, **about: Any) -> Any:
    return await api.send("PATCH", path, api.admin, json=body, **about)


async def _listed(api: Api, path: str, **params: str) -> list[Made]:
    """All pages, of two each."""
    found: list[Made] = []
    more: dict[str, str] = {}
    while True:
        page = (await api.get(path, api.admin, limit=2, **params, **more)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        more = {"cursor": page["next_cursor"]}


async def test_time_off_is_listed_by_start_and_by_what_it_overlaps(api: Api) -> None:
    path = f"/v1/doctors/{(await api.doctor(await api.clinic()))['id']}/time-off"
    spans = [(48, 50), (0, 1), (0, 72), (24, 25), (-8760, 2), (0, 1)]
    made = [await api.made(path, _from(*span)) for span in spans]
    by_start = sorted(made, key=lambda one: (one["starts_at"], one["id"]))

    assert await _listed(api, path) == by_start
    for since, before in ((0, 24), (1, 24), (2, 3), (25, 49), (72, 99), (-9000, -8760), (2, 2)):
        asked = {"from": _from(since, 0)["starts_at"], "to": _from(0, before)["ends_at"]}
        overlapping = [
            one
            for one in by_start
            if one["starts_at"] < _utc(asked["to"]) and one["ends_at"] > _utc(asked["from"])
        ]
        assert await _listed(api, path, **asked) == overlapping
    cursor = (await api.get(path, api.admin, limit=1)).json()["next_cursor"]
    other = await api.get(path, api.admin, cursor=cursor, to=_from(0, 9)["ends_at"])
    assert code_of(other) == (422, "invalid_cursor")


def _utc(text: str) -> str:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_closures_are_listed_by_day_whenever_they_were_made(api: Api) -> None:
    clinic = await api.clinic()
    path = f"/v1/clinics/{clinic['id']}/closures"
    for days in (["2031-05-01", "2031-01-01"], ["2030-12-24"], ["2031-03-01"]):
        await api.made(path, {"dates": days})
    every = ["2030-12-24", "2031-01-01", "2031-03-01", "2031-05-01"]

    for asked, expected in (
        ({}, every),
        ({"from": "2031-01-01", "to": "2031-05-01"}, every[1:3]),
        ({"from": "2031-03-02"}, every[3:]),
        ({"to": "2030-12-25"}, every[:1]),
    ):
        assert [one["date"] for one in await _listed(api, path, **asked)] == expected
    one = (await _listed(api, path))[0]
    read = await api.get(f"{path}/{one['id']}", api.admin)
    assert (read.json(), read.headers["etag"]) == (one, '"1"')


async def test_time_off_that_moves_opens_what_it_leaves_and_closes_what_it_enters(
    api: Api,
) -> None:
    doctor = await api.doctor(await api.clinic())
    slots, patient = await api.slots(doctor, 8), await api.patient()
    desk = await api.receptionist(doctor["clinic_id"])
    kept, coming = [(await api.book(slots[place], patient)).json() for place in (1, 4)]
    await api.post(f"/v1/slots/{slots[0]['id']}/close", by=api.admin)
    path = f"/v1/doctors/{doctor['id']}/time-off"
    made = await api.made(f"{path}?on_conflict=keep", _from(0, 1.5) | {"reason": "Course"})
    other = await api.made(path, _from(1, 1.5))
    one = f"/v1/time-off/{made['id']}"
    later = _from(0.5, 1) | {"ends_at": _from(0, 3)["ends_at"]}

    dry = await _change(api, one, later | {"starts_at": _from(1.5, 0)["starts_at"]}, params=DRY)
    assert (dry.json()["closed_slots"], dry.json()["opened_slots"]) == (2, 0)
    assert [found["booking"]["id"] for found in dry.json()["affected_bookings"]] == [coming["id"]]
    refused = await _change(api, one, later)
    assert code_of(refused) == (409, "bookings_affected")
    # The appointment that was kept when it was made is not asked about again.
    assert [found["id"] for found in refused.json()["bookings"]] == [coming["id"]]
    assert (await api.get(one, api.admin)).json() == made

    changed = await _change(api, one, later | {"reason": "Ill"}, params={"on_conflict": "cancel"})

    assert changed.status_code == 200, changed.text
    assert (changed.json()["version"], changed.headers["etag"]) == (2, '"2"')
    assert changed.json()["reason"] == "Ill"
    statuses = {
        booking["id"]: (booking["status"], booking["cancel_reason"])
        for booking in (await api.get("/v1/bookings", desk, clinic_id=doctor["clinic_id"])).json()[
            "items"
        ]
    }
    assert statuses == {kept["id"]: ("confirmed", None), coming["id"]: ("cancelled", "Ill")}
    assert await _states(api, slots) == ["closed", "booked"] + ["closed"] * 4 + ["open"] * 2
    # It leaves the first hours: what the other one covers stays closed, by that one.
    await _change(api, one, {"starts_at": _from(2, 0)["starts_at"]})
    assert await _states(api, slots) == [
        *["closed", "booked", "closed", "open", "closed", "closed", "open", "open"]
    ]
    await api.send("DELETE", f"/v1/time-off/{other['id']}", api.admin)
    assert await _states(api, slots[:3]) == ["closed", "booked", "open"]
    await api.post(f"/v1/bookings/{kept['id']}/cancel", by=patient)
    assert await _states(api, slots[:3]) == ["closed", "open", "open"]
    await api.send("DELETE", one, api.admin)
    assert await _states(api, slots) == ["closed"] + ["open"] * 7


DRY = {"dry_run": "true"}


async def test_a_preview_says_what_would_open_for_everybody(api: Api) -> None:
    calendar = await Calendar.of(api, 6)
    path = f"/v1/doctors/{calendar.doctor['id']}/time-off"
    made = await api.made(f"{path}?on_conflict=keep", _from(0, 3), calendar.desk)
    await api.made(path + "?on_conflict=keep", _from(0.5, 1), calendar.desk)

    dry = await _change(
        api, f"/v1/time-off/{made['id']}", {"starts_at": _from(2, 0)["starts_at"]}, params=DRY
    )

    # One is booked, one covered by the other; two would open.
    assert (dry.json()["opened_slots"], dry.json()["closed_slots"]) == (2, 0)
    assert await _states(api, calendar.slots) == ["booked"] + ["closed"] * 5
    await _change(api, f"/v1/time-off/{made['id']}", {"starts_at": _from(2, 0)["starts_at"]})
    assert (
        await _states(api, calendar.slots) == ["booked", "closed", "open", "open"] + ["closed"] * 2
    )


async def test_a_reason_alone_asks_nobody(api: Api) -> None:
    calendar = await Calendar.of(api)
    path = f"/v1/doctors/{calendar.doctor['id']}/time-off"
    made = await api.made(f"{path}?on_conflict=keep", _from(0, 1) | {"reason": "A"}, calendar.desk)
    one = f"/v1/time-off/{made['id']}"

    for reason in ("B", None):
        changed = await _change(api, one, {"reason": reason})
        assert (changed.status_code, changed.json()["reason"]) == (200, reason)
    assert changed.json()["version"] == 3
    stale = {"headers": {"If-Match": '"1"'}}
    for params in ({}, DRY):
        answer = await _change(api, one, {"reason": "C"}, params=params, **stale)
        assert code_of(answer) == (412, "precondition_failed")
    answer = await api.send("DELETE", one, api.admin, **stale)
    assert code_of(answer) == (412, "precondition_failed")
    assert await _states(api, calendar.slots) == ["booked", "closed", "open"]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"ends_at": _from(0, 0)["ends_at"]}, "/ends_at"),
        ({"starts_at": _from(9, 0)["starts_at"]}, "/ends_at"),
        ({"ends_at": _from(0, 9000)["ends_at"]}, "/ends_at"),
        ({"starts_at": None}, "/starts_at"),
        ({"date": "2031-01-01"}, "/date"),
    ],
)
async def test_time_off_does_not_become_what_cannot_be(api: Api, wrong: Made, pointer: str) -> None:
    doctor = await api.doctor(await api.clinic())
    made = await api.made(f"/v1/doctors/{doctor['id']}/time-off", _from(0, 1))
    for params in ({}, DRY):
        answer = await _change(api, f"/v1/time-off/{made['id']}", wrong, params=params)
        assert code_of(answer) == (422, "validation_error")


async def test_a_closure_goes_to_another_day(api: Api) -> None:
    clinic = await api.clinic(time_zone="UTC")
    doctors = [await api.doctor(clinic), await api.doctor(clinic)]
    slots = [
        [(await api.slots(doctor, start=MIDNIGHT + day * DAY))[0] for day in range(3)]
        for doctor in doctors
    ]
    patient = await api.patient()
    booking = (await api.book(slots[1][1], patient)).json()
    days = [(MIDNIGHT + day * DAY).date().isoformat() for day in range(3)]
    path = f"/v1/clinics/{clinic['id']}/closures"
    made = await api.made(path, {"dates": [days[0], days[2]], "reason": "Works"})
    one = f"{path}/{made['items'][0]['id']}"

    taken = await _change(api, one, {"date": days[2]})
    assert code_of(taken) == (422, "validation_error")
    assert taken.json()["errors"][0]["pointer"] == "/date"
    dry = await _change(api, one, {"date": days[1]}, params=DRY)
    assert {name: dry.json()[name] for name in ("closed_slots", "opened_slots", "count")} == {
        "closed_slots": 1,
        "opened_slots": 2,
        "count": 1,
    }
    refused = await _change(api, one, {"date": days[1]})
    assert code_of(refused) == (409, "bookings_affected")
    stale = await _change(api, one, {"date": days[1]}, headers={"If-Match": '"2"'})
    assert code_of(stale) == (412, "precondition_failed")

    changed = await _change(api, one, {"date": days[1]}, params={"on_conflict": "cancel"})

    assert changed.status_code == 200
    assert (changed.json()["date"], changed.json()["version"]) == (days[1], 2)
    read = (await api.get(f"/v1/bookings/{booking['id']}", patient)).json()
    assert (read["status"], read["cancel_reason"]) == ("cancelled", "Works")
    for of_doctor in slots:
        assert await _states(api, of_doctor) == ["open", "closed", "closed"]
    changed = await _change(api, one, {"reason": None})
    assert (changed.json()["reason"], changed.json()["date"]) == (None, days[1])
    gone = await api.send("DELETE", one, api.admin, headers={"If-Match": '"1"'})
    assert code_of(gone) == (412, "precondition_failed")
    await api.send("DELETE", one, api.admin)
    assert code_of(await _change(api, one, {"date": days[0]})) == (404, "not_found")


async def test_a_closure_does_not_go_to_a_day_that_its_zone_skipped(api: Api) -> None:
    clinic = await api.clinic(time_zone="Pacific/Apia")
    path = f"/v1/clinics/{clinic['id']}/closures"
    made = await api.made(path, {"dates": ["2011-12-29"]})
    for params in ({}, DRY):
        answer = await _change(
            api, f"{path}/{made['items'][0]['id']}", {"date": "2011-12-30"}, params=params
        )
        assert code_of(answer) == (422, "nonexistent_local_time")


async def test_three_affected_bookings_are_offered_three_different_sets(api: Api) -> None:
    doctor = await api.doctor(await api.clinic())
    slots = await api.slots(doctor, 30)
    for slot in slots[:3]:
        assert (await api.book(slot, await api.patient())).status_code == 201
    path = f"/v1/doctors/{doctor['id']}/time-off"

    dry = await api.post(path, _from(0, 1.5), api.admin, params=DRY)

    offered = [[slot["id"] for slot in one["alternatives"]] for one in dry.json()[LISTED]]
    assert [len(found) for found in offered] == [5, 5, 5]
    assert len({slot_id for found in offered for slot_id in found}) == 15
    # Dealt out by start: the soonest ones are the first choices of each.
    firsts = [slot["id"] for slot in slots[3:6]]
    assert [found[0] for found in offered] == firsts


LISTED = "affected_bookings"


@pytest.mark.parametrize("how", ["time off ends", "time off shrinks", "closure ends"])
async def test_time_that_an_absence_gives_back_follows_the_hours_in_force(
    api: Api, how: str
) -> None:
    """The hours became others while it stood: not the slot of before opens, but those of now."""
    clinic = await api.clinic(time_zone="UTC")
    doctor, patient = await api.doctor(clinic), await api.patient()
    day = (START + 3 * DAY).date()
    hours = {
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "start_time": "09:00",
        "end_time": "10:00",
        "slot_minutes": 60,
        "valid_from": day.isoformat(),
        "valid_until": day.isoformat(),
    }
    rule = await api.made(f"/v1/doctors/{doctor['id']}/availability", hours)
    asked = {"doctor_id": doctor["id"], "from": f"{day}T00:00:00Z", "to": f"{day}T23:00:00Z"}
    (slot,) = (await api.get("/v1/slots", **asked)).json()["items"]
    booking = (await api.book(slot, patient)).json()
    if how == "closure ends":
        path = f"/v1/clinics/{clinic['id']}/closures"
        made = await api.made(f"{path}?on_conflict=keep", {"dates": [day.isoformat()]})
        one = f"{path}/{made['items'][0]['id']}"
    else:
        path = f"/v1/doctors/{doctor['id']}/time-off?on_conflict=keep"
        body = {"starts_at": f"{day}T00:00:00Z", "ends_at": f"{day}T12:00:00Z"}
        one = f"/v1/time-off/{(await api.made(path, body))['id']}"
    half = {"slot_minutes": 30}
    await api.send("PATCH", f"/v1/availability/{rule['id']}", api.admin, json=half)
    await api.post(f"/v1/bookings/{booking['id']}/cancel", by=patient)
    assert (await api.get("/v1/slots", **asked)).json()["items"] == []

    if how == "time off shrinks":
        await _change(api, one, {"starts_at": f"{day}T11:00:00Z"})
    else:
        await api.send("DELETE", one, api.admin)

    found = (await api.get("/v1/slots", **asked)).json()["items"]
    assert [one["starts_at"][11:16] for one in found] == ["09:00", "09:30"]
