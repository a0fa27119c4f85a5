"""Listed = next = counted by the calendar = explained = booked: one question has one answer."""

from datetime import datetime

import pytest

from tests.api import Api
from tests.booking.asking import Day, Made, Trial


async def check_services(day: Day) -> None:
    """For a patient who has nothing yet."""
    by, slots = await day.api.patient(), await day.all_slots()
    for service in [*day.services]:
        about = {"service_id": service["id"]}
        listed = {slot["id"]: slot for slot in await day.listed(by, **about)}
        for slot_id in slots:
            trial = await day.booked(by, slot_id, service["id"])
            explained = await day.is_explained(by, slot_id, **about)
            told = (slot_id in listed, explained, trial.code is None)
            assert len(set(told)) == 1, (service, slot_id, told, trial.code)
            if slot_id in listed:
                check_end(listed[slot_id], trial)
        await check_alternatives(day, service, set(listed))


async def check_alternatives(day: Day, service: Made, listed: set[str]) -> None:
    nearest = day.api.container.scheduling.finder().nearest
    about = {"service_id": service["id"], "now": day.api.container.clock().now(), "most": 200}
    for slot_id in await day.all_slots():
        offered = {str(one.id) for one in await nearest(slot_id, **about)}
        assert offered == listed - {slot_id}


async def check_moves(day: Day) -> None:
    slots = await day.all_slots()
    for booking, patient in day.bookings:
        about = {"booking_id": booking["id"]}
        listed = {slot["id"]: slot for slot in await day.listed(patient, **about)}
        for slot_id in slots:
            trial = await day.moved(patient, booking["id"], slot_id)
            explained = await day.is_explained(patient, slot_id, **about)
            told = (slot_id in listed, explained, trial.code is None)
            assert len(set(told)) == 1, (booking, slot_id, told, trial.code)
            if slot_id in listed and slot_id != booking["time_slot_id"]:
                check_end(listed[slot_id], trial)


async def check_holds(day: Day) -> None:
    """Each becomes its booking, whatever was booked since."""
    for hold, patient, service_id in day.holds:
        if service_id is None:
            continue
        trial = await day.booked(patient, hold["time_slot_id"], service_id, hold["id"])
        assert trial.slot_ids == tuple(hold["time_slot_ids"]), (hold, trial.code)


def check_end(slot: Made, trial: Trial) -> None:
    assert datetime.fromisoformat(slot["service"]["ends_at"]) == trial.ends_at


async def check(api: Api, seed: int) -> None:
    day = await Day.of(api, seed)
    await check_services(day)
    await check_moves(day)
    await check_holds(day)


@pytest.mark.parametrize("seed", [7, 13])
async def test_all_who_are_asked_say_the_same(api: Api, seed: int) -> None:
    """Small calendars with bookings of two, holds for services, buffers and both modes."""
    await check(api, seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", [11, *range(100, 200)])
async def test_all_who_are_asked_say_the_same_of_a_hundred_calendars(api: Api, seed: int) -> None:
    await check(api, seed)
