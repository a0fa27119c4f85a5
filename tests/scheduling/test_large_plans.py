"""The largest hours that are allowed stop nobody: planned in pieces, finished in the background."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from booking_system.scheduling.application.follow_hours import MOST_AT_ONCE
from booking_system.scheduling.domain.timetable import MOST_SLOTS, WINDOW_SLOTS
from booking_system.scheduling.records.calendar import CalendarRecords
from tests.api import ZONE, Api, running_api
from tests.patience import PATIENCE
from tests.scheduling.hours import EVERY_DAY, Made, a_doctor, slots_of
from tests.scheduling.stalls import watched
from tests.servers import serving

LARGEST = [(180, 7), (730, 27)]
"""The clinic's horizon in days, and the shortest slots in minutes that a doctor may have then."""
LARGE = [
    (60, 20),
    *(pytest.param(*one, marks=pytest.mark.proof) for one in LARGEST),
]
"""Of a tenth of that many slots: windows are as large, and there are enough of them."""
LONGEST_STALL = 0.2
LONGEST_DAY = 1500


def around_the_clock(minutes: int, **about: Any) -> Made:
    return {
        "weekdays": EVERY_DAY,
        "start_time": "00:00",
        "end_time": "24:00",
        "slot_minutes": minutes,
        "valid_from": "2020-01-01",
    } | about


def of(doctor: Made) -> str:
    return f"/v1/doctors/{doctor['id']}/availability"


DRY = {"dry_run": "true"}


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many slots each step reads, and how many it opens."""
    seen: list[int] = []
    present, opening = CalendarRecords.present, CalendarRecords.open

    async def read(*args: Any, **about: Any) -> Any:
        found = await present(*args, **about)
        seen.append(len(found))
        return found

    async def opened(self: Any, wishes: Any, *args: Any, **about: Any) -> None:
        seen.append(len(wishes))
        await opening(self, wishes, *args, **about)

    monkeypatch.setattr(CalendarRecords, "present", read)
    monkeypatch.setattr(CalendarRecords, "open", opened)
    return seen


@pytest.mark.parametrize(("days", "minutes"), LARGE)
async def test_a_large_rule_stops_nobody_while_it_is_tried_made_changed_and_dropped(
    api: Api, sizes: list[int], days: int, minutes: int
) -> None:
    doctor = await a_doctor(api, policy={"horizon_days": days})
    body = around_the_clock(minutes)
    worker = api.container.scheduling.calendar_worker()
    async with watched() as stall:
        tried = await api.post(of(doctor), body, api.admin, params=DRY)
        made = await api.post(of(doctor), body, api.admin)
        one = f"/v1/availability/{made.json()['id']}"
        at_first = len(await slots_of(api, doctor))
        while await worker.once():
            pass
        rest = len(await slots_of(api, doctor))
        longer, since = {"slot_minutes": minutes + 1}, datetime.now(UTC) + timedelta(minutes=1)
        change = await api.send("PATCH", one, api.admin, json=longer, params=DRY)
        changed = await api.send("PATCH", one, api.admin, json=longer)
        after = [slot for slot in await slots_of(api, doctor) if slot["starts_at"] > since]
        dropped = await api.send("DELETE", one, api.admin)

    assert [a.status_code for a in (tried, made, change, changed, dropped)] == [
        200, 201, 200, 200, 200
    ]  # fmt: skip
    assert MOST_AT_ONCE < tried.json()["opened_slots"] <= MOST_SLOTS
    assert made.json()["generated_slots"] == at_first <= MOST_AT_ONCE
    assert abs(rest - tried.json()["opened_slots"]) <= 1
    assert made.json()["filled_until"] is not None
    # What is offered after the change is of the new hours, or is not offered yet.
    assert {s["ends_at"] - s["starts_at"] for s in after} == {
        after[0]["ends_at"] - after[0]["starts_at"]
    }
    assert len(after) <= changed.json()["generated_slots"] <= len(after) + 1
    assert len(after) <= dropped.json()["closed_slots"] <= len(after) + 1
    # What has begun stays as it was.
    assert all(slot["starts_at"] < since for slot in await slots_of(api, doctor))
    assert max(sizes) <= max(2 * WINDOW_SLOTS, LONGEST_DAY)
    assert stall.longest < LONGEST_STALL


async def test_what_remains_of_a_large_plan_is_told_until_it_is_done(api: Api) -> None:
    doctor = await a_doctor(api, policy={"horizon_days": 90})
    made = await api.made(of(doctor), around_the_clock(15))
    one = f"/v1/availability/{made['id']}"
    until = made["filled_until"]
    assert until is not None
    assert max(s["starts_at"] for s in await slots_of(api, doctor)).isoformat() < until
    assert (await api.get(one, api.admin)).json()["filled_until"] == until
    listed = (await api.get(of(doctor), api.admin)).json()["items"]
    assert [rule["filled_until"] for rule in listed] == [until]
    worker = api.container.scheduling.calendar_worker()

    assert await worker._next()
    further = (await api.get(one, api.admin)).json()["filled_until"]
    assert further > until
    while await worker.once():
        pass

    assert (await api.get(one, api.admin)).json()["filled_until"] is None
    assert len(await slots_of(api, doctor)) in range(90 * 96 - 1, 90 * 96 + 2)
    assert (await api.container.scheduling.extend_horizon()()).withdrawn == 0


async def test_a_change_that_comes_while_a_large_plan_is_made_is_followed(api: Api) -> None:
    doctor, patient = await a_doctor(api, policy={"horizon_days": 40}), await api.patient()
    made = await api.made(of(doctor), around_the_clock(10))
    one = f"/v1/availability/{made['id']}"
    worker = api.container.scheduling.calendar_worker()
    assert await worker._next()
    last = (await slots_of(api, doctor))[-1]
    booking = await api.book({"id": str(last["id"])}, patient)
    assert booking.status_code == 201

    answer = await api.send("PATCH", one, api.admin, json={"slot_minutes": 9, "end_time": "23:51"})

    changed, since = answer.json(), datetime.now(UTC)
    # It lies behind what was planned at once, and is named all the same.
    assert booking.json()["starts_at"] > changed["filled_until"]
    assert [kept["id"] for kept in changed["kept_bookings"]] == [booking.json()["id"]]
    # What had begun by then stays as it was.
    slots = [slot for slot in await slots_of(api, doctor) if slot["starts_at"] > since]
    assert {(s["ends_at"] - s["starts_at"]).seconds for s in slots[:-1]} == {540}
    assert slots[-1]["closed_because"] == "outside_availability"
    while await worker.once():
        pass
    slots = await slots_of(api, doctor)
    assert len(slots) in range(40 * 159 - 3, 40 * 159 + 2)


async def test_a_dry_run_has_no_outcome_that_could_be_unknown(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody begins to store anything on its behalf."""
    stored: list[bool] = []
    doctor = await a_doctor(api)
    rule = await api.made(of(doctor), around_the_clock(60))
    monkeypatch.setattr(
        "booking_system.platform.postgres.transaction.storing", lambda: stored.append(True)
    )
    one = f"/v1/availability/{rule['id']}"
    exceptions = f"/v1/doctors/{doctor['id']}/availability-exceptions"
    today = datetime.now(ZoneInfo(ZONE)).date()
    nothing = {"date": f"{today}", "hours": [], "replaces": True}
    tries = [
        await api.post(of(await a_doctor_of(api, doctor)), around_the_clock(60), api.admin,
                       params=DRY),
        await api.send("PATCH", one, api.admin, json={"slot_minutes": 30}, params=DRY),
        await api.send("DELETE", one, api.admin, params=DRY),
        await api.post(exceptions, nothing, api.admin, params=DRY),
    ]  # fmt: skip
    assert [answer.status_code for answer in tries] == [200] * 4
    # The doctor was made in between, and nothing else.
    assert stored == [True]


