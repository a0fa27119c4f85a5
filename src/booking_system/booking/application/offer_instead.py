"""What somebody who does not get a slot is offered instead."""

from booking_system.booking.application.ports import Alternatives
from booking_system.scheduling.domain.search import AgreedNeed, Visits
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Conflict
from booking_system.shared_kernel.identifiers import (
    ServiceId,
    SlotId,
)

MOST_ALTERNATIVES = 5


async def offer_instead(  # noqa: PLR0913
    refusal: Conflict,
    slot_id: SlotId,
    service_id: ServiceId | None,
    *,
    visits: Visits | None,
    moves: AgreedNeed | None = None,
    alternatives: Alternatives,
    clock: Clock,
) -> None:
    """Let the refusal carry `alternatives`: up to five of the nearest bookable slots.

    Those in which enough time begins for the service, or for the appointment that moves, and for
    which the patient has time, as far as the caller may be told of it.
    """
    found = await alternatives(
        slot_id,
        service_id=service_id,
        visits=visits,
        moves=moves,
        now=clock.now(),
        most=MOST_ALTERNATIVES,
    )
    refusal.extras["alternatives"] = [slot.as_shown() for slot in found]
