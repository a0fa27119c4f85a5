"""The wall between a doctor's time slots stands however often their calendar is made anew."""

from uuid import UUID

import asyncpg
import pytest

from tests.api import Api
from tests.booking.week import HOURS

AGAIN = """INSERT INTO time_slots (id, clinic_id, doctor_id, starts_at, ends_at, mode, created_at,
 wall_starts_at) SELECT gen_random_uuid(), clinic_id, doctor_id, starts_at, ends_at, mode,
 created_at, wall_starts_at FROM time_slots WHERE id = $1"""
LIVE = "SELECT id FROM time_slots WHERE doctor_id = $1 AND deleted_at IS NULL"


async def test_each_live_slot_keeps_others_off_its_time(api: Api) -> None:
    """A hold over several slots is looked at for each new one, while the index grows."""
    clinic = await api.clinic(time_zone="UTC")
    doctor = await api.doctor(clinic)
    whose = [doctor["id"]]
    long = await api.service(clinic, duration_minutes=60, doctor_ids=whose)
    wide = HOURS | {"start_time": "06:00", "end_time": "20:00"}
    rule = await api.made(f"/v1/doctors/{doctor['id']}/availability", wide)
    slots = await api.get("/v1/slots", doctor_id=doctor["id"], service_id=long["id"])
    held = {"time_slot_id": slots.json()["items"][3]["id"], "service_id": long["id"]}
    await api.made("/v1/holds", held, await api.patient())

    connection = await asyncpg.connect(api.container.settings().database_url)
    try:
        for minutes in (20, 30, 15, 30, 20, 15, 30, 20, 15, 30):
            path = f"/v1/availability/{rule['id']}"
            answer = await api.send("PATCH", path, api.admin, json={"slot_minutes": minutes})
            assert answer.status_code == 200, answer.text
            for row in await connection.fetch(LIVE, UUID(doctor["id"])):
                with pytest.raises(asyncpg.ExclusionViolationError):
                    await connection.execute(AGAIN, row["id"])
    finally:
        await connection.close()
