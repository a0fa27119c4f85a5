"""One calendar, and the same question put to all who answer it: which slots could be had?"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from booking_system.booking.application.book_appointment import BookAppointment
from booking_system.booking.application.ports import (
    BookingWish,
    BookingWork,
    MoveWish,
)
from booking_system.booking.application.reschedule_appointment import RescheduleAppointment
from booking_system.booking.domain.booking_rules import BOOKING_RULES, MOVE_RULES
from booking_system.booking.domain.card import AppointmentCard
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import Refusal
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    HoldId,
    ServiceId,
    SlotId,
)
from tests.api import START, ZONE, Api, Person, some_slots

Made = dict[str, Any]
MINUTE = timedelta(minutes=1)
DAY = (START + timedelta(days=1)).astimezone(ZoneInfo(ZONE)).date()
MOST = 20
"""So many slots of a doctor are in an answer about the soonest."""


class Undone(Exception):
    """What was tried is undone."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a trial: the slots and the end of what was booked, or the code of the no."""

    slot_ids: tuple[str, ...] = ()
    ends_at: datetime | None = None
    code: str | None = None

    @classmethod
    def of(cls, card: AppointmentCard) -> "Trial":
        booked = card.appointment
        return cls(tuple(str(one) for one in booked.time_slot_ids), booked.period.ends_at)


