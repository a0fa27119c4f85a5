"""A clinic whose slots are held, for tests of holds over HTTP."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from httpx import Response

from tests.api import START, Api, Person

Made = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keeping:
    """One doctor of one clinic. `desk` works there; `patient` and `other` do not."""

    api: Api
    clinic: Made
    doctor: Made
    slots: list[Made]
    desk: Person
    patient: Person
    other: Person

    @classmethod
    async def of(
        cls, api: Api, count: int = 4, *, start: datetime = START, **policy: Any
    ) -> "Keeping":
        clinic = await api.clinic(policy=policy)
        doctor = await api.doctor(clinic)
        slots = await api.slots(doctor, count, start=start)
        desk = await api.receptionist(clinic["id"])
        return cls(api, clinic, doctor, slots, desk, await api.patient(), await api.patient())

    async def hold(
        self, slot: Made, by: Person | None, token: str | None = None, **about: Any
    ) -> Response:
        body = {"time_slot_id": slot["id"], **about}
        return await self.api.post("/v1/holds", body, by, headers=token_header(token))

    async def held(self, slot: Made, by: Person | None, **about: Any) -> Made:
        answer = await self.hold(slot, by, **about)
        assert answer.status_code == 201, answer.text
        made: Made = answer.json()
        return made

    async def ask(
        self, method: str, hold: Made, by: Person | None, more: str = "", token: str | None = None
    ) -> Response:
        path = f"/v1/holds/{hold['id']}{more}"
        return await self.api.send(method, path, by, headers=token_header(token))

    async def book(
        self, slot: Made, by: Person, token: str | None = None, **about: Any
    ) -> Response:
        body = {"time_slot_id": slot["id"], **about}
        return await self.api.post("/v1/bookings", body, by, headers=token_header(token))

    async def pass_time(self, hold: Made, by: timedelta = timedelta(minutes=10)) -> None:
        await self.sql(
            "UPDATE time_slots SET held_until = held_until - $2::interval WHERE hold_id = $1",
            UUID(hold["id"]),
            by,
        )

    async def knows(self, person: Person) -> dict[str, str]:
        """Make somebody a patient of the clinic; return how a body names them."""
        await self.sql(
            "INSERT INTO clinic_patients (clinic_id, patient_id, known_since, known_because)"
            " VALUES ($1, $2, now(), 'taken_on')",
            UUID(self.clinic["id"]),
            person.patient_id,
        )
        return {"patient_id": str(person.patient_id)}

    async def status(self, slot: Made) -> str:
        shown = (await self.api.get(f"/v1/slots/{slot['id']}")).json()
        return str(shown["status"])

    async def found(self) -> set[str]:
        answer = await self.api.get("/v1/slots", clinic_id=self.clinic["id"])
        return {one["id"] for one in answer.json()["items"]}

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with self.api.container.database().driver_transaction() as connection:
            return list(await connection.fetch(statement, *values))


def token_header(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Hold-Token": token}
