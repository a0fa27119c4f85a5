"""No slot, doctor or patient is booked twice: each of the three walls, and all under load."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from httpx import AsyncClient, Response

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.appointment import Appointment
from booking_system.shared_kernel.identifiers import AppointmentId, PatientId, SlotId
from tests.api import START, Api, Person, code_of
from tests.servers import Crowd

CALLERS = 64
BUSY = {(503, "overloaded"), (503, "dependency_unavailable")}
"""Nothing was done: the machine was too slow for the locks' deadlines."""
MOST_TRIES = 200
PLENTY = {"max_open_bookings_per_patient": 1000}
INSERT = """INSERT INTO appointments (id, reference, status, payment_status, time_slot_id,
 clinic_id, doctor_id, patient_id, starts_at, ends_at, mode, cancel_notice_minutes, booked_by,
 created_at, updated_at, cancelled_by, time_slot_ids, blocked_from, blocked_until, duration_minutes)
 VALUES ($1, $2, $3, 'not_required', $4, $5, $6, $7, $8, $9, 'in_person', 0, $1, now(), now(), $10,
 ARRAY[$4::uuid], $8, $9, 30)"""


@pytest.mark.parametrize(
    "rounds",
    [pytest.param(1, id="short"), pytest.param(50, id="long", marks=pytest.mark.proof)],
)
async def test_of_many_callers_for_one_slot_exactly_one_gets_it(
    served: tuple[Api, Crowd], rounds: int
) -> None:
    api, crowd = served
    clinic = await api.clinic(policy=PLENTY)
    slots = await api.slots(await api.doctor(clinic), rounds, minutes=15)
    callers = [await api.patient() for _ in range(CALLERS)]
    instances: set[str] = set()

    async with crowd.of(CALLERS) as clients:
        for slot in slots:
            answers = await asyncio.gather(
                *(
                    _book(client, slot["id"], who)
                    for client, who in zip(clients, callers, strict=True)
                )
            )
            told = Counter(code_of(answer) for answer in answers)
            assert told == {(201, None): 1, (409, "slot_already_booked"): CALLERS - 1}
            instances |= {answer.headers["x-instance"] for answer in answers}

    assert len(instances) == 2
    await _nothing_is_sold_twice(api)


async def test_one_patient_racing_for_overlapping_slots_gets_one(
    served: tuple[Api, Crowd],
) -> None:
    api, crowd = served
    clinic, rivals = await api.clinic(policy=PLENTY), 20
    doctors = [await api.doctor(clinic) for _ in range(rivals)]
    patient = await api.patient()

    async with crowd.of(rivals) as clients:
        for day in range(2):
            start = START + timedelta(days=day)
            slots = [(await api.slots(doctor, start=start))[0] for doctor in doctors]
            answers = await asyncio.gather(
                *(_book(one, slot["id"], patient) for one, slot in zip(clients, slots, strict=True))
            )
            told = Counter(code_of(answer) for answer in answers)
            assert told == {(201, None): 1, (409, "patient_overlap"): rivals - 1}


async def served_at_last(ask: Callable[[], Awaitable[Response]]) -> Response:
    """Ask until the program is not busy, which has done nothing then."""
    while True:
        answer = await ask()
        if code_of(answer) not in BUSY:
            return answer
        await asyncio.sleep(0.05)


async def test_a_doctor_goes_and_comes_back_while_patients_book(
    served: tuple[Api, Crowd],
) -> None:
    api, crowd = served
    clinic = await api.clinic(policy=PLENTY)
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 300, minutes=15)
    callers = [await api.patient() for _ in range(16)]
    dice, told, won = random.Random(7), Counter[tuple[int, str | None]](), set[str]()
    is_over = asyncio.Event()

    async def keep_booking(client: AsyncClient, caller: Person) -> None:
        while not is_over.is_set():
            answer = await _book(client, dice.choice(slots)["id"], caller)
            told[code_of(answer)] += 1
            if answer.status_code == 201:
                won.add(answer.json()["id"])

    def is_enough(rounds: int) -> bool:
        """Five rounds, and more of them where the machine is slow."""
        many = told[201, None] > 20 and told[404, "slot_not_found"] > 0
        return rounds >= 100 or (rounds >= 5 and many)

    path, by = f"/v1/doctors/{doctor['id']}", api.admin.headers
    keep = {"on_conflict": "keep"}

    async def come_and_go(client: AsyncClient) -> None:
        for rounds in count():
            if is_enough(rounds):
                break
            gone = await served_at_last(lambda: client.delete(path, headers=by, params=keep))
            assert code_of(gone) == (204, None)
            await asyncio.sleep(0.05)
            back = await served_at_last(lambda: client.post(f"{path}/restore", headers=by))
            assert code_of(back) == (200, None)
            await asyncio.sleep(0.05)
        is_over.set()
        assert (
            await api.post(f"/v1/doctors/{doctor['id']}/restore", by=api.admin)
        ).status_code == 200

    async with crowd.of(17) as clients:
        booking = [keep_booking(one, who) for one, who in zip(clients[1:], callers, strict=True)]
        await asyncio.gather(come_and_go(clients[0]), *booking)

    assert set(told) <= {
        (201, None),
        *((409, code) for code in ("slot_already_booked", "slot_unavailable", "patient_overlap")),
        # While the doctor is gone there are no slots.
        (404, "slot_not_found"),
    }
    assert told[201, None] > 20
    assert told[404, "slot_not_found"] > 0
    async with api.container.database().reading() as connection:
        rows = await connection.fetch(
            "SELECT id::text FROM appointments WHERE doctor_id = $1", UUID(doctor["id"])
        )
        open_or_booked = await connection.fetchval(
            "SELECT count(*) FROM time_slots WHERE doctor_id = $1 AND closed_because IS NULL",
            UUID(doctor["id"]),
        )
    assert {row["id"] for row in rows} == won
    assert open_or_booked == len(slots)
    await _nothing_is_sold_twice(api)


