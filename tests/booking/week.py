"""A doctor with slots of one weekly rule, for tests of what becomes of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from tests.api import Api, Person

Made = dict[str, Any]
DAY = (datetime.now(UTC) + timedelta(days=3)).date()
HOURS = {
    "weekdays": [1, 2, 3, 4, 5, 6, 7],
    "start_time": "09:00",
    "end_time": "11:00",
    "slot_minutes": 30,
    "valid_from": DAY.isoformat(),
    "valid_until": DAY.isoformat(),
}


@dataclass(frozen=True, slots=True)
class Week:
    """A doctor with four slots of one rule."""

    api: Api
    doctor: Made
    rule: Made
    slots: list[Made]
    desk: Person
    patient: Person

    @classmethod
    async def of(cls, api: Api) -> Self:
        clinic = await api.clinic(time_zone="UTC", policy={"max_open_bookings_per_patient": 99})
        doctor = await api.doctor(clinic)
        rule = await api.made(f"/v1/doctors/{doctor['id']}/availability", HOURS)
        slots = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"]
        assert len(slots) == 4
        desk, patient = await api.receptionist(clinic["id"]), await api.patient()
        return cls(api, doctor, rule, slots, desk, patient)

    async def book(self, place: int = 0) -> Made:
        answer = await self.api.book(self.slots[place], self.patient)
        assert answer.status_code == 201, answer.text
        made: Made = answer.json()
        return made

    async def cancel(self, booking: Made) -> None:
        path = f"/v1/bookings/{booking['id']}/cancel"
        assert (await self.api.post(path, by=self.patient)).status_code == 200

    async def drop_rule(self) -> None:
        path = f"/v1/availability/{self.rule['id']}"
        assert (await self.api.send("DELETE", path, self.desk)).status_code == 200

    async def make_rule(self, **hours: Any) -> Made:
        path = f"/v1/doctors/{self.doctor['id']}/availability"
        return await self.api.made(path, HOURS | hours, self.desk)

    async def take_off(self) -> str:
        midnight = datetime.combine(DAY, datetime.min.time(), UTC)
        body = {
            "starts_at": midnight.isoformat(),
            "ends_at": (midnight + timedelta(days=1)).isoformat(),
        }
        path = f"/v1/doctors/{self.doctor['id']}/time-off?on_conflict=keep"
        return f"/v1/time-off/{(await self.api.made(path, body, self.desk))['id']}"

    async def end(self, absence: str) -> None:
        assert (await self.api.send("DELETE", absence, self.desk)).status_code == 204

    async def state(self, place: int = 0) -> str:
        """As everybody sees it."""
        answer = await self.api.get(f"/v1/slots/{self.slots[place]['id']}")
        return str(answer.json()["status"]) if answer.is_success else "gone"

    async def row(self, place: int = 0) -> tuple[str | None, bool]:
        """Why it is closed, and whether it lies outside of the rules."""
        async with self.api.container.database().reading() as connection:
            row = await connection.fetchrow(
                "SELECT closed_because, outside_availability FROM time_slots WHERE id = $1",
                UUID(self.slots[place]["id"]),
            )
        return row[0], row[1]

    async def offered(self) -> set[str]:
        found = await self.api.get("/v1/slots", doctor_id=self.doctor["id"])
        return {slot["id"] for slot in found.json()["items"]}

    async def outside(self, **whose: str) -> list[str]:
        """The bookings that are listed as such: of the clinic unless somebody else is named."""
        params = {"outside_availability": "true"} | (
            whose or {"clinic_id": self.doctor["clinic_id"]}
        )
        found = await self.api.get("/v1/bookings", self.desk, **params)
        assert found.status_code == 200, found.text
        return [one["id"] for one in found.json()["items"]]

    async def extend(self) -> None:
        await self.api.container.scheduling.extend_horizon()()
