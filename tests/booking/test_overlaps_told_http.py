"""Real attempts tell staff that a patient is elsewhere: rarely, and it is written down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from booking_system.booking.adapters.told_overlaps import OLD_TOLD_OVERLAPS
from booking_system.platform.postgres.tidying import Tidying
from tests.api import START, Api, code_of
from tests.booking.two_clinics import TwoClinics
from tests.stage import Stage

OVERLAP, LIMITED, MADE = (409, "patient_overlap"), (429, "rate_limited"), (201, None)
MOST, MOST_OF_ALL = 10, 60
TOLD = "SELECT user_id, patient_id, time_slot_id, told_at FROM told_overlaps ORDER BY id"


@pytest.fixture
async def limited(database_url: str, stage: Stage) -> AsyncIterator[Api]:
    async with stage.api(rate_limit=True) as api:
        yield api


async def _told(at: TwoClinics) -> list[Any]:
    return [tuple(row)[:3] for row in await at.here.sql(TOLD)]


async def test_a_calendar_is_not_read_by_booking(limited: Api) -> None:
    at = await TwoClinics.of(limited)
    await at.book_elsewhere(0)
    colleague = await limited.receptionist(at.here.clinic["id"])

    for _ in range(MOST):
        assert code_of(await at.try_here(0)) == OVERLAP
    for place in (0, 1):
        # Also where the patient is free: what succeeds would tell as much.
        refused = await at.try_here(place)
        assert code_of(refused) == LIMITED
        assert int(refused.headers["retry-after"]) > 60 * 60

    one = (at.here.desk.user_id, at.here.patient.patient_id, UUID(at.here.slots[0]["id"]))
    assert await _told(at) == [one] * MOST
    assert code_of(await at.try_here(1, colleague)) == MADE
    other = {"patient_id": str(at.here.other.patient_id)}
    assert code_of(await at.here.book(at.here.slots[4], at.here.desk, **other)) == MADE
    assert code_of(await at.here.book(at.here.slots[5], at.here.patient)) == MADE


async def test_nobody_reads_the_calendars_of_many(limited: Api) -> None:
    at = await TwoClinics.of(limited)
    user = at.here.desk.user_id
    throttle = limited.container.identity.throttle()
    for _ in range(MOST_OF_ALL):
        await throttle.admit(f"overlap:{user}")

    assert code_of(await at.try_here(1)) == LIMITED


async def test_many_who_try_at_one_moment_are_told_no_more(limited: Api) -> None:
    at = await TwoClinics.of(limited)
    await at.book_elsewhere(0)

    answers = await asyncio.gather(*(at.try_here(0) for _ in range(MOST * 2)))

    told = [code_of(answer) for answer in answers]
    assert told.count(OVERLAP) == MOST == len(await _told(at))
    assert set(told) == {OVERLAP, LIMITED}


async def test_what_is_here_is_no_secret(limited: Api) -> None:
    """What an explanation says anyway is not counted, and nothing that the patient tries."""
    at = await TwoClinics.of(limited)
    other = await limited.doctor(at.here.clinic)
    same_times = await limited.slots(other, 6)
    await at.book_elsewhere(0, 1)
    for _ in range(MOST + 1):
        refused = await at.here.book(same_times[2], at.here.desk, **at.named)
        assert code_of(refused) == OVERLAP
        assert code_of(await at.here.book(at.here.slots[0], at.here.patient)) == OVERLAP

    assert await _told(at) == []


async def test_nobody_learns_when_a_patient_is_free_without_booking_them(limited: Api) -> None:
    """Not even what is never booked, because the patient has all that they may have here."""
    at = await TwoClinics.of(limited, max_open_bookings_per_patient=1)
    await at.book_elsewhere(0)

    for place in (0, 1):
        assert code_of(await at.try_here(place)) == (422, "too_many_open_bookings")
    assert await _told(at) == []


async def _move(at: TwoClinics, by: str, key: str | None) -> Response:
    path, who = f"/v1/bookings/{at.booking['id']}/reschedule", _person(at, by)
    body = {"time_slot_id": at.here.slots[0]["id"]}
    return await at.api.post(path, body, who, headers=_header(key))


async def _undo(at: TwoClinics, by: str, key: str | None) -> Response:
    path, who = f"/v1/bookings/{at.booking['id']}/undo", _person(at, by)
    return await at.api.post(path, None, who, headers=_header(key))


async def _merge(at: TwoClinics, by: str, key: str | None) -> Response:
    """A duplicate of the desk's own, with an appointment at the time in question."""
    new = {"clinic_id": at.here.clinic["id"], "full_name": "Example Patient"}
    (found,) = await at.here.sql("SELECT max(id::text) AS id FROM patients WHERE user_id IS NULL")
    duplicate = found["id"]
    if duplicate is None:
        duplicate = (await at.api.made("/v1/patients", new, at.here.desk))["id"]
        booked = await at.here.book(at.here.slots[0], at.here.desk, patient_id=duplicate)
        assert code_of(booked) == MADE
    path = f"/v1/patients/{at.named['patient_id']}/merge"
    body = {"duplicate_id": duplicate}
    return await at.api.post(path, body, at.here.desk, headers=_header(key))


