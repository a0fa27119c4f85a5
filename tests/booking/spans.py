"""A doctor's schedule on which services take one slot, several, or time around them."""

from typing import Any

from tests.api import START, Api
from tests.booking.holding import Keeping

Made = dict[str, Any]
MORNING = START.replace(hour=6)
"""No service goes on over midnight, at whatever hour the tests run."""


async def schedule(api: Api, count: int) -> Keeping:
    return await Keeping.of(api, count, start=MORNING)


async def service(at: Keeping, minutes: int, before: int = 0, after: int = 0) -> str:
    made = await at.api.service(
        at.clinic,
        duration_minutes=minutes,
        buffer_before_minutes=before,
        buffer_after_minutes=after,
        doctor_ids=[at.doctor["id"]],
    )
    return str(made["id"])


async def booked(at: Keeping, place: int, service_id: str, by: Any = None) -> Made:
    answer = await at.book(at.slots[place], by or at.patient, service_id=service_id)
    assert answer.status_code == 201, answer.text
    made: Made = answer.json()
    return made


async def statuses(at: Keeping) -> list[str]:
    return [await at.status(slot) for slot in at.slots]


async def starts(at: Keeping, service_id: str) -> list[int]:
    """Places of the slots in which the service could begin, as three searches tell alike."""
    wanted = {"clinic_id": at.clinic["id"], "service_id": service_id}
    found = (await at.api.get("/v1/slots", **wanted)).json()["items"]
    ids = [slot["id"] for slot in at.slots]
    places = [ids.index(slot["id"]) for slot in found]
    soonest = (await at.api.get("/v1/slots/next", **wanted, per_doctor=10)).json()["items"]
    assert [ids.index(slot["id"]) for one in soonest for slot in one["slots"]] == places
    days = (await at.api.get("/v1/slots/calendar", **wanted)).json()["days"]
    assert sum(day["open_slots"] for day in days) == len(places)
    return places
