"""Services that take several slots: whoever races for them, time is sold once, and all of it."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from booking_system.booking.adapters import span_locks
from booking_system.booking.adapters.span_locks import LOCK_TO_MOVE
from booking_system.booking.records.span_changes import ITS_SLOTS
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import locked
from tests.api import Api, Person, code_of
from tests.booking.spans import MORNING, booked, schedule, service
from tests.servers import Crowd

PLENTY = {"max_open_bookings_per_patient": 1000}
BUSY = {(503, "overloaded"), (503, "dependency_unavailable")}
"""Nothing was done: the machine was too slow for the locks' deadlines."""
TAKEN = (409, "slot_already_booked")

OVERLAPS = """SELECT count(*) FROM appointments a JOIN appointments b
 ON b.doctor_id = a.doctor_id AND b.id > a.id AND b.status <> 'cancelled'
 AND tstzrange(a.blocked_from, a.blocked_until) && tstzrange(b.blocked_from, b.blocked_until)
 WHERE a.status <> 'cancelled'"""
OWNED = """SELECT count(*) FROM appointments a CROSS JOIN LATERAL unnest(a.time_slot_ids) AS t(id)
 JOIN time_slots s ON s.id = t.id
 WHERE a.status <> 'cancelled' AND s.appointment_id IS DISTINCT FROM a.id"""
STRAY = """SELECT count(*) FROM time_slots s WHERE s.appointment_id IS NOT NULL AND NOT EXISTS (
  SELECT FROM appointments a WHERE a.id = s.appointment_id AND s.id = ANY(a.time_slot_ids)
  AND a.status <> 'cancelled')"""
MARKS = """SELECT count(*) FROM time_slots s WHERE s.deleted_at IS NULL
 AND coalesce((SELECT array_agg(b ORDER BY b) FROM unnest(s.blocked_by) b), '{}') <> ARRAY(
  SELECT a.id FROM appointments a WHERE a.doctor_id = s.doctor_id AND a.status <> 'cancelled'
  AND tstzrange(a.blocked_from, a.blocked_until) && tstzrange(s.starts_at, s.ends_at)
  AND s.id <> ALL(a.time_slot_ids) ORDER BY a.id)"""


async def is_consistent(api: Api) -> None:
    async with api.container.database().driver_transaction() as connection:
        for statement in (OVERLAPS, OWNED, STRAY, MARKS):
            assert await connection.fetchval(statement) == 0, statement


async def sent(client: AsyncClient, path: str, body: dict[str, Any], by: Person) -> Any:
    """Send until the machine is fast enough for an answer."""
    while True:
        answer = await client.post(path, json=body, headers=by.headers)
        if code_of(answer) not in BUSY:
            return answer
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("rounds", "patients", "minutes", "buffers"),
    [
        pytest.param(1, 12, 60, (0, 0), id="short"),
        pytest.param(1, 12, 30, (10, 20), id="short, with buffers"),
        pytest.param(50, 32, 60, (0, 0), id="long", marks=pytest.mark.proof),
        pytest.param(50, 32, 45, (10, 20), id="long, with buffers", marks=pytest.mark.proof),
    ],
)
async def test_of_overlapping_starts_time_is_sold_once_and_all_that_can_be(
    served: tuple[Api, Crowd], rounds: int, patients: int, minutes: int, buffers: tuple[int, int]
) -> None:
    api, crowd = served
    clinic = await api.clinic(policy=PLENTY | {"horizon_days": 366})
    doctor = await api.doctor(clinic)
    service = await api.service(
        clinic,
        duration_minutes=minutes,
        buffer_before_minutes=buffers[0],
        buffer_after_minutes=buffers[1],
        doctor_ids=[doctor["id"]],
    )
    callers = [await api.patient() for _ in range(patients)]
    dice, told = random.Random(3), Counter[tuple[int, str | None]]()

    async def try_all(client: AsyncClient, who: Person, slots: list[dict[str, Any]]) -> None:
        for slot in dice.sample(slots, len(slots)):
            body = {"time_slot_id": slot["id"], "service_id": service["id"]}
            answer = await sent(client, "/v1/bookings", body, who)
            told[code_of(answer)] += 1
            if answer.status_code == 201:
                return

    async with crowd.of(patients) as clients:
        for day in range(rounds):
            start = MORNING + timedelta(days=day)
            slots = await api.slots(doctor, 10, start=start)
            await asyncio.gather(
                *(try_all(client, who, slots) for client, who in zip(clients, callers, strict=True))
            )
            left = await api.get(
                "/v1/slots",
                doctor_id=doctor["id"],
                service_id=service["id"],
                **{"from": start.isoformat(), "to": (start + timedelta(hours=12)).isoformat()},
            )
            assert left.json()["items"] == [], "nothing is left that could be sold"

    assert told.keys() <= {(201, None), TAKEN, (422, "service_not_offered")}
    most = {60: 5, 30: 5, 45: 4}[minutes]
    assert 2 * rounds <= told[201, None] <= most * rounds
    await is_consistent(api)


