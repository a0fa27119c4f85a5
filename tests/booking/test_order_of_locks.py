"""What the weave found: who waits for whom, where two want the same rows in two orders."""

import asyncio
import contextvars
from typing import Any
from uuid import UUID

import pytest

from booking_system.booking.adapters.postgres import PostgresBookingWork
from tests.api import Api, code_of
from tests.patience import PATIENCE, soon

WAITS = """SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"""


async def until_somebody_waits(api: Api) -> None:
    async with asyncio.timeout(PATIENCE), api.container.database().reading() as connection:
        found = list[int]()
        while not any(found):
            found.append(await connection.fetchval(WAITS))
            await asyncio.sleep(0.005)


async def test_whoever_reopens_a_slot_waits_for_the_doctor_and_not_with_the_slot(api: Api) -> None:
    clinic = await api.clinic()
    doctor, desk = await api.doctor(clinic), await api.receptionist(clinic["id"])
    (slot,) = await api.slots(doctor, 1)
    await api.post(f"/v1/slots/{slot['id']}/close", {}, desk)

    async with api.container.database().driver_transaction() as holder:
        lock = "SELECT FROM doctors WHERE id = $1 FOR NO KEY UPDATE"
        await holder.execute(lock, UUID(doctor["id"]))
        reopening = asyncio.create_task(
            api.post(f"/v1/slots/{slot['id']}/reopen", {}, desk), context=contextvars.Context()
        )
        await until_somebody_waits(api)
        lock = "SELECT FROM time_slots WHERE id = $1 FOR UPDATE NOWAIT"
        await holder.execute(lock, UUID(slot["id"]))
    assert code_of(await reopening) == (200, None)


@pytest.mark.parametrize("kind", ["patient", "service"])
@pytest.mark.parametrize(
    ("on_conflict", "told", "left"),
    [("", (409, "bookings_affected"), "confirmed"), ("cancel", (204, None), "cancelled")],
)
async def test_what_goes_waits_for_a_booking_that_is_being_written(
    api: Api, monkeypatch: pytest.MonkeyPatch, on_conflict: str, told: Any, left: str, kind: str
) -> None:
    clinic = await api.clinic()
    doctor, patient = await api.doctor(clinic), await api.patient()
    service = await api.service(clinic, doctor_ids=[doctor["id"]])
    (slot,) = await api.slots(doctor, 1)
    what, who = {
        "patient": (f"/v1/patients/{patient.patient_id}", patient),
        "service": (f"/v1/services/{service['id']}", await api.clinic_admin(clinic["id"])),
    }[kind]
    add, goings = PostgresBookingWork.add, list[asyncio.Task[Any]]()
    query = f"?on_conflict={on_conflict}" if on_conflict else ""

    async def add_and_be_overtaken(*args: Any, **about: Any) -> None:
        await add(*args, **about)
        going = api.send("DELETE", f"{what}{query}", who)
        goings.append(asyncio.create_task(going, context=contextvars.Context()))
        await until_somebody_waits(api)

    monkeypatch.setattr(PostgresBookingWork, "add", add_and_be_overtaken)
    wish = {"time_slot_id": slot["id"], "service_id": service["id"]}
    booked = await api.post("/v1/bookings", wish, patient)
    assert code_of(booked) == (201, None)
    monkeypatch.undo()

    await soon(goings[0].done)
    answer = goings[0].result()
    if code_of(answer) == (503, "dependency_unavailable"):
        answer = await api.send("DELETE", f"{what}{query}", who)
    assert code_of(answer) == told
    async with api.container.database().reading() as connection:
        assert await connection.fetchval("SELECT status FROM appointments") == left
