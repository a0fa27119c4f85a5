"""Calendars stay filled, bookings stay what they are, however many work on them at once."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.api import Api, Person, code_of

Made = dict[str, Any]
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
HOURS = {
    "weekdays": EVERY_DAY,
    "start_time": "00:00",
    "end_time": "24:00",
    "slot_minutes": 60,
    "valid_from": "2020-01-01",
}
FREE = """SELECT starts_at, ends_at, rule_id FROM time_slots WHERE doctor_id = $1
 AND deleted_at IS NULL AND appointment_id IS NULL ORDER BY starts_at"""
TWICE = """SELECT count(*) FROM time_slots a JOIN time_slots b ON a.doctor_id = b.doctor_id
 AND a.id < b.id AND a.deleted_at IS NULL AND b.deleted_at IS NULL
 AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)"""


async def _sql(api: Api, statement: str, *values: object) -> list[Any]:
    async with api.container.database().reading() as connection:
        return list(await connection.fetch(statement, *values))


async def _doctor(api: Api, **about: Any) -> Made:
    policy = {"horizon_days": 10, "max_open_bookings_per_patient": 1000}
    return await api.doctor(await api.clinic(**{"policy": policy, "time_zone": "UTC"} | about))


async def _rule(api: Api, doctor: Made, **hours: Any) -> Made:
    return await api.made(f"/v1/doctors/{doctor['id']}/availability", HOURS | hours)


async def _horizon(api: Api, doctor: Made, days: int) -> None:
    await _sql(
        api, "UPDATE clinics SET horizon_days = $2 WHERE id = $1", UUID(doctor["clinic_id"]), days
    )


async def test_the_horizon_is_filled_once_however_many_fill_it(api: Api) -> None:
    doctor = await _doctor(api)
    await _rule(api, doctor)
    await _horizon(api, doctor, 20)
    extend = api.container.scheduling.extend_horizon()

    done = await asyncio.gather(*(extend() for _ in range(4)))

    assert sum(one.opened for one in done) == 240
    assert [one.doctors for one in done] == [1] * 4
    assert len(await _sql(api, FREE, UUID(doctor["id"]))) == 480
    assert (await _sql(api, TWICE))[0][0] == 0
    again = await extend()
    assert (again.opened, again.withdrawn, again.moved) == (0, 0, ())


async def test_who_is_gone_gets_no_slots(api: Api) -> None:
    doctor = await _doctor(api)
    await _rule(api, doctor)
    await api.send("DELETE", f"/v1/doctors/{doctor['id']}", api.admin)
    await _horizon(api, doctor, 20)

    done = await api.container.scheduling.extend_horizon()()

    assert (done.doctors, done.opened) == (0, 0)


async def test_a_slot_that_was_kept_for_a_booking_goes_with_the_booking(api: Api) -> None:
    doctor, patient = await _doctor(api), await api.patient()
    rule = await _rule(api, doctor)
    slot = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"][-1]
    booking = (await api.book(slot, patient)).json()
    await api.send("DELETE", f"/v1/availability/{rule['id']}", api.admin)
    extend = api.container.scheduling.extend_horizon()
    assert (await extend()).withdrawn == 0

    await api.post(f"/v1/bookings/{booking['id']}/cancel", by=patient)

    assert await _sql(api, FREE, UUID(doctor["id"])) == []
    assert (await extend()).withdrawn == 0


async def test_a_slot_that_was_kept_for_a_hold_goes_when_the_hold_has_run_out(api: Api) -> None:
    """Nothing happens in the moment in which a hold ends, so the upkeep is what withdraws it."""
    doctor, patient = await _doctor(api), await api.patient()
    rule = await _rule(api, doctor)
    slot = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"][-1]
    await api.made("/v1/holds", {"time_slot_id": slot["id"]}, patient)
    await api.send("DELETE", f"/v1/availability/{rule['id']}", api.admin)
    extend = api.container.scheduling.extend_horizon()
    assert (await extend()).withdrawn == 0
    await _sql(
        api,
        "UPDATE time_slots SET held_until = now() - interval '1 second' WHERE id = $1",
        UUID(slot["id"]),
    )

    assert (await extend()).withdrawn == 1

    assert await _sql(api, FREE, UUID(doctor["id"])) == []


async def test_other_zone_data_moves_open_slots_and_tells_of_bookings(api: Api) -> None:
    """New zone data and another zone are the same to slots: the clock shows something else."""
    doctor, patient = await _doctor(api, time_zone="Etc/GMT-1"), await api.patient()
    await _rule(api, doctor, start_time="09:00", end_time="12:00")
    slots = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"]
    nine = next(slot for slot in slots if "T09:00" in slot["local_starts_at"])
    booking = (await api.book(nine, patient)).json()
    extend = api.container.scheduling.extend_horizon()
    assert (await extend()).moved == ()
    await _sql(
        api,
        "UPDATE clinics SET time_zone = 'Etc/GMT-2' WHERE id = $1",
        UUID(doctor["clinic_id"]),
    )

    done = await extend()

    (moved,) = done.moved
    assert str(moved.appointment_id) == booking["id"]
    assert f"{moved.starts_at:%Y-%m-%dT%H:%M:%SZ}" == booking["starts_at"]
    assert (f"{moved.wall_was:%H:%M}", f"{moved.wall_is:%H:%M}") == ("09:00", "10:00")
    read = (await api.get(f"/v1/bookings/{booking['id']}", patient)).json()
    assert (read["starts_at"], read["status"]) == (booking["starts_at"], "confirmed")
    after = (await api.get("/v1/slots", doctor_id=doctor["id"])).json()["items"]
    shown = {slot["local_starts_at"][11:16] for slot in after}
    assert shown == {"09:00", "10:00", "11:00"}
    assert (await extend()).moved == done.moved
    # A slot that happens to be right for the new clock is not told of when it is booked later.
    ten = next(s for s in after if s["starts_at"] in {one["starts_at"] for one in slots})
    assert (await api.book(ten, patient)).status_code == 201
    assert (await extend()).moved == done.moved


async def test_two_hundred_bookings_run_while_their_rule_changes(api: Api) -> None:
    doctor = await _doctor(api, policy={"horizon_days": 12, "max_open_bookings_per_patient": 999})
    rule = await _rule(api, doctor)
    since = datetime.now(UTC) + timedelta(hours=1)
    listed = await api.get(
        "/v1/slots",
        doctor_id=doctor["id"],
        limit=200,
        **{"from": since.isoformat(), "to": (since + timedelta(days=11)).isoformat()},
    )
    slots = listed.json()["items"]
    assert len(slots) == 200
    patients = [await api.patient() for _ in range(4)]
    turns, outcomes = asyncio.Semaphore(6), []

    async def book(slot: Made, patient: Person) -> None:
        async with turns:
            answer = await api.book(slot, patient)
        outcomes.append((slot, answer))

    async def change(**hours: Any) -> int:
        answer = await api.send("PATCH", f"/v1/availability/{rule['id']}", api.admin, json=hours)
        return answer.status_code

    async def changes() -> list[int]:
        return [
            await change(slot_minutes=45),
            await change(slot_minutes=60, start_time="00:30"),
            await change(start_time="06:00", end_time="18:00"),
        ]

    *_, changed = await asyncio.gather(
        *(book(slot, patients[place % 4]) for place, slot in enumerate(slots)), changes()
    )

    assert changed == [200] * 3
    codes = {code_of(answer) for _slot, answer in outcomes}
    assert codes <= {(201, None), (404, "slot_not_found")}
    booked = {answer.json()["id"]: slot for slot, answer in outcomes if answer.is_success}
    assert booked
    rows = await _sql(
        api,
        "SELECT a.id::text, a.starts_at, s.starts_at AS slot_starts_at FROM appointments a"
        " JOIN time_slots s ON s.appointment_id = a.id AND s.id = a.time_slot_id"
        " WHERE a.status = 'confirmed' AND s.deleted_at IS NULL",
    )
    assert {row["id"] for row in rows} == booked.keys()
    for row in rows:
        wanted = datetime.fromisoformat(booked[row["id"]]["starts_at"])
        assert row["starts_at"] == row["slot_starts_at"] == wanted
    assert (await _sql(api, TWICE))[0][0] == 0
    free = await _sql(api, FREE, UUID(doctor["id"]))
    assert {row["starts_at"].hour for row in free if row["starts_at"] > since} <= set(range(6, 18))


async def test_a_rule_of_a_half_year_takes_well_under_a_second(api: Api) -> None:
    doctor = await _doctor(api, policy={"horizon_days": 182})
    begun = time.process_time()

    made = await _rule(api, doctor, start_time="08:00", end_time="16:00", slot_minutes=30)

    assert made["generated_slots"] > 2_890
    # Of the processor's time, with others beside it.
    assert time.process_time() - begun < 2