def _person(at: TwoClinics, by: str) -> Any:
    return at.here.desk if by == "desk" else at.doctor


def _header(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}


async def _missed(at: TwoClinics) -> None:
    """The appointment here was given up, and its time is the patient's elsewhere."""
    await at.here.sql(
        "UPDATE appointments SET status = 'no_show', previous_status = 'confirmed',"
        " released_at = starts_at WHERE id = $1",
        UUID(at.booking["id"]),
    )
    await at.here.sql(
        "UPDATE time_slots SET appointment_id = NULL WHERE appointment_id = $1",
        UUID(at.booking["id"]),
    )
    await at.book_elsewhere(2)


@pytest.mark.parametrize("with_key", [False, True], ids=["", "with a key"])
@pytest.mark.parametrize(
    ("attempt", "by", "slot"),
    [
        (_move, "desk", 0),
        (_move, "doctor", 0),
        (_undo, "desk", 2),
        (_undo, "doctor", 2),
        (_merge, "desk", None),
    ],
)
async def test_every_real_attempt_is_counted_and_written_down(
    limited: Api, attempt: Callable[..., Any], by: str, slot: int | None, with_key: bool
) -> None:
    """A refusal undoes the transaction of a key, and not what was told."""
    at = await TwoClinics.of(limited)
    if attempt is _undo:
        await _missed(at)
    else:
        await at.book_elsewhere(0)

    for number in range(MOST):
        answer = await attempt(at, by, f"key-{number}" if with_key else None)
        assert code_of(answer) == OVERLAP, answer.text
    assert code_of(await attempt(at, by, "one-more" if with_key else None)) == LIMITED

    slot_id = None if slot is None else UUID(at.here.slots[slot]["id"])
    person = _person(at, by)
    assert await _told(at) == [(person.user_id, at.here.patient.patient_id, slot_id)] * MOST


async def test_a_double_booking_on_purpose_tells_as_much(limited: Api) -> None:
    at = await TwoClinics.of(limited)
    await at.book_elsewhere(0)
    override = {"override": {"reason": "Emergency", "codes": ["patient_overlap"]}}
    for _ in range(MOST):
        booked = await at.try_here(0, **override)
        assert code_of(booked) == MADE
        assert booked.json()["override"]["codes"] == ["patient_overlap"]
        path = f"/v1/bookings/{booked.json()['id']}/cancel"
        assert (await limited.post(path, None, at.here.desk)).status_code == 200

    assert code_of(await at.try_here(0, **override)) == LIMITED


async def test_what_was_told_is_kept_for_a_year(api: Api) -> None:
    at = await TwoClinics.of(api)
    await at.book_elsewhere(0)
    for _ in range(2):
        assert code_of(await at.try_here(0)) == OVERLAP
    (row, _) = await at.here.sql(TOLD)
    assert timedelta() < START - row["told_at"] < timedelta(days=3)
    tidying: Tidying = api.container.tidying()
    assert OLD_TOLD_OVERLAPS in tidying.chores
    for age, left in (("364 days", 2), ("366 days", 1)):
        await at.here.sql(
            "UPDATE told_overlaps SET told_at = now() - $1::text::interval"
            " WHERE id = (SELECT min(id::text)::uuid FROM told_overlaps)",
            age,
        )
        await tidying.once()
        assert len(await _told(at)) == left