async def test_bookings_moves_and_cancellations_of_any_length_leave_a_consistent_calendar(
    served: tuple[Api, Crowd],
) -> None:
    api, crowd = served
    clinic = await api.clinic(policy=PLENTY)
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 24, start=MORNING, minutes=15)
    services = [
        await api.service(
            clinic,
            duration_minutes=minutes,
            buffer_before_minutes=before,
            buffer_after_minutes=after,
            doctor_ids=[doctor["id"]],
        )
        for minutes, before, after in ((15, 0, 0), (40, 0, 0), (15, 5, 10), (30, 20, 20))
    ]
    dice, told = random.Random(5), Counter[tuple[int, str | None]]()

    async def live(client: AsyncClient, who: Person) -> None:
        own: list[str] = []
        for _ in range(12):
            slot = dice.choice(slots)["id"]
            if own and dice.random() < 0.4:
                answer = await sent(client, f"/v1/bookings/{own.pop()}/cancel", {}, who)
            elif own and dice.random() < 0.6:
                body = {"time_slot_id": slot}
                answer = await sent(client, f"/v1/bookings/{own[-1]}/reschedule", body, who)
            else:
                body = {"time_slot_id": slot, "service_id": dice.choice(services)["id"]}
                answer = await sent(client, "/v1/bookings", body, who)
                own += [answer.json()["id"]] if answer.status_code == 201 else []
            told[code_of(answer)] += 1

    callers = [await api.patient() for _ in range(8)]
    async with crowd.of(len(callers)) as clients:
        await asyncio.gather(
            *(live(client, who) for client, who in zip(clients, callers, strict=True))
        )

    assert told[200, None]
    assert told[201, None]
    refused = {TAKEN, (422, "service_not_offered"), (409, "patient_overlap")}
    assert told.keys() <= {(200, None), (201, None), *refused}
    await is_consistent(api)


async def test_whoever_takes_several_slots_waits_for_each_the_lowest_first(api: Api) -> None:
    clinic = await api.clinic()
    doctor, patient = await api.doctor(clinic), await api.patient()
    slots = await api.slots(doctor, 4, start=MORNING)
    service = await api.service(
        clinic, duration_minutes=60, buffer_after_minutes=10, doctor_ids=[doctor["id"]]
    )
    lock = "SELECT FROM time_slots WHERE id = $1 FOR UPDATE"
    low, *higher = sorted(UUID(one["id"]) for one in slots[:3])

    for one, free in ((low, higher), (higher[-1], [])):
        async with api.container.database().driver_transaction() as holder:
            await holder.execute(lock, one)
            booking = asyncio.create_task(api.book(slots[0], patient, service_id=service["id"]))
            await asyncio.sleep(0.3)
            assert not booking.done()
            for slot_id in free:
                await holder.execute(f"{lock} NOWAIT", slot_id)
        answer = await booking
        assert code_of(answer) == (201, None)
        await api.post(f"/v1/bookings/{answer.json()['id']}/cancel", {}, patient)


async def test_nothing_moves_to_slots_that_are_not_locked(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a slot was added while the others were waited for."""
    at = await schedule(api, 4)
    booking = await booked(at, 0, await service(at, 60))
    fewer = Statement(locked(ITS_SLOTS).where(an_id("slot_id").is_not(None)))
    assert set(fewer.names) == set(LOCK_TO_MOVE.names)
    monkeypatch.setattr(span_locks, "LOCK_TO_MOVE", fewer)

    path = f"/v1/bookings/{booking['id']}/reschedule"
    answer = await api.post(path, {"time_slot_id": at.slots[2]["id"]}, at.patient)

    assert code_of(answer) == (503, "dependency_unavailable")
    assert [await at.status(slot) for slot in at.slots] == ["booked", "booked", "open", "open"]


async def test_time_off_locks_what_it_will_free_with_what_it_covers(api: Api) -> None:
    at = await schedule(api, 9)
    ids = [UUID(slot["id"]) for slot in at.slots]
    place = next(place for place in range(8) if ids[place] < ids[place + 1])
    await booked(at, place, await service(at, 60))
    begins = MORNING + timedelta(minutes=30 * place + 40)
    body = {"starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=1)).isoformat()}
    path = f"/v1/doctors/{at.doctor['id']}/time-off?on_conflict=cancel"
    lock = "SELECT FROM time_slots WHERE id = $1 FOR UPDATE"

    async with api.container.database().driver_transaction() as holder:
        await holder.execute(lock, ids[place])
        closing = asyncio.create_task(api.post(path, body, at.desk))
        await asyncio.sleep(0.3)
        assert not closing.done()
        await holder.execute(f"{lock} NOWAIT", ids[place + 1])

    assert code_of(await closing) == (201, None)
