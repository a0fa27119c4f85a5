"""Use cases: a clinic closes, reopens or deletes one time slot."""

from dataclasses import dataclass

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.application.ports import SchedulingTransaction, Slots
from booking_system.scheduling.domain import events
from booking_system.scheduling.domain.refusals import SlotNotFound, SlotUnavailable
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotPermitted, check_seen
from booking_system.shared_kernel.identifiers import SlotId


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSlot:
    """Takes an open slot out of booking without deleting it."""

    transaction: SchedulingTransaction
    clock: Clock

    async def __call__(self, *, slot_id: SlotId, version: int | None, actor: Actor) -> None:
        """Raises `SlotNotFound`, `NotPermitted`, `Stale`, `SlotAlreadyBooked`, `SlotHeld`."""
        async with self.transaction() as slots:
            slot, now = await _locked(slots, slot_id, version, actor), self.clock.now()
            if (closed := slot.closed(now=now)) is not slot:
                await slots.save(closed)
                await slots.record(events.closed(closed, deleted=False, now=now))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenSlot:
    """Puts a slot that was closed by hand up for booking again."""

    transaction: SchedulingTransaction
    clock: Clock

    async def __call__(self, *, slot_id: SlotId, version: int | None, actor: Actor) -> None:
        """Raises `SlotNotFound`, `NotPermitted`, `Stale`, `SlotUnavailable`."""
        async with self.transaction() as slots:
            await slots.lock_calendar_of(slot_id)
            slot = await _locked(slots, slot_id, version, actor)
            # Closed by hand before its doctor left, or was away: only the first is written down.
            if await slots.clinic_of(slot.doctor_id) is None or await slots.is_away(slot):
                raise SlotUnavailable
            if (opened := slot.reopened()) is not slot:
                await slots.save(opened)
                await slots.record(events.opened([opened], now=self.clock.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSlot:
    """Takes a slot back for good; its time can then be offered anew.

    What the hours want is not made again there. A slot that no rule wants gives its time back to
    the hours.
    """

    transaction: SchedulingTransaction
    clock: Clock

    async def __call__(self, *, slot_id: SlotId, version: int | None, actor: Actor) -> None:
        """Raises `SlotNotFound`, `NotPermitted`, `Stale`, `SlotAlreadyBooked`, `SlotHeld`."""
        async with self.transaction() as slots:
            await slots.lock_calendar_of(slot_id)
            slot = await _locked(slots, slot_id, version, actor)
            now = self.clock.now()
            withdrawn = slot.withdrawn(now=now)
            await slots.delete(withdrawn, now=now)
            await slots.record(events.closed(withdrawn, deleted=True, now=now))
            await slots.refill(slot, now=now)


async def _locked(slots: Slots, slot_id: SlotId, version: int | None, actor: Actor) -> TimeSlot:
    slot = await slots.lock(slot_id)
    if slot is None:
        raise SlotNotFound
    if not actor.schedules(slot.clinic_id, slot.doctor_id):
        raise NotPermitted
    check_seen(version, slot.version)
    return slot
