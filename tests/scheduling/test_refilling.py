"""Time that somebody lets go of follows the hours in force, in the transaction that lets go."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from booking_system.scheduling.domain.slot_plan import missing
from booking_system.scheduling.records.calendar import CalendarRecords
from booking_system.scheduling.records.refilling import lock_calendars, refill_freed
from booking_system.shared_kernel.period import Period
from tests.api import Api, Person, code_of
from tests.scheduling.hours import HOURS, TODAY, Made, a_doctor, a_rule, slots_of

ONE_DAY = {"valid_until": HOURS["valid_from"], "end_time": "12:00", "slot_minutes": 60}
LET_GO = """UPDATE time_slots SET appointment_id = NULL, hold_id = NULL, held_until = NULL,
 hold_minutes = NULL, hold_extended = false, held_for = NULL, held_by = NULL, hold_network = NULL,
 hold_place = NULL WHERE id = ANY($1::uuid[])"""
CANCEL = """UPDATE appointments SET status = 'cancelled', cancelled_by = 'clinic'
 WHERE time_slot_ids && $1::uuid[]"""


async def clocks(api: Api, doctor: Made) -> list[str]:
    return [
        f"{s['starts_at']:%H:%M}-{s['ends_at']:%H:%M}{'' if open_(s) else ' closed'}"
        for s in await slots_of(api, doctor)
    ]


def open_(slot: Made) -> bool:
    return slot["closed_because"] is None


async def let_go(api: Api, *slots: Made) -> None:
    """As whoever frees slots does: the calendars first, then the slots, then what hangs on them."""
    ids = [UUID(str(slot["id"])) for slot in slots]
    async with api.container.database().driver_transaction() as connection:
        locked = await lock_calendars(connection, ids)
        await connection.execute(CANCEL, ids)
        await connection.execute(LET_GO, ids)
        await refill_freed(connection, ids, locked=locked, now=datetime.now(UTC))


async def change(api: Api, rule: Made, **hours: Any) -> Made:
    answer = await api.send("PATCH", f"/v1/availability/{rule['id']}", api.admin, json=hours)
    assert answer.status_code == 200, answer.text
    changed: Made = answer.json()
    return changed


async def test_time_that_a_booking_leaves_is_cut_by_the_new_hours(api: Api) -> None:
    doctor, patient = await a_doctor(api, time_zone="UTC"), await api.patient()
    rule = await a_rule(api, doctor, **ONE_DAY)
    nine = (await slots_of(api, doctor))[0]
    booking = (await api.book(nine, patient)).json()
    changed = await change(api, rule, slot_minutes=30)
    assert [kept["id"] for kept in changed["kept_bookings"]] == [booking["id"]]
    assert (await clocks(api, doctor))[:2] == ["09:00-10:00 closed", "10:00-10:30"]

    await let_go(api, nine)

    assert await clocks(api, doctor) == [
        "09:00-09:30", "09:30-10:00", "10:00-10:30", "10:30-11:00", "11:00-11:30", "11:30-12:00"
    ]  # fmt: skip


async def test_hours_that_are_gone_leave_nothing(api: Api) -> None:
    doctor, patient = await a_doctor(api, time_zone="UTC"), await api.patient()
    rule = await a_rule(api, doctor, **ONE_DAY)
    nine = (await slots_of(api, doctor))[0]
    await api.book(nine, patient)
    gone = await api.send("DELETE", f"/v1/availability/{rule['id']}", api.admin)
    assert gone.json()["closed_slots"] == 2
    assert len(gone.json()["kept_bookings"]) == 1

    await let_go(api, nine)

    assert await clocks(api, doctor) == []


async def test_time_off_closes_what_is_opened_again(api: Api) -> None:
    doctor, patient = await a_doctor(api, time_zone="UTC"), await api.patient()
    rule = await a_rule(api, doctor, **ONE_DAY)
    nine = (await slots_of(api, doctor))[0]
    await api.book(nine, patient)
    await change(api, rule, slot_minutes=30)
    away = {
        "starts_at": nine["starts_at"].isoformat(),
        "ends_at": (nine["starts_at"] + timedelta(minutes=30)).isoformat(),
    }
    await api.made(f"/v1/doctors/{doctor['id']}/time-off?on_conflict=keep", away)

    await let_go(api, nine)

    assert (await clocks(api, doctor))[:2] == ["09:00-09:30 closed", "09:30-10:00"]


async def test_a_hold_that_ends_by_time_gives_its_time_back_soon(api: Api) -> None:
    doctor, patient = await a_doctor(api, time_zone="UTC"), await api.patient()
    rule = await a_rule(api, doctor, **ONE_DAY)
    nine = (await slots_of(api, doctor))[0]
    held = await api.post("/v1/holds", {"time_slot_id": str(nine["id"])}, patient)
    assert held.status_code == 201
    await change(api, rule, slot_minutes=30)
    worker = api.container.scheduling.calendar_worker()
    assert await worker.once() == 0
    async with api.container.database().reading() as connection:
        due = await connection.fetchval("SELECT due_at FROM calendar_work")
        assert due == datetime.fromisoformat(held.json()["expires_at"])
        # Somebody looks too early: the hold is still in force, so it is looked at again.
        await connection.execute("UPDATE calendar_work SET due_at = now()")
        assert await worker.once() == 1
        assert await connection.fetchval("SELECT due_at FROM calendar_work") == due
        await connection.execute("UPDATE calendar_work SET due_at = now()")
        await connection.execute("UPDATE time_slots SET held_until = now()"
                                 " WHERE held_until IS NOT NULL")  # fmt: skip

    assert await worker.once() == 1

    assert (await clocks(api, doctor))[:2] == ["09:00-09:30", "09:30-10:00"]
    assert await worker.once() == 0


async def test_hours_that_change_while_somebody_lets_go_are_followed_a_second_later(
    api: Api,
) -> None:
    doctor, patient = await a_doctor(api, time_zone="UTC"), await api.patient()
    rule = await a_rule(api, doctor, **ONE_DAY)
    nine = (await slots_of(api, doctor))[0]
    await api.book(nine, patient)
    async with api.container.database().driver_transaction() as connection:
        locked = await lock_calendars(connection, [nine["id"]])
        assert locked == frozenset()
        await change(api, rule, slot_minutes=30)
        ids = [UUID(str(nine["id"]))]
        await connection.execute(CANCEL, ids)
        await connection.execute(LET_GO, ids)
        await refill_freed(connection, ids, locked=locked, now=datetime.now(UTC))

    assert await api.container.scheduling.calendar_worker().once() == 1

    assert (await clocks(api, doctor))[:2] == ["09:00-09:30", "09:30-10:00"]


async def test_a_slot_closed_by_hand_that_no_rule_wants_stays_closed_until_it_is_deleted(
    api: Api,
) -> None:
    doctor = await a_doctor(api, time_zone="UTC")
    rule = await a_rule(api, doctor, **ONE_DAY)
    slots = await slots_of(api, doctor)
    path = f"/v1/slots/{slots[0]['id']}"
    assert (await api.post(f"{path}/close", by=api.admin)).status_code == 200

    await change(api, rule, slot_minutes=30)

    assert (await clocks(api, doctor))[:2] == ["09:00-10:00 closed", "10:00-10:30"]
    assert code_of(await api.post(f"{path}/reopen", by=api.admin)) == (409, "slot_unavailable")
    assert (await api.send("DELETE", path, api.admin)).status_code == 204
    assert (await clocks(api, doctor))[:3] == ["09:00-09:30", "09:30-10:00", "10:00-10:30"]
    # What a rule wants stays deleted, whatever the grid.
    half_past = (await slots_of(api, doctor))[3]
    assert (await api.send("DELETE", f"/v1/slots/{half_past['id']}", api.admin)).is_success
    assert "10:30-11:00" not in await clocks(api, doctor)
    await change(api, rule, slot_minutes=30, start_time="09:15")
    assert await clocks(api, doctor) == [
        "09:15-09:45", "09:45-10:15", "11:15-11:45"
    ]  # fmt: skip


async def test_a_slot_closed_by_hand_that_a_rule_wants_again_can_be_reopened(api: Api) -> None:
    doctor = await a_doctor(api, time_zone="UTC")
    rule = await a_rule(api, doctor, **ONE_DAY)
    path = f"/v1/slots/{(await slots_of(api, doctor))[0]['id']}"
    await api.post(f"{path}/close", by=api.admin)
    await change(api, rule, slot_minutes=30)
    await change(api, rule, slot_minutes=60)

    assert (await clocks(api, doctor))[0] == "09:00-10:00 closed"
    assert (await api.post(f"{path}/reopen", by=api.admin)).status_code == 200
    assert (await clocks(api, doctor))[0] == "09:00-10:00"


async def test_a_hand_made_slot_that_is_deleted_makes_room_for_the_hours(api: Api) -> None:
    doctor = await a_doctor(api, time_zone="UTC")
    start = datetime.fromisoformat(f"{HOURS['valid_from']}T09:45:00+00:00")
    (own,) = await api.slots(doctor, start=start)
    await a_rule(api, doctor, **ONE_DAY)
    assert await clocks(api, doctor) == ["09:45-10:15", "11:00-12:00"]

    await api.send("DELETE", f"/v1/slots/{own['id']}", api.admin)

    assert await clocks(api, doctor) == ["09:00-10:00", "10:00-11:00", "11:00-12:00"]


class Walk:
    """Somebody who does this and that to a calendar of three days, by chance."""

    def __init__(self, api: Api, doctor: Made, patient: Person, chance: random.Random) -> None:
        self.api, self.doctor, self.patient, self.chance = api, doctor, patient, chance
        self.rules: list[Made] = []
        self.exceptions: list[Made] = []

    async def step(self) -> None:
        deeds = [self.book, self.hold, self.close, self.delete, self.free, self.rule, self.other]
        await self.chance.choice(deeds)()

    async def _some(self, *, free: bool = True) -> Made | None:
        slots = [s for s in await slots_of(self.api, self.doctor) if open_(s) or not free]
        return self.chance.choice(slots) if slots else None

    async def book(self) -> None:
        if (slot := await self._some()) is not None:
            await self.api.book({"id": str(slot["id"])}, self.patient)

    async def hold(self) -> None:
        if (slot := await self._some()) is not None:
            await self.api.post("/v1/holds", {"time_slot_id": str(slot["id"])}, self.patient)

    async def close(self) -> None:
        if (slot := await self._some()) is not None:
            await self.api.post(f"/v1/slots/{slot['id']}/close", by=self.api.admin)

    async def delete(self) -> None:
        if (slot := await self._some()) is not None and self.chance.random() < 0.5:
            await self.api.send("DELETE", f"/v1/slots/{slot['id']}", self.api.admin)

    async def free(self) -> None:
        if (slot := await self._some(free=False)) is not None:
            await let_go(self.api, slot)

    def _hours(self) -> Made:
        start = self.chance.randrange(16, 36)
        end = start + self.chance.randrange(2, 10)
        return {
            "start_time": f"{start // 2:02}:{start % 2 * 30:02}",
            "end_time": f"{end // 2:02}:{end % 2 * 30:02}",
            "slot_minutes": self.chance.choice([15, 20, 25, 30, 45, 60]),
            "gap_minutes": self.chance.choice([0, 0, 5, 10]),
        }

    async def rule(self) -> None:
        if self.rules and self.chance.random() < 0.6:
            rule = self.chance.choice(self.rules)
            await self.api.send(
                "PATCH", f"/v1/availability/{rule['id']}", self.api.admin, json=self._hours()
            )
        elif self.rules and self.chance.random() < 0.3:
            rule = self.rules.pop()
            await self.api.send("DELETE", f"/v1/availability/{rule['id']}", self.api.admin)
        else:
            path = f"/v1/doctors/{self.doctor['id']}/availability"
            made = await self.api.post(path, HOURS | self._hours(), self.api.admin)
            self.rules += [made.json()] if made.is_success else []

    async def other(self) -> None:
        if self.exceptions and self.chance.random() < 0.4:
            gone = self.exceptions.pop()
            await self.api.send(
                "DELETE", f"/v1/availability-exceptions/{gone['id']}", self.api.admin
            )
            return
        body = {
            "date": (TODAY + timedelta(days=self.chance.randrange(2, 5))).isoformat(),
            "hours": [self._hours()] * self.chance.randrange(2),
            "replaces": self.chance.random() < 0.7,
        }
        path = f"/v1/doctors/{self.doctor['id']}/availability-exceptions"
        made = await self.api.post(path, body, self.api.admin)
        self.exceptions += [made.json()] if made.is_success else []

    async def end(self) -> None:
        for slot in await slots_of(self.api, self.doctor):
            await let_go(self.api, slot)
        for slot in await slots_of(self.api, self.doctor):
            path = f"/v1/slots/{slot['id']}"
            if (await self.api.post(f"{path}/reopen", by=self.api.admin)).is_error:
                await self.api.send("DELETE", path, self.api.admin)


@pytest.mark.parametrize("seed", range(4))
async def test_when_all_is_let_go_of_the_calendar_is_what_the_hours_want(
    api: Api, seed: int
) -> None:
    policy = {"max_open_bookings_per_patient": 1000}
    doctor = await a_doctor(api, time_zone="UTC", policy=policy)
    walk = Walk(api, doctor, await api.patient(), random.Random(seed))
    for _ in range(40):
        await walk.step()

    await walk.end()

    first = datetime.combine(date.fromisoformat(str(HOURS["valid_from"])), datetime.min.time(), UTC)
    days = Period(first, first + timedelta(days=4))
    async with api.container.database().reading() as connection:
        records = CalendarRecords(connection)
        calendar = await records.doctor(UUID(doctor["id"]))  # type: ignore[arg-type]
        assert calendar is not None
        now = datetime.now(UTC)
        table = await records.timetable(calendar, now=now)
        present = await records.present(calendar, days, now=now)
    wanted = missing([slot for slot in present if slot.is_deleted], table.wishes(days))
    there = [slot for slot in present if not slot.is_deleted]
    assert {(s.period, s.mode) for s in there} == {(w.period, w.mode) for w in wanted}
    assert all(slot.closed_because is None and not slot.is_outside for slot in there)
    assert (await api.container.scheduling.extend_horizon()()).opened == 0
