"""A clinic with a doctor, slots and people, for tests of what becomes of a booking."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from httpx import Response

from tests.api import Api, Person

Made = dict[str, Any]
LONG_AGO = timedelta(days=1000)


@dataclass(frozen=True, slots=True)
class Calendar:
    """One doctor of one clinic. `desk` works there, `patient` has booked the first slot."""

    api: Api
    clinic: Made
    doctor: Made
    slots: list[Made]
    desk: Person
    patient: Person
    booking: Made

    @classmethod
    async def of(cls, api: Api, count: int = 3, **policy: int) -> "Calendar":
        clinic = await api.clinic(policy=policy)
        doctor = await api.doctor(clinic)
        slots, patient = await api.slots(doctor, count), await api.patient()
        answer = await api.book(slots[0], patient)
        assert answer.status_code == 201, answer.text
        desk = await api.receptionist(clinic["id"])
        return cls(api, clinic, doctor, slots, desk, patient, answer.json())

    async def do(
        self, what: str, by: Person, booking: Made | None = None, **about: Any
    ) -> Response:
        path = f"/v1/bookings/{(booking or self.booking)['id']}/{what}"
        return await self.api.post(path, by=by, **about)

    async def move(
        self, slot: Made, by: Person | None = None, booking: Made | None = None, **about: Any
    ) -> Response:
        path = f"/v1/bookings/{(booking or self.booking)['id']}/reschedule"
        headers = about.pop("headers", {})
        body = {"time_slot_id": slot["id"], **about}
        return await self.api.post(path, body, by or self.patient, headers=headers)

    async def read(self, by: Person | None = None) -> Made:
        answer = await self.api.get(f"/v1/bookings/{self.booking['id']}", by or self.patient)
        shown: Made = answer.json()
        return shown

    async def history(self, by: Person | None = None) -> list[Made]:
        path = f"/v1/bookings/{self.booking['id']}/history"
        answer = await self.api.get(path, by or self.patient)
        assert answer.status_code == 200, answer.text
        assert answer.json()["next_cursor"] is None
        items: list[Made] = answer.json()["items"]
        return items

    async def begins(self, earlier: timedelta = LONG_AGO) -> None:
        """The booking begins so much earlier than it was booked for."""
        await self.sql(
            "UPDATE appointments SET starts_at = starts_at - $2::interval,"
            " ends_at = ends_at - $2::interval, blocked_from = blocked_from - $2::interval,"
            " blocked_until = blocked_until - $2::interval WHERE id = $1",
            UUID(self.booking["id"]),
            earlier,
        )

    async def begins_in(self, hours: float) -> None:
        """How long before its time the booking was made hangs on the hour of the run."""
        ahead = datetime.fromisoformat(self.booking["starts_at"]) - datetime.now(UTC)
        await self.begins(ahead - timedelta(hours=hours))

    async def sql(self, statement: str, *values: object) -> list[Any]:
        async with self.api.container.database().reading() as connection:
            return list(await connection.fetch(statement, *values))

    async def events(self) -> list[tuple[str, Made]]:
        rows = await self.sql(
            "SELECT name, payload::text AS payload FROM outbox"
            " WHERE payload->>'appointment_id' = $1 ORDER BY n",
            self.booking["id"],
        )
        return [(row["name"], row["payload"]) for row in rows]

    async def is_consistent(self) -> bool:
        """Every slot names its owner, and every owner that still claims one names its slot."""
        wrong = await self.sql(
            "SELECT FROM (SELECT * FROM appointments WHERE status <> 'cancelled') a"
            " FULL JOIN (SELECT * FROM time_slots WHERE appointment_id IS NOT NULL) s"
            " ON s.appointment_id = a.id"
            " WHERE a.time_slot_id IS DISTINCT FROM s.id OR a.starts_at <> s.starts_at"
            " OR a.doctor_id <> s.doctor_id"
        )
        return not wrong
