"""Moves, swaps and cancellations at the same moment: nobody blocks another for good."""

import asyncio
from uuid import UUID

from booking_system.platform.postgres.faults import Transient
from tests.api import Api, code_of
from tests.booking.calendar import Calendar
from tests.waits import until_waiting

ROUNDS = 15


async def test_who_waits_for_two_slots_waits_at_the_lower_one(api: Api) -> None:
    calendar, other = await Calendar.of(api, 2), await api.patient()
    theirs = (await api.book(calendar.slots[1], other)).json()
    low, high = sorted(UUID(one["id"]) for one in calendar.slots)
    lock = "SELECT FROM time_slots WHERE id = $1 FOR UPDATE"

    async with api.container.database().driver_transaction() as holder:
        await holder.execute(lock, low)
        moves = [
            asyncio.create_task(calendar.move(calendar.slots[1])),
            asyncio.create_task(calendar.move(calendar.slots[0], other, booking=theirs)),
        ]
        await until_waiting(calendar.api.container.database(), 2)
        # Neither has the upper one meanwhile.
        await holder.execute(f"{lock} NOWAIT", high)
    assert {code_of(answer) for answer in await asyncio.gather(*moves)} == {
        (409, "slot_already_booked")
    }


async def test_a_cancellation_that_waited_for_the_old_slot_frees_the_new_one(api: Api) -> None:
    calendar = await Calendar.of(api)
    async with api.container.database().driver_transaction() as holder:
        await holder.execute(
            "SELECT FROM time_slots WHERE id = $1 FOR UPDATE", UUID(calendar.slots[0]["id"])
        )
        move = asyncio.create_task(calendar.move(calendar.slots[1]))
        await until_waiting(calendar.api.container.database(), 1)
        cancel = asyncio.create_task(calendar.do("cancel", calendar.patient))
        await until_waiting(calendar.api.container.database(), 2)

    assert code_of(await move) == code_of(await cancel) == (200, None)
    assert [one["action"] for one in await calendar.history()][1:] == ["rescheduled", "cancelled"]
    assert await calendar.is_consistent()
    for slot in calendar.slots:
        assert (await api.get(f"/v1/slots/{slot['id']}")).json()["status"] == "open"


async def test_who_waited_for_a_slot_that_the_booking_has_left_starts_again(api: Api) -> None:
    """Going on would lock the new slot after the booking, against the order of all."""
    calendar = await Calendar.of(api)
    booking_id, (old, new, _) = UUID(calendar.booking["id"]), calendar.slots
    booking = api.container.booking.booking()

    async def lock() -> None:
        async with booking.transaction() as work:
            await work.lock(booking_id)

    async def lock_with() -> None:
        async with booking.transaction() as work:
            await work.lock_with(UUID(calendar.slots[2]["id"]), booking_id)

    async with api.container.database().driver_transaction() as holder:
        await holder.execute("SELECT FROM time_slots WHERE id = $1 FOR UPDATE", UUID(old["id"]))
        waiting = [asyncio.create_task(one()) for one in (lock, lock_with)]
        await until_waiting(calendar.api.container.database(), 2)
        await holder.execute(
            "UPDATE appointments SET time_slot_id = $2, time_slot_ids = ARRAY[$2::uuid]"
            " WHERE id = $1",
            booking_id,
            UUID(new["id"]),
        )

    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in told] == [Transient, Transient]
