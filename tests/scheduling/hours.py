"""Weekly hours to try things on: three days of two hours each."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.api import Api

Made = dict[str, Any]
TODAY = datetime.now(UTC).date()
TOMORROW = (TODAY + timedelta(days=1)).isoformat()
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
HOURS = {
    "weekdays": EVERY_DAY,
    "start_time": "09:00",
    "end_time": "11:00",
    "slot_minutes": 30,
    "valid_from": (TODAY + timedelta(days=2)).isoformat(),
    "valid_until": (TODAY + timedelta(days=4)).isoformat(),
}


async def a_doctor(api: Api, **about: Any) -> Made:
    return await api.doctor(await api.clinic(**about))


async def a_rule(api: Api, doctor: Made, **hours: Any) -> Made:
    return await api.made(f"/v1/doctors/{doctor['id']}/availability", HOURS | hours)


async def slots_of(api: Api, doctor: Made) -> list[Made]:
    """All that are there, whatever their state."""
    async with api.container.database().reading() as connection:
        rows = await connection.fetch(
            "SELECT id::text, starts_at, ends_at, closed_because, appointment_id FROM time_slots"
            " WHERE doctor_id = $1 AND deleted_at IS NULL ORDER BY starts_at",
            UUID(doctor["id"]),
        )
    return [dict(row) for row in rows]
