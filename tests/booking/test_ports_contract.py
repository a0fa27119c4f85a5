"""What booking's ports promise beneath the rules, of the fake and of PostgreSQL alike."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.holding import HeldSlot, Holder
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.platform.postgres.transaction import Database
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.idempotency import (
    KEPT_FOR,
    IdempotencyKey,
    IdempotencyKeyReused,
)
from booking_system.shared_kernel.identifiers import AppointmentId, HoldId
from tests.booking.builders import NOON, FixedClock
from tests.booking.scene import DESK, PATIENTS, SLOTS
from tests.booking.worlds import MemoryWorld, PostgresWorld

KEY = IdempotencyKey(owner="user:1", operation="book", key="k", fingerprint=b"one")
AT_ONE_TIME = SLOTS[0], SLOTS[4]
"""Two slots of two doctors."""


@pytest.fixture(params=["memory", "postgresql"])
async def world(
    request: pytest.FixtureRequest, database: Database, database_url: str
) -> AsyncIterator[MemoryWorld | PostgresWorld]:
    connection = await asyncpg.connect(database_url)
    is_fake = request.param == "memory"
    world = MemoryWorld() if is_fake else PostgresWorld(database, connection)
    await world.begin(FixedClock())
    yield world
    await connection.close()


async def book(world: Any, number: int, slot: Any, patient: int = 0, **about: Any) -> None:
    """Book without asking any rule."""
    key = about.pop("key", None)
    async with world.adapters.booking.transaction() as work:
        wish = BookingWish(slot_id=slot.id, patient_id=PATIENTS[patient].id)
        attempt = await work.attempt(wish, actor=DESK, now=about.pop("now", NOON))
        reference = about.pop("reference", f"ref-{number}")
        identity = AppointmentId(UUID(int=number))
        await work.add(Appointment.book(attempt, identity=identity, reference=reference), key)


async def test_a_slot_has_one_owner_whoever_asked_the_rules(world: Any) -> None:
    await book(world, 1, SLOTS[0], patient=0)
    before = await world.stored()

    with pytest.raises(SlotAlreadyBooked):
        await book(world, 2, SLOTS[0], patient=2, key=KEY)

    assert await world.stored() == before


async def test_a_patient_is_in_one_place_whoever_asked_the_rules(world: Any) -> None:
    await book(world, 1, AT_ONE_TIME[0])
    before = await world.stored()

    with pytest.raises(PatientOverlap):
        await book(world, 2, AT_ONE_TIME[1], key=KEY)

    assert await world.stored() == before


async def test_a_reference_names_one_appointment(world: Any) -> None:
    await book(world, 1, SLOTS[0], reference="same")
    before = await world.stored()

    with pytest.raises(Transient):
        await book(world, 2, SLOTS[1], reference="same")

    assert await world.stored() == before


async def test_a_booked_slot_is_not_held_whoever_asked_the_rules(world: Any) -> None:
    await book(world, 1, SLOTS[0])
    before = await world.stored()

    with pytest.raises(SlotAlreadyBooked):
        async with world.adapters.holds.transaction() as work:
            wish = BookingWish(slot_id=SLOTS[0].id, patient_id=PATIENTS[2].id)
            attempt = await work.attempt(wish, Holder(actor=DESK), now=NOON)
            held = HeldSlot.by(attempt, identity=HoldId(UUID(int=9)), network=b"")
            await work.place(held, now=NOON)

    assert await world.stored() == before


async def test_what_a_transaction_did_is_gone_where_it_fails(world: Any) -> None:
    await book(world, 1, SLOTS[0])
    before = await world.stored()

    with pytest.raises(ZeroDivisionError):
        async with world.adapters.booking.transaction() as work:
            card = await work.lock(AppointmentId(UUID(int=1)))
            card.appointment.cancel(card.party_of(DESK), reason=None, now=NOON)
            await work.release([card.appointment])
            _ = 1 // 0

    assert await world.stored() == before


async def test_a_key_has_one_appointment_until_it_is_too_old(world: Any) -> None:
    await book(world, 1, SLOTS[0], key=KEY)

    async def earlier(key: IdempotencyKey, *, age: timedelta) -> AppointmentId | None:
        async with world.adapters.booking.transaction() as work:
            found: AppointmentId | None = await work.earlier(key, now=NOON + age)
        return found

    just_young_enough = KEPT_FOR - timedelta(seconds=1)
    with pytest.raises(Transient):
        await book(world, 2, SLOTS[1], key=KEY)
    with pytest.raises(IdempotencyKeyReused):
        await earlier(replace(KEY, fingerprint=b"another"), age=just_young_enough)
    assert await earlier(KEY, age=just_young_enough) == UUID(int=1)
    assert (await world.stored()).keys.popitem()[1]["replays"] == 1

    assert await earlier(KEY, age=KEPT_FOR) is None
    await book(world, 3, SLOTS[1], key=KEY)
    assert await earlier(KEY, age=timedelta()) == UUID(int=3)
