"""Calendars that were asked for are planned soon, each once, and no wish is lost."""

import asyncio
import io
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from booking_system.bootstrap.worker_program import working
from booking_system.scheduling.adapters.calendar_worker import CalendarWorker
from booking_system.scheduling.application.extend_horizon import Extension
from booking_system.scheduling.records import calendar_work
from booking_system.shared_kernel.identifiers import DoctorId
from tests.api import Api
from tests.patience import PATIENCE
from tests.platform.logged import lines_of
from tests.scheduling.hours import EVERY_DAY, Made

HOURS = {
    "weekdays": EVERY_DAY,
    "start_time": "09:00",
    "end_time": "11:00",
    "slot_minutes": 60,
    "valid_from": "2020-01-01",
}
COUNT = "SELECT count(*) FROM time_slots WHERE deleted_at IS NULL"
LEFT = "SELECT count(*) FROM calendar_work"


async def _sql(api: Api, statement: str, *values: object) -> Any:
    async with api.container.database().reading() as connection:
        return await connection.fetchval(statement, *values)


async def _clinic(api: Api, doctors: int = 1) -> tuple[Made, list[Made]]:
    """Its horizon was raised by ten days, and nobody has planned for that yet."""
    clinic = await api.clinic(time_zone="UTC", policy={"horizon_days": 10})
    made = [await api.doctor(clinic) for _ in range(doctors)]
    for doctor in made:
        await api.made(f"/v1/doctors/{doctor['id']}/availability", HOURS)
    await _sql(api, "UPDATE clinics SET horizon_days = 20 WHERE id = $1", UUID(clinic["id"]))
    return clinic, made


async def _ask(api: Api, clinic: Made, *, after: timedelta = timedelta(0)) -> None:
    now = datetime.now(UTC)
    async with api.container.database().driver_transaction() as connection:
        await calendar_work.ask_clinic(
            connection, clinic["id"], due_at=now + after, planned_until=now
        )


async def test_all_calendars_of_a_clinic_are_planned_when_they_were_asked_for(api: Api) -> None:
    clinic, _ = await _clinic(api, 2)
    before = await _sql(api, COUNT)
    await _ask(api, clinic)
    worker = api.container.scheduling.calendar_worker()

    assert sum(await asyncio.gather(*(worker.once() for _ in range(3)))) == 2

    assert await _sql(api, COUNT) == before + 40
    assert await _sql(api, LEFT) == 0


async def test_a_calendar_that_another_worker_has_just_planned_is_not_planned_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (doctor,) = await _clinic(api)
    before = await _sql(api, COUNT)
    worker = api.container.scheduling.calendar_worker()
    found = iter([UUID(doctor["id"])])

    class SeenBefore:
        """Finds the row in the state that was, and gets the lock when the other one is through."""

        async def fetchval(self, connection: object, **values: object) -> UUID | None:
            return next(found, None)

    monkeypatch.setattr(calendar_work, "TAKE", SeenBefore())

    assert await worker.once() == 0
    assert await _sql(api, COUNT) == before


async def test_a_calendar_that_is_not_due_waits(api: Api) -> None:
    clinic, _ = await _clinic(api)
    await _ask(api, clinic, after=timedelta(minutes=5))
    worker = api.container.scheduling.calendar_worker()

    assert await worker.once() == 0
    # The earlier of two wishes counts.
    await _ask(api, clinic)
    assert await worker.once() == 1
    assert await _sql(api, LEFT) == 0


async def test_a_wish_that_comes_while_a_calendar_is_planned_is_not_lost(api: Api) -> None:
    clinic, _ = await _clinic(api)
    await _ask(api, clinic)
    worker = api.container.scheduling.calendar_worker()

    async def asked_again(*, doctor_id: DoctorId, since: datetime | None) -> Extension:
        # By somebody with a connection, and a transaction, of their own.
        await asyncio.create_task(_ask(api, clinic), context=Context())
        return await worker.extend(doctor_id=doctor_id, since=since)

    first = CalendarWorker(database=worker.database, extend=asked_again, clock=worker.clock)
    assert await first._next()
    assert await _sql(api, LEFT) == 1

    assert await worker.once() == 1
    assert await _sql(api, LEFT) == 0


async def test_a_calendar_that_fails_is_put_off_and_stops_no_other(
    api: Api, stream: io.StringIO
) -> None:
    clinic, (first, second) = await _clinic(api, 2)
    await _ask(api, clinic)
    before = await _sql(api, COUNT)
    worker = api.container.scheduling.calendar_worker()

    async def failing(*, doctor_id: DoctorId, since: datetime | None) -> Extension:
        if str(doctor_id) == first["id"]:
            raise LookupError("a value that nobody may read")
        return await worker.extend(doctor_id=doctor_id, since=since)

    broken = CalendarWorker(database=worker.database, extend=failing, clock=worker.clock)
    await broken.once()

    assert await _sql(api, COUNT) == before + 20
    assert str(await _sql(api, "SELECT doctor_id FROM calendar_work")) == first["id"]
    assert second["id"] != first["id"]
    (told,) = [one for one in lines_of(stream) if one["event"] == "calendar_not_planned"]
    assert told["doctor_id"] == first["id"]
    assert "nobody may read" not in stream.getvalue()
    await _sql(api, "UPDATE calendar_work SET due_at = now()")
    assert await worker.once() == 1
    assert await _sql(api, COUNT) == before + 40


async def test_a_worker_plans_what_was_asked_for(api: Api) -> None:
    clinic, _ = await _clinic(api)
    before = await _sql(api, COUNT)
    async with working(api.container):
        await _ask(api, clinic)
        async with asyncio.timeout(PATIENCE):
            while await _sql(api, COUNT) < before + 20:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
