"""What two instances on one database show of it."""

from typing import Any

from tests.api import Api, Person

ROUNDS = 10


async def a_slot(api: Api) -> tuple[dict[str, Any], dict[str, str], Person]:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    (slot,) = await api.slots(doctor)
    return slot, {"doctor_id": doctor["id"]}, await api.patient()


async def shown(api: Api, search: dict[str, str]) -> list[str]:
    answer = await api.get("/v1/slots", **search)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


async def books_and_looks(one: Api, other: Api, rounds: int = ROUNDS) -> None:
    """What one instance has answered, the other shows at once."""
    doctor = await one.doctor(await one.clinic())
    slot, stays = await one.slots(doctor, 2)
    search, patient = {"doctor_id": doctor["id"]}, await one.patient()
    for number in range(rounds):
        booked = await (one if number % 2 else other).book(slot, patient)
        assert booked.status_code == 201, booked.text
        assert await shown(other if number % 2 else one, search) == [stays["id"]]
        gone = await one.post(f"/v1/bookings/{booked.json()['id']}/cancel", None, patient)
        assert gone.status_code == 200
        assert await shown(other, search) == [slot["id"], stays["id"]]