async def test_a_rival_waits_for_the_slot_and_then_sees_it_taken(api: Api) -> None:
    slot, first, second = await api.slot(), await api.patient(), await api.patient()
    booking = api.container.booking.booking()
    actors = [
        await api.container.identity.authenticate()(p.headers["Authorization"])
        for p in (first, second)
    ]
    wishes = [
        BookingWish(
            slot_id=SlotId(UUID(slot["id"])), patient_id=PatientId(person.patient_id or uuid4())
        )
        for person in (first, second)
    ]
    now = datetime.now(UTC)

    async def look_again() -> UUID | None:
        async with booking.transaction() as work:
            attempt = await work.attempt(wishes[1], actor=actors[1], now=now)
            owner: UUID | None = attempt.the_slot.appointment_id
            return owner

    async with booking.transaction() as work:
        await work.attempt(wishes[0], actor=actors[0], now=now)
        rival = asyncio.create_task(look_again())
        await asyncio.sleep(0.3)
        assert not rival.done()
        booked = (await _book_inside(work, api, wishes[0], actors[0], now)).id

    assert await rival == booked


@pytest.mark.parametrize(
    ("constraint", "other_slot", "other_doctor", "other_patient", "shifted_by"),
    [
        ("uq_appointments_active_slot", False, False, True, 60),
        ("ex_appointments_doctor_never_twice", True, False, True, 0),
        ("ex_appointments_patient_never_twice", True, True, False, 0),
    ],
)
async def test_each_constraint_holds_alone(
    api: Api,
    constraint: str,
    other_slot: bool,
    other_doctor: bool,
    other_patient: bool,
    shifted_by: int,
) -> None:
    clinic = await api.clinic()
    doctor = await api.doctor(clinic)
    slots = await api.slots(doctor, 2)
    (elsewhere,) = await api.slots(await api.doctor(clinic))
    first, second = await api.patient(), await api.patient()
    one = slots[0]
    two = elsewhere if other_doctor else slots[1] if other_slot else one
    whose = second if other_patient else first
    start = START + timedelta(minutes=shifted_by)

    async with api.container.database().reading() as connection:
        await _insert(connection, one, first, START)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await _insert(connection, two, whose, start)
        assert refused.value.constraint_name == constraint
        # What is cancelled stands in nobody's way.
        await _insert(connection, two, whose, start, status="cancelled")


async def test_a_doctors_live_slots_never_overlap(api: Api) -> None:
    doctor = await api.doctor(await api.clinic())
    (slot,) = await api.slots(doctor)
    again = {"slots": [{"starts_at": slot["starts_at"], "ends_at": slot["ends_at"]}]}
    path = f"/v1/doctors/{doctor['id']}/slots"

    answers = await asyncio.gather(*(api.post(path, again, api.admin) for _ in range(4)))
    assert {code_of(answer) for answer in answers} == {(409, "slot_overlap")}

    await api.send("DELETE", f"/v1/slots/{slot['id']}", api.admin)
    answers = await asyncio.gather(*(api.post(path, again, api.admin) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def _book(client: AsyncClient, slot_id: str, who: Person) -> Response:
    """Ask again where the machine is too slow to answer: nothing was done then."""
    for _ in range(MOST_TRIES):
        answer = await client.post(
            "/v1/bookings", json={"time_slot_id": slot_id}, headers=who.headers
        )
        if code_of(answer) not in BUSY:
            break
    return answer


async def _book_inside(work: Any, api: Api, wish: BookingWish, actor: Any, now: datetime) -> Any:
    attempt = await work.attempt(wish, actor=actor, now=now)
    appointment = Appointment.book(
        attempt, identity=AppointmentId(uuid4()), reference=uuid4().hex[:9]
    )
    await work.add(appointment)
    return appointment


async def _insert(
    connection: asyncpg.Connection,
    slot: dict[str, Any],
    who: Person,
    start: datetime,
    status: str = "confirmed",
) -> None:
    await connection.execute(
        INSERT,
        uuid4(),
        uuid4().hex,
        status,
        UUID(slot["id"]),
        UUID(slot["clinic_id"]),
        UUID(slot["doctor_id"]),
        who.patient_id,
        start,
        start + timedelta(minutes=30),
        "patient" if status == "cancelled" else None,
    )


async def _nothing_is_sold_twice(api: Api) -> None:
    """The slot names its owner, and the owner names the slot; no two of a kind overlap."""
    async with api.container.database().reading() as connection:
        assert not await connection.fetch(
            """SELECT FROM appointments a FULL JOIN time_slots s ON s.appointment_id = a.id
             WHERE (a.status = 'confirmed' OR s.appointment_id IS NOT NULL)
              AND (s.id = ANY(a.time_slot_ids)) IS NOT TRUE"""
        )
        for whose in ("time_slot_id", "doctor_id", "patient_id"):
            assert not await connection.fetch(
                f"""SELECT FROM appointments a JOIN appointments b ON a.{whose} = b.{whose}
                 AND a.id < b.id AND a.status = 'confirmed' AND b.status = 'confirmed'
                 AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)"""
            )
