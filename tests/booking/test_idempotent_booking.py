"""Booking with an `Idempotency-Key`: whatever happens on the way, one key is one appointment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.appointment import Appointment
from booking_system.shared_kernel.idempotency import IdempotencyKey
from booking_system.shared_kernel.identifiers import AppointmentId, PatientId, SlotId
from tests.access.repeating import (
    IN_USE,
    REPLAYED,
    REUSED,
    an_impatient_world,
    grow_old,
    losing_a_commit,
    named,
    replays_of,
    told,
)
from tests.access.world import Made, World
from tests.api import Person, code_of
from tests.postgres import TestServer

TAKEN_SLOT = (409, "slot_already_booked")


@pytest.fixture(scope="module")
async def world(
    postgres: TestServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    place = tmp_path_factory.mktemp("booking-again")
    async with postgres.database() as url, an_impatient_world(url, place) as made:
        yield made


async def book(
    world: World, slot: Made, key: dict[str, str], by: Person | None = None, **about: Any
) -> Response:
    body = {"time_slot_id": slot["id"], "service_id": world.services[slot["clinic_id"]], **about}
    return await world.api.post(
        "/v1/bookings", body, by or world.person("patient"), headers=dict(key)
    )


async def booked(world: World, slot: Made) -> int:
    """How often the slot was ever booked."""
    statement = "SELECT count(*) FROM appointments WHERE time_slot_id = $1"
    (row,) = await world.sql(statement, UUID(slot["id"]))
    count: int = row[0]
    return count


async def test_a_booking_sent_again_is_the_same_booking(world: World) -> None:
    slot, key = await world.slot(), named()
    first = await book(world, slot, key)
    answers = [await book(world, slot, key) for _ in range(3)]

    assert first.status_code == 201
    assert REPLAYED not in first.headers
    assert {told(answer) for answer in answers} == {told(first)}
    assert {answer.headers[REPLAYED] for answer in answers} == {"true"}
    assert await booked(world, slot) == 1
    assert await replays_of(world, key) == [3]


async def test_so_is_one_that_the_framework_reads(world: World) -> None:
    slot, key = await world.slot(), named()
    usual = key | {"Content-Type": "application/json; charset=utf-8"}
    answers = [await book(world, slot, sent) for sent in (usual, key, usual)]

    assert len({told(answer) for answer in answers}) == 1
    assert [answer.headers.get(REPLAYED) for answer in answers] == [None, "true", "true"]


async def test_the_order_of_the_fields_says_nothing(world: World) -> None:
    slot, key = await world.slot(), named()
    body = {"time_slot_id": slot["id"], "service_id": world.services[slot["clinic_id"]]}
    backwards = dict(reversed(body.items()))
    patient = world.person("patient")
    answers = [
        await world.api.post("/v1/bookings", said, patient, headers=key)
        for said in (body, backwards)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers[REPLAYED] == "true"


async def test_without_a_key_nothing_is_stored(world: World) -> None:
    slot = await world.slot()
    (before,) = await world.sql("SELECT count(*) FROM idempotency_keys")
    assert (await book(world, slot, {})).status_code == 201
    assert code_of(await book(world, slot, {})) == TAKEN_SLOT
    (after,) = await world.sql("SELECT count(*) FROM idempotency_keys")

    assert before == after


async def test_a_key_that_booked_one_slot_books_no_other(world: World) -> None:
    one, other, key = await world.slot(), await world.slot(), named()
    assert (await book(world, one, key)).status_code == 201

    assert code_of(await book(world, other, key)) == REUSED
    assert code_of(await book(world, one, key, reason="Another")) == REUSED
    assert code_of(await book(world, {**other, "id": str(uuid4())}, key)) == REUSED
    assert await booked(world, other) == 0
    assert await replays_of(world, key) == [0]


async def test_a_refusal_is_not_stored_and_offers_alternatives(world: World) -> None:
    slot, free, key = await world.slot(), await world.slot(), named()
    assert (await book(world, slot, {}, world.person("other_patient"))).status_code == 201
    refused = await book(world, slot, key)

    assert code_of(refused) == TAKEN_SLOT
    assert refused.json()["alternatives"]
    assert await replays_of(world, key) == []
    answer = await book(world, free, key)
    assert answer.status_code == 201
    assert REPLAYED not in answer.headers


async def test_two_callers_with_one_key_are_two(world: World) -> None:
    slots, key = [await world.slot(), await world.slot()], named()
    people = [world.person("patient"), world.person("other_patient")]
    answers = [await book(world, slot, key, by) for slot, by in zip(slots, people, strict=True)]

    assert [(a.status_code, REPLAYED in a.headers) for a in answers] == [(201, False)] * 2


async def test_what_was_cancelled_since_is_shown_and_not_booked_anew(world: World) -> None:
    slot, key = await world.slot(), named()
    made = await book(world, slot, key)
    patient = world.person("patient")
    cancelled = await world.api.post(f"/v1/bookings/{made.json()['id']}/cancel", None, patient)
    again = await book(world, slot, key)

    assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
    assert again.json() == cancelled.json()
    assert again.json()["status"] == "cancelled"
    assert again.headers["location"] == made.headers["location"]
    assert await booked(world, slot) == 1


async def test_after_72_hours_a_key_books_anew(world: World) -> None:
    slot, other, key = await world.slot(), await world.slot(), named()
    made = await book(world, slot, key)
    await grow_old(world, key, timedelta(hours=71))
    assert (await book(world, slot, key)).headers[REPLAYED] == "true"
    await grow_old(world, key, timedelta(hours=2))

    assert code_of(await book(world, slot, key)) == TAKEN_SLOT
    answer = await book(world, other, key)
    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    assert answer.json()["id"] != made.json()["id"]


async def test_an_old_key_is_no_obstacle_to_a_free_slot(world: World) -> None:
    slot, other, key = await world.slot(), await world.slot(), named()
    assert (await book(world, slot, key)).status_code == 201
    await grow_old(world, key, timedelta(hours=73))

    answer = await book(world, other, key)
    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    assert await replays_of(world, key) == [0]


async def test_a_lost_answer_to_the_commit_is_found_again(world: World) -> None:
    slot, key = await world.slot(), named()
    with losing_a_commit(happens=True):
        assert code_of(await book(world, slot, key)) == (503, "outcome_unknown")
    answer = await book(world, slot, key)

    assert (answer.status_code, answer.headers[REPLAYED]) == (201, "true")
    assert await booked(world, slot) == 1


async def test_a_commit_that_never_was_books_at_the_next_try(world: World) -> None:
    slot, key = await world.slot(), named()
    with losing_a_commit(happens=False):
        assert code_of(await book(world, slot, key)) == (503, "outcome_unknown")
    assert await booked(world, slot) == 0
    answer = await patiently(world, slot, key)

    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
    assert await booked(world, slot) == 1


async def test_a_replay_whose_commit_is_lost_is_unknown_too(world: World) -> None:
    slot, key = await world.slot(), named()
    assert (await book(world, slot, key)).status_code == 201
    with losing_a_commit(happens=True):
        assert code_of(await book(world, slot, key)) == (503, "outcome_unknown")
    assert (await book(world, slot, key)).headers[REPLAYED] == "true"


async def test_sixteen_twins_make_one_appointment(world: World) -> None:
    for _ in range(5):
        slot, key = await world.slot(), named()
        answers = await asyncio.gather(*(book(world, slot, key) for _ in range(16)))
        told = Counter(code_of(answer) for answer in answers)

        assert set(told) <= {(201, None), IN_USE}
        assert told[201, None] >= 1
        assert len({one.json()["id"] for one in answers if one.status_code == 201}) == 1
        first = [one for one in answers if one.status_code == 201 and REPLAYED not in one.headers]
        assert len(first) == 1
        assert await booked(world, slot) == 1


async def test_a_twin_in_flight_is_told_of_and_then_replayed(world: World) -> None:
    slot, key, patient = await world.slot(), named(), world.person("patient")
    fingerprint = await fingerprint_of(world, slot)
    container = world.api.container
    actor = await container.identity.authenticate()(patient.headers["Authorization"])
    wish = BookingWish(
        slot_id=SlotId(UUID(slot["id"])),
        patient_id=PatientId(patient.patient_id or uuid4()),
        service_id=None,
        key=IdempotencyKey(
            owner=str(patient.user_id),
            operation="create_booking",
            key=key["Idempotency-Key"],
            fingerprint=fingerprint,
        ),
    )
    async with container.booking.booking().transaction() as twin:
        attempt = await twin.attempt(wish, actor=actor, now=datetime.now(UTC))
        appointment = Appointment.book(
            attempt, identity=AppointmentId(uuid4()), reference=uuid4().hex[:9]
        )
        await twin.add(appointment, wish.key)
        waiting = await book(world, slot, key)
        assert code_of(waiting) == IN_USE
        assert waiting.headers["retry-after"]
    answer = await book(world, slot, key)

    assert (answer.status_code, answer.headers[REPLAYED]) == (201, "true")
    assert answer.json()["id"] == str(appointment.id)
    assert await booked(world, slot) == 1


async def test_who_no_longer_works_there_is_shown_nothing(world: World) -> None:
    slot, key, here = await world.slot(), named(), world.here["id"]
    one = await world.api.receptionist(here)
    patient = str(world.person("patient").patient_id)
    assert (await book(world, slot, key, one, patient_id=patient)).status_code == 201
    gone = await world.api.send(
        "DELETE", f"/v1/clinics/{here}/staff/{one.user_id}", world.api.admin
    )
    assert gone.status_code == 204

    again = await book(world, slot, key, one, patient_id=patient)
    assert code_of(again) == (404, "not_found")


async def fingerprint_of(world: World, slot: Made) -> bytes:
    """Let the application say it: by a request with the very same words that is undone again."""
    key, patient = named(), world.person("patient")
    made = await book(world, slot, key)
    assert made.status_code == 201
    (row,) = await world.sql(
        "SELECT fingerprint FROM idempotency_keys WHERE key = $1", key["Idempotency-Key"]
    )
    await world.api.post(f"/v1/bookings/{made.json()['id']}/cancel", None, patient)
    booked = UUID(made.json()["id"])
    await world.sql("DELETE FROM appointment_history WHERE appointment_id = $1", booked)
    await world.sql("DELETE FROM appointments WHERE id = $1", booked)
    found: bytes = row[0]
    return found


async def patiently(world: World, slot: Made, key: dict[str, str]) -> Response:
    """Until the server has noticed that the connection of the first try is gone."""
    for _ in range(20):
        answer = await book(world, slot, key)
        if code_of(answer) != IN_USE:
            break
    return answer
