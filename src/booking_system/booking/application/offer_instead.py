"""What whoever does not get a slot is offered instead."""

from booking_system.booking.application.ports import Alternatives
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Conflict
from booking_system.shared_kernel.identifiers import ServiceId, SlotId

MOST_ALTERNATIVES = 5


async def offer_instead(
    refusal: Conflict,
    slot_id: SlotId,
    service_id: ServiceId | None,
    *,
    alternatives: Alternatives,
    clock: Clock,
) -> None:
    """Let the refusal carry `alternatives`: up to five of the nearest bookable slots.

    Where a service is named, those in which enough time begins.
    """
    found = await alternatives(
        slot_id, service_id=service_id, now=clock.now(), most=MOST_ALTERNATIVES
    )
    refusal.extras["alternatives"] = [slot.as_shown() for slot in found]
