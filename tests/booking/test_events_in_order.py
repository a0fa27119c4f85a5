"""Events are stored with what they tell of, as many as there are, in the order of what happened."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.events import SlotInherited
from booking_system.shared_kernel.identifiers import AppointmentId, PatientId, SlotId
from tests.api import Api, Person

Made = dict[str, Any]
LOCK_IS_AWAITED = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
EVENTS_OF = """SELECT id, name, payload->>'status' FROM outbox
 WHERE payload->>'appointment_id' = $1 ORDER BY n"""
LAST_NUMBER = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM outbox_n_seq"


async def _new(api: Api, work: Any, slot: Made, patient: Person) -> Appointment:
    """What the rules would let pass; it is not stored yet."""
    actor = await api.container.identity.authenticate()(patient.headers["Authorization"])
    assert patient.patient_id is not None
    wish = BookingWish(
        slot_id=SlotId(UUID(slot["id"])), patient_id=PatientId(UUID(str(patient.patient_id)))
    )
    attempt = await work.attempt(wish, actor=actor, now=datetime.now(UTC))
    return Appointment.book(
        attempt, identity=AppointmentId(uuid4()), reference=uuid4().hex[:9].upper()
    )


async def test_an_event_has_its_number_only_when_its_cause_has_waited(api: Api) -> None:
    """One patient at two doctors: the second booking waits in the patient's constraint."""
    patient = await api.patient()
    slots = [(await api.slots(await api.doctor(await api.clinic()), 1))[0] for _ in range(2)]
    assert slots[0]["starts_at"] == slots[1]["starts_at"]
    booking, database = api.container.booking.booking(), api.container.database()

    async def value(statement: str) -> Any:
        async with database.reading() as connection:
            return await connection.fetchval(statement)

    async def book_the_second() -> None:
        async with booking.transaction() as work:
            appointment = await _new(api, work, slots[1], patient)
            await work.add(appointment)

    before = await value(LAST_NUMBER)
    with pytest.raises(KeyError, match="undone"):
        async with booking.transaction() as work:
            await work.add(await _new(api, work, slots[0], patient))
            assert await value(LAST_NUMBER) == before + 1
            rival = asyncio.create_task(book_the_second())
            while not await value(LOCK_IS_AWAITED):
                assert not rival.done()
                await asyncio.sleep(0.01)
            assert await value(LAST_NUMBER) == before + 1
            raise KeyError("undone")
    await rival
    numbers = "SELECT array_agg(n) FROM outbox WHERE payload->>'patient_id' = $1"
    async with database.reading() as connection:
        assert await connection.fetchval(numbers, str(patient.patient_id)) == [before + 2]


async def test_all_events_of_an_appointment_are_stored_in_their_order(api: Api) -> None:
    patient, slot = await api.patient(), await api.slot()
    booking = api.container.booking.booking()
    async with booking.transaction() as work:
        appointment = await _new(api, work, slot, patient)
        appointment.record(SlotInherited(occurred_at=datetime.now(UTC), **appointment.as_told()))
        await work.add(appointment)
    async with api.container.database().reading() as connection:
        rows = await connection.fetch(EVENTS_OF, str(appointment.id))
    assert [tuple(row)[1:] for row in rows] == [
        ("booking.created", "confirmed"),
        ("booking.slot_inherited", "confirmed"),
    ]
    assert len({row["id"] for row in rows}) == 2
    assert appointment.pull_events() == []