@dataclass(slots=True)
class Day:
    """A doctor's day, with what was done to it."""

    api: Api
    chance: random.Random
    clinic: Made
    doctor: Made
    desk: Person
    patients: list[Person]
    services: list[Made] = field(default_factory=list)
    bookings: list[tuple[Made, Person]] = field(default_factory=list)
    holds: list[tuple[Made, Person, str | None]] = field(default_factory=list)

    @classmethod
    async def of(cls, api: Api, seed: int) -> "Day":
        """Rules, services, and then whatever may happen to slots."""
        chance = random.Random(seed)
        clinic = await api.clinic(policy={"max_open_bookings_per_patient": 50})
        doctor = await api.doctor(clinic)
        desk = await api.receptionist(clinic["id"])
        day = cls(api, chance, clinic, doctor, desk, [await api.patient() for _ in range(4)])
        await day._hours()
        await day._offer()
        for _ in range(chance.randrange(2, 9)):
            await chance.choice([day._book, day._book, day._hold, day._close, day._add])()
        return day

    async def _hours(self) -> None:
        at = 6 * 60
        for _ in range(self.chance.randrange(1, 4)):
            slot = self.chance.choice([5, 10, 15, 20, 25, 30, 40, 45])
            gap = self.chance.choice([0, 0, 5, 10, 20])
            until = at + self.chance.randrange(2, 7) * (slot + gap)
            body = {
                "weekdays": [1, 2, 3, 4, 5, 6, 7],
                "start_time": _clock(at),
                "end_time": _clock(until),
                "slot_minutes": slot,
                "gap_minutes": gap,
                "valid_from": DAY.isoformat(),
                "valid_until": DAY.isoformat(),
                "mode": self.chance.choice(["in_person", "in_person", "in_person", "online"]),
            }
            await self.api.made(f"/v1/doctors/{self.doctor['id']}/availability", body)
            at = until + self.chance.choice([0, 0, 15, 60])

    async def _offer(self) -> None:
        for _ in range(6):
            self.services.append(
                await self.api.service(
                    self.clinic,
                    duration_minutes=self.chance.choice([5, 10, 20, 25, 26, 30, 31, 45, 60, 90]),
                    buffer_before_minutes=self.chance.choice([0, 0, 0, 5, 15, 40]),
                    buffer_after_minutes=self.chance.choice([0, 0, 0, 10, 15, 30]),
                    doctor_ids=[self.doctor["id"]],
                    mode=self.chance.choice(["in_person"] * 5 + ["online"]),
                )
            )

    async def _book(self) -> None:
        service, patient = self.chance.choice(self.services), self.chance.choice(self.patients[:2])
        slots = await self.listed(patient, service_id=service["id"])
        if slots:
            slot = self.chance.choice(slots)
            booked = await self.api.book(slot, patient, service_id=service["id"])
            if booked.status_code == 201:
                self.bookings.append((booked.json(), patient))

    async def _hold(self) -> None:
        # Others than those who book: their own holds would not stand in their way.
        patient = self.chance.choice(self.patients[2:])
        service = self.chance.choice([*self.services, None])
        about = {} if service is None else {"service_id": service["id"]}
        slots = await self.listed(patient, **about)
        if slots:
            body = {"time_slot_id": self.chance.choice(slots)["id"], **about}
            held = await self.api.post("/v1/holds", body, patient)
            if held.status_code == 201:
                self.holds.append((held.json(), patient, about.get("service_id")))

    async def _close(self) -> None:
        slots = await self.listed(None)
        if slots:
            path = f"/v1/slots/{self.chance.choice(slots)['id']}"
            if self.chance.random() < 0.5:
                await self.api.post(f"{path}/close", by=self.desk)
            else:
                await self.api.send("DELETE", path, self.desk)

    async def _add(self) -> None:
        """A slot by hand, at odd minutes; where there is another, it is refused."""
        start = datetime.combine(DAY, datetime.min.time(), ZoneInfo(ZONE))
        at = start + self.chance.randrange(5 * 60, 16 * 60) * MINUTE
        body = {"slots": some_slots(1, at, self.chance.choice([5, 20, 35]))}
        await self.api.post(f"/v1/doctors/{self.doctor['id']}/slots", body, self.desk)

    async def listed(self, by: Person | None, **about: Any) -> list[Made]:
        """What the search lists, where the other two agree."""
        whose = {"doctor_id": self.doctor["id"], **about}
        answer = await self.api.get("/v1/slots", by, limit=200, **whose)
        assert answer.status_code == 200, answer.text
        items: list[Made] = answer.json()["items"]
        days = (await self.api.get("/v1/slots/calendar", by, **whose)).json()["days"]
        assert sum(day["open_slots"] for day in days) == len(items), about
        soonest = (await self.api.get("/v1/slots/next", by, per_doctor=MOST, **whose)).json()
        assert [one for of in soonest["items"] for one in of["slots"]] == items[:MOST], about
        return items

    async def all_slots(self) -> list[str]:
        async with self.api.container.database().driver_transaction() as connection:
            rows = await connection.fetch(
                "SELECT id FROM time_slots WHERE doctor_id = $1 AND deleted_at IS NULL",
                UUID(self.doctor["id"]),
            )
        return [str(row["id"]) for row in rows]

    async def is_explained(self, by: Person, slot_id: str, **about: Any) -> bool:
        told = await self.api.get(f"/v1/slots/{slot_id}/explain", by, **about)
        assert told.status_code == 200, told.text
        bookable: bool = told.json()["bookable"]
        return bookable

    async def booked(
        self, by: Person, slot_id: str, service_id: str | None, hold_id: str | None = None
    ) -> Trial:
        """Book it for good, and undo it."""
        book = BookAppointment(
            **self._about(),
            rules=BOOKING_RULES,
            reader=self.api.container.booking.reader(),
            identities=self.api.container.identities(),
            references=self.api.container.booking.references(),
        )
        assert by.patient_id is not None
        wish = BookingWish(
            slot_id=SlotId(UUID(slot_id)),
            patient_id=(await self._actor(by)).patient_id,
            service_id=None if service_id is None else ServiceId(UUID(service_id)),
            hold_id=None if hold_id is None else HoldId(UUID(hold_id)),
        )
        try:
            return Trial.of(await book(wish=wish, actor=await self._actor(by)))
        except Refusal as refusal:
            return Trial(code=refusal.code)

    async def moved(self, by: Person, booking_id: str, slot_id: str) -> Trial:
        """Move it for good, and undo it."""
        move = RescheduleAppointment(rules=MOVE_RULES, **self._about())
        wish = MoveWish(
            appointment_id=AppointmentId(UUID(booking_id)), slot_id=SlotId(UUID(slot_id))
        )
        try:
            return Trial.of(await move(wish=wish, version=None, actor=await self._actor(by)))
        except Refusal as refusal:
            return Trial(code=refusal.code)

    def _about(self) -> dict[str, Any]:
        container = self.api.container
        return {
            "transaction": self._undone,
            "alternatives": container.scheduling.finder().nearest,
            "overlaps": container.booking.overlaps(),
            "clock": container.clock(),
        }

    async def _actor(self, by: Person) -> Actor:
        actor = await self.api.app.state.authenticate(by.headers["Authorization"])
        assert isinstance(actor, Actor)
        return actor

    @asynccontextmanager
    async def _undone(self) -> AsyncIterator[BookingWork]:
        try:
            async with self.api.container.booking.booking().transaction() as work:
                yield work
                _undo()
        except Undone:
            pass


def _undo() -> None:
    raise Undone


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
