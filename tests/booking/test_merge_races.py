"""Bookings and holds for a record in the very moment in which it is merged: none is left behind."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from booking_system.booking.adapters.holding import PostgresHoldWork
from booking_system.booking.adapters.postgres import PostgresBookingWork
from booking_system.desk.adapters.merging import PostgresMergeWork
from tests.api import START, Api, code_of
from tests.booking.test_merging_http import Desk
from tests.waits import until_waiting

ROUNDS = 10
"""As many slots as one member of staff holds at a time."""
DONE, MADE, GONE = (200, None), (201, None), (404, "not_found")


async def test_what_is_booked_or_held_meanwhile_is_never_left_with_the_duplicate(api: Api) -> None:
    desk, told = await Desk.of(api), Counter[tuple[int, str | None]]()
    for number in range(ROUNDS):
        new = {"clinic_id": desk.clinic["id"], "full_name": "Example Patient"}
        goes = await api.made("/v1/patients", new, desk.person)
        slots = await api.slots(desk.doctor, 4, start=START + timedelta(days=1 + number))
        first = await desk.book(slots[0], goes)
        wish = {"patient_id": goes["id"]}
        *others, merged, cancelled = await asyncio.gather(
            api.book(slots[1], desk.person, **wish),
            api.book(slots[2], desk.person, **wish),
            api.post("/v1/holds", wish | {"time_slot_id": slots[3]["id"]}, desk.person),
            desk.merge(duplicate_id=goes["id"]),
            api.post(f"/v1/bookings/{first['id']}/cancel", by=desk.person),
        )
        told.update(code_of(answer) for answer in others)
        if merged.status_code == 503:
            merged = await desk.merge(duplicate_id=goes["id"])
        assert (code_of(merged), code_of(cancelled)) == (DONE, DONE)
        assert await desk.left(goes["id"]) == []

    assert set(told) <= {MADE, GONE, (503, "dependency_unavailable")}


@pytest.mark.parametrize("with_key", [False, True])
async def test_a_booking_that_read_the_patient_before_the_merge_finds_them_gone(
    api: Api, monkeypatch: pytest.MonkeyPatch, with_key: bool
) -> None:
    desk, merges = await Desk.of(api), list[Response]()
    read = PostgresBookingWork.attempt

    async def read_and_wait(*args: Any, **about: Any) -> Any:
        found = await read(*args, **about)
        if not merges:
            merges.append(await desk.merge())
        return found

    monkeypatch.setattr(PostgresBookingWork, "attempt", read_and_wait)
    body = {"time_slot_id": desk.slots[0]["id"], "patient_id": desk.goes["id"]}
    headers = {"Idempotency-Key": "once"} if with_key else {}
    answer = await api.post("/v1/bookings", body, desk.person, headers=headers)

    assert [code_of(one) for one in (*merges, answer)] == [DONE, GONE]
    assert await desk.left() == []
    told = (await api.get(f"/v1/slots/{desk.slots[0]['id']}")).json()
    assert told["status"] == "open"


async def test_a_merge_waits_for_a_booking_that_is_written_and_takes_it_along(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await Desk.of(api)
    merging = _merging_after(desk, monkeypatch, PostgresBookingWork, "add")

    booked = await api.book(desk.slots[0], desk.person, patient_id=desk.goes["id"])

    assert (code_of(booked), code_of(await merging())) == (MADE, DONE)
    assert await desk.left() == []
    read = await api.get(f"/v1/bookings/{booked.json()['id']}", desk.person)
    assert read.json()["patient_id"] == desk.stays["id"]


async def test_a_merge_waits_for_whoever_is_about_to_hold(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await Desk.of(api)
    merging = _merging_after(desk, monkeypatch, PostgresHoldWork, "attempt")

    wish = {"time_slot_id": desk.slots[0]["id"], "patient_id": desk.goes["id"]}
    held = await api.post("/v1/holds", wish, desk.person)

    assert (code_of(held), code_of(await merging())) == (MADE, DONE)
    assert await desk.left() == []


async def test_a_booking_that_is_about_to_be_written_waits_for_the_merge_and_finds_them_gone(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, booking = await Desk.of(api), list[asyncio.Task[Response]]()
    merge = PostgresMergeWork.merge

    async def merge_slowly(*args: Any, **about: Any) -> None:
        wish = {"patient_id": desk.goes["id"]}
        await merge(*args, **about)
        booking.append(asyncio.create_task(api.book(desk.slots[0], desk.person, **wish)))
        await until_waiting(desk.api.container.database())

    monkeypatch.setattr(PostgresMergeWork, "merge", merge_slowly)

    assert code_of(await desk.merge()) == DONE
    assert code_of(await booking[0]) == GONE
    assert await desk.left() == []


async def test_a_booking_for_the_record_that_stays_may_come_first(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await Desk.of(api)
    (beside,) = await api.slots(await api.doctor(desk.clinic))
    await desk.book(desk.slots[0], desk.goes)
    look = PostgresMergeWork.overlaps

    async def look_and_wait(*args: Any, **about: Any) -> bool:
        found = await look(*args, **about)
        await desk.book(beside, desk.stays)
        return found

    monkeypatch.setattr(PostgresMergeWork, "overlaps", look_and_wait)

    assert code_of(await desk.merge()) == (409, "patient_overlap")
    assert (await api.get(f"/v1/patients/{desk.goes['id']}", desk.person)).status_code == 200


async def test_a_booking_that_a_merge_waited_for_can_be_cancelled_at_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, cancelling = await Desk.of(api), list[asyncio.Task[Response]]()
    merge = PostgresMergeWork.merge

    async def merge_slowly(*args: Any, **about: Any) -> None:
        (row,) = await desk.sql("SELECT id FROM appointments")
        await merge(*args, **about)
        path = f"/v1/bookings/{row['id']}/cancel"
        cancelling.append(asyncio.create_task(api.post(path, by=desk.person)))
        await until_waiting(desk.api.container.database())

    monkeypatch.setattr(PostgresMergeWork, "merge", merge_slowly)
    merging = _merging_after(desk, monkeypatch, PostgresBookingWork, "add")
    await api.book(desk.slots[0], desk.person, patient_id=desk.goes["id"])

    assert code_of(await merging()) == DONE
    assert code_of(await cancelling[0]) == DONE


async def test_a_cancellation_that_waits_for_a_merge_cancels(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, cancelling = await Desk.of(api), list[asyncio.Task[Response]]()
    booking = await desk.book(desk.slots[0], desk.goes)
    merge = PostgresMergeWork.merge

    async def merge_slowly(*args: Any, **about: Any) -> None:
        path = f"/v1/bookings/{booking['id']}/cancel"
        await merge(*args, **about)
        cancelling.append(asyncio.create_task(api.post(path, by=desk.person)))
        await until_waiting(desk.api.container.database())

    monkeypatch.setattr(PostgresMergeWork, "merge", merge_slowly)

    assert code_of(await desk.merge()) == DONE
    assert code_of(await cancelling[0]) == DONE


async def test_a_hold_for_a_move_is_not_made_for_who_was_merged_meanwhile(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, merges = await Desk.of(api), list[Response]()
    booking = await desk.book(desk.slots[0], desk.goes)
    asks = type(api.container.booking.ask_to_move())
    ask = asks.__call__

    async def ask_and_wait(*args: Any, **about: Any) -> Any:
        agreed = await ask(*args, **about)
        merges.append(await desk.merge())
        return agreed

    monkeypatch.setattr(asks, "__call__", ask_and_wait)
    wish = {"time_slot_id": desk.slots[1]["id"], "booking_id": booking["id"]}
    held = await api.post("/v1/holds", wish, desk.person)

    assert [code_of(one) for one in (*merges, held)] == [DONE, GONE]
    assert await desk.left() == []


def _merging_after(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, work: type, step: str
) -> Callable[[], asyncio.Task[Response]]:
    """Begin a merge behind this step of a transaction, which ends when the merge waits."""
    merges, original = list[asyncio.Task[Response]](), getattr(work, step)

    async def then(*args: Any, **about: Any) -> Any:
        done = await original(*args, **about)
        if not merges:
            merges.append(asyncio.create_task(desk.merge()))
            await until_waiting(desk.api.container.database())
        return done

    monkeypatch.setattr(work, step, then)
    return lambda: merges[0]
