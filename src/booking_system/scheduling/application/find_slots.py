"""Use case: anybody looks for slots that could be booked now, or at one slot."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.application.ports import ShownSlot, SlotFinder
from booking_system.scheduling.domain.refusals import SlotNotFound
from booking_system.scheduling.domain.search import FoundSlot, SlotFilter, SlotSearch
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotPermitted
from booking_system.shared_kernel.identifiers import SlotId


async def check_known(wanted: SlotFilter, finder: SlotFinder) -> None:
    """Raise `Invalid` where an id in the filter is of nothing that there is.

    Only asked where nothing was found: a search that finds something need not ask.
    """
    unknown = await finder.unknown(wanted)
    if unknown:
        raise Invalid(
            errors=[
                {"pointer": f"/{name}", "detail": "names nothing that there is", "code": "unknown"}
                for name in unknown
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FindSlots:
    """Searches bookable slots."""

    finder: SlotFinder
    clock: Clock

    async def __call__(self, search: SlotSearch) -> Sequence[FoundSlot]:
        """Return a page in time order, one more than `limit` where there is another page.

        Raises `Invalid` where nothing is found and an id in the filter is of nothing.
        """
        found = await self.finder.find(search, now=self.clock.now())
        if not found and search.after is None:
            await check_known(search, self.finder)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSlots:
    """Says whether a search would still find what it found before, without finding it."""

    finder: SlotFinder
    clock: Clock

    async def __call__(self, search: SlotSearch) -> Hashable:
        """Return something that differs whenever the page would."""
        return await self.finder.digest(search, now=self.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowSlot:
    """Looks at one slot."""

    finder: SlotFinder

    async def __call__(self, *, slot_id: SlotId) -> ShownSlot:
        """Return the slot with its status. Raises `SlotNotFound`."""
        if (shown := await self.finder.show(slot_id)) is None:
            raise SlotNotFound
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowSlots:
    """Looks at several slots."""

    finder: SlotFinder

    async def __call__(self, *, slot_ids: Sequence[SlotId], actor: Actor) -> Sequence[TimeSlot]:
        """Return the slots that there are, in the order of the ids.

        Raises `NotPermitted` where the actor may not change them.
        """
        slots = await self.finder.several(slot_ids)
        if not all(actor.schedules(slot.clinic_id, slot.doctor_id) for slot in slots):
            raise NotPermitted
        return slots
