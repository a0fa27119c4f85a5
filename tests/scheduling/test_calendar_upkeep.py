"""Calendars are kept filled while the application runs, by one process at a time."""

import asyncio
import io
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from booking_system.bootstrap.worker_program import working
from booking_system.scheduling.adapters import calendar_upkeep as module
from booking_system.scheduling.adapters.calendar_upkeep import LOCK, CalendarUpkeep
from booking_system.scheduling.application.extend_horizon import Extension
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import DoctorId
from tests.api import Api
from tests.patience import PATIENCE, soon
from tests.platform.logged import lines_of

Made = dict[str, Any]
HOURS = {
    "weekdays": [1, 2, 3, 4, 5, 6, 7],
    "start_time": "09:00",
    "end_time": "11:00",
    "slot_minutes": 60,
    "valid_from": "2020-01-01",
}
COUNT = "SELECT count(*) FROM time_slots WHERE deleted_at IS NULL"


@pytest.fixture
def upkeep(api: Api, monkeypatch: pytest.MonkeyPatch) -> CalendarUpkeep:
    monkeypatch.setattr(module, "REST_SECONDS", 0.0)
    made: CalendarUpkeep = api.container.scheduling.calendar_upkeep()
    return made


async def _doctors(api: Api, count: int = 1) -> list[str]:
    """With weekly hours, in a clinic that takes bookings for ten days more than there are slots."""
    clinic = await api.clinic(time_zone="UTC", policy={"horizon_days": 10})
    doctors = [await api.doctor(clinic) for _ in range(count)]
    for doctor in doctors:
        await api.made(f"/v1/doctors/{doctor['id']}/availability", HOURS)
    await _sql(api, "UPDATE clinics SET horizon_days = 20 WHERE id = $1", UUID(clinic["id"]))
    return sorted(doctor["id"] for doctor in doctors)


async def _sql(api: Api, statement: str, *values: object) -> Any:
    async with api.container.database().reading() as connection:
        return await connection.fetchval(statement, *values)


async def _until(api: Api, many: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await _sql(api, COUNT) < many:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_round_fills_each_calendar_and_says_so(
    api: Api,
    upkeep: CalendarUpkeep,
    stream: io.StringIO,
) -> None:
    await _doctors(api, 2)
    before = await _sql(api, COUNT)
    assert await upkeep.once()
    assert await _sql(api, COUNT) == before + 40
    assert await upkeep.once()
    first, second = [one for one in lines_of(stream) if one["event"] == "calendars_extended"]
    told = ("doctors", "failed", "opened", "withdrawn")
    assert [first[name] for name in told] == [2, 0, 40, 0]
    assert [second[name] for name in told] == [2, 0, 0, 0]


async def test_while_one_process_is_at_it_the_others_are_not(
    api: Api, upkeep: CalendarUpkeep
) -> None:
    await _doctors(api)
    before = await _sql(api, COUNT)
    async with api.container.database().driver_transaction() as elsewhere:
        await elsewhere.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        assert await asyncio.wait_for(upkeep.once(), PATIENCE / 2)
        assert await _sql(api, COUNT) == before
    assert await upkeep.once()
    assert await _sql(api, COUNT) == before + 20


async def test_a_doctor_whose_calendar_fails_stops_no_other(
    api: Api,
    upkeep: CalendarUpkeep,
    stream: io.StringIO,
) -> None:
    first, second = await _doctors(api, 2)
    tries: list[str] = []

    async def failing(*, doctor_id: DoctorId, since: datetime | None) -> Extension:
        tries.append(str(doctor_id))
        if str(doctor_id) == first:
            raise LookupError("a value that nobody may read")
        if tries.count(second) == 1:
            raise Transient("a rival was quicker")
        return await upkeep.extend(doctor_id=doctor_id, since=since)

    broken = CalendarUpkeep(database=upkeep.database, doctors=upkeep.doctors, extend=failing)
    before = await _sql(api, COUNT)

    assert not await broken.once()

    assert await _sql(api, COUNT) == before + 20
    assert tries == [first, second, second]
    failure, done = [one for one in lines_of(stream) if "calendar" in one["event"]]
    assert (failure["event"], failure["doctor_id"]) == ("calendar_not_extended", first)
    assert "nobody may read" not in stream.getvalue()
    assert (done["doctors"], done["failed"], done["opened"]) == (1, 1, 20)


async def test_a_worker_does_so_soon_after_its_start_and_again(
    api: Api, upkeep: CalendarUpkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.02)
    await _doctors(api)
    before = await _sql(api, COUNT)
    async with working(api.container):
        await _until(api, before + 20)
        await _sql(api, "UPDATE clinics SET horizon_days = 30")
        await _until(api, before + 40)
        running = [task for task in asyncio.all_tasks() if task.get_name() == "calendars"]
        assert len(running) == 1
    assert running[0].done()
    assert upkeep is api.container.scheduling.calendar_upkeep()


async def test_what_failed_is_tried_again_soon(
    api: Api,
    upkeep: CalendarUpkeep,
    monkeypatch: pytest.MonkeyPatch,
    stream: io.StringIO,
) -> None:
    monkeypatch.setattr(module, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    await _doctors(api)
    before, rounds = await _sql(api, COUNT), 0

    async def doctors() -> list[DoctorId]:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise ConnectionError("no database")
        return list(await upkeep.doctors())

    async def extend(*, doctor_id: DoctorId, since: datetime | None) -> Extension:
        if rounds == 2:
            raise ConnectionError("no database")
        return await upkeep.extend(doctor_id=doctor_id, since=since)

    broken = CalendarUpkeep(database=upkeep.database, doctors=doctors, extend=extend)
    async with broken.running():
        await _until(api, before + 20)
        await soon(lambda: stream.getvalue().count("calendars_extended") >= 2)
        # The one that was whole is the last one for hours.
        await asyncio.sleep(0.1)

    assert rounds == 3
    events = [one["event"] for one in lines_of(stream) if "calendar" in one["event"]]
    assert events == [
        "calendars_not_extended",
        "calendar_not_extended",
        "calendars_extended",
        "calendars_extended",
    ]
