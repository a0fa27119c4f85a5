"""A clinic in which everything happens: its doctors, hours, services and people."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from httpx import Response

from tests.api import Api, Person

Made = dict[str, Any]
FIRST = (datetime.now(UTC) + timedelta(days=2)).date()
LAST = FIRST + timedelta(days=3)
ZONES = ["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata"]
GRIDS = [(25, 5), (30, 0), (20, 10), (60, 0), (15, 0), (50, 10)]
PATIENTS = 8


def hours(dice: random.Random) -> Made:
    slot, gap = dice.choice(GRIDS)
    return {
        "start_time": dice.choice(["08:00", "09:00", "10:30"]),
        "end_time": dice.choice(["12:00", "13:00", "15:30"]),
        "slot_minutes": slot,
        "gap_minutes": gap,
    }


def terms(dice: random.Random) -> Made:
    return {
        "duration_minutes": dice.choice([10, 20, 25, 26, 30, 45, 60, 90]),
        "buffer_before_minutes": dice.choice([0, 0, 0, 5, 30]),
        "buffer_after_minutes": dice.choice([0, 0, 0, 15, 30]),
        "mode": dice.choice(["in_person"] * 6 + ["online"]),
    }


@dataclass(slots=True)
class Place:
    """What the walk knows of the clinic; what others change meanwhile is asked for anew."""

    api: Api
    dice: random.Random
    clinic: Made
    desk: Person
    doctors: list[Made]
    patients: list[Person]
    services: list[str] = field(default_factory=list)
    holds: dict[str, tuple[Person, str | None]] = field(default_factory=dict)
    """Whose hold it is, and what for."""
    told: dict[tuple[str, int, str | None], int] = field(default_factory=dict)
    """How often each operation was answered how."""

    @classmethod
    async def of(cls, api: Api, seed: int) -> Self:
        dice = random.Random(seed)
        policy = {"max_open_bookings_per_patient": 500, "horizon_days": 30}
        clinic = await api.clinic(time_zone=ZONES[0], policy=policy)
        doctors = [await api.doctor(clinic, full_name=f"Example Doctor {n}") for n in range(3)]
        patients = [await api.patient() for _ in range(PATIENTS)]
        place = cls(api, dice, clinic, await api.clinic_admin(clinic["id"]), doctors, patients)
        for doctor in doctors:
            body = hours(dice) | {
                "weekdays": [1, 2, 3, 4, 5, 6, 7],
                "valid_from": FIRST.isoformat(),
                "valid_until": LAST.isoformat(),
            }
            await api.made(f"/v1/doctors/{doctor['id']}/availability", body, place.desk)
        for _ in range(4):
            made = await api.service(
                clinic, **terms(dice), doctor_ids=[doctor["id"] for doctor in doctors]
            )
            place.services.append(made["id"])
        return place

    def note(self, what: str, answer: Response) -> Response:
        """Whatever is asked in whatever order, the program knows an answer."""
        code = None if answer.is_success else str(answer.json()["code"])
        busy = {"overloaded", "dependency_unavailable"}
        assert answer.status_code < 500 or code in busy, (what, answer.text)
        key = (what, answer.status_code, code)
        self.told[key] = self.told.get(key, 0) + 1
        return answer

    async def post(self, what: str, path: str, body: Any, by: Person, **params: str) -> Response:
        return self.note(what, await self.api.post(path, body, by, params=params))

    async def send(self, what: str, method: str, path: str, **about: Any) -> Response:
        about.setdefault("by", self.desk)
        return self.note(what, await self.api.send(method, path, **about))

    async def items(self, path: str, by: Person | None = None, **params: Any) -> list[Made]:
        """All pages of a list; nothing where what is asked about is gone."""
        found: list[Made] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            answer = await self.api.get(path, by or self.desk, limit=200, **params, **more)
            if not answer.is_success:
                return found
            page = answer.json()
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    @property
    def done(self) -> set[str]:
        """The operations that succeeded at least once."""
        return {what for what, status, _ in self.told if status < 300}

    @property
    def period(self) -> dict[str, str]:
        since = datetime.combine(FIRST, datetime.min.time(), UTC) - timedelta(days=1)
        until = datetime.combine(LAST, datetime.min.time(), UTC) + timedelta(days=3)
        return {"from": since.isoformat(), "to": until.isoformat()}

    async def open_slots(self, **params: Any) -> list[Made]:
        params.setdefault("clinic_id", self.clinic["id"])
        return await self.items("/v1/slots", **self.period, **params)

    async def bookings(self) -> list[Made]:
        """Those that are neither over nor cancelled."""
        return await self.items(
            "/v1/bookings", clinic_id=self.clinic["id"], status=["confirmed", "checked_in"]
        )

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with self.api.container.database().reading() as connection:
            return list(await connection.fetch(statement, *values))