async def a_doctor_of(api: Api, doctor: Made) -> Made:
    return await api.doctor({"id": doctor["clinic_id"]})


@pytest.mark.proof
@pytest.mark.parametrize(("days", "minutes"), LARGEST)
async def test_somebody_who_asks_whether_the_process_lives_waits_for_no_plan(
    database_url: str, tmp_path: Path, days: int, minutes: int
) -> None:
    """One process serves both; the longest of its answers is printed."""
    async with running_api(database_url, tmp_path) as api:
        doctor = await a_doctor(api, policy={"horizon_days": days})
        path, body = of(doctor), around_the_clock(minutes)
        waits: list[float] = []
        with serving(database_url, tmp_path, processes=1) as address:
            async with httpx.AsyncClient(base_url=address, timeout=PATIENCE) as client:

                async def ask() -> None:
                    while True:
                        asked = time.perf_counter()
                        assert (await client.get("/health/live")).status_code == 200
                        waits.append(time.perf_counter() - asked)
                        await asyncio.sleep(0.005)

                asking = asyncio.create_task(ask())
                for params in (DRY, {}):
                    answer = await client.post(
                        path, json=body, params=params, headers=api.admin.headers
                    )
                    assert answer.is_success, answer.text
                one = f"/v1/availability/{answer.json()['id']}"
                while (await api.get(one, api.admin)).json()["filled_until"] is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                asking.cancel()
        print(f"{days} days of {minutes} minutes: {max(waits) * 1000:.0f} ms of {len(waits)}")  # noqa: T201
        assert sorted(waits)[len(waits) // 2] < LONGEST_STALL
