"""Booking pages that follow slots, and what waits for them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from booking_system.integrations.domain.feed import FeedEvent
from booking_system.integrations.domain.live_slots import SlotState, Void, Wanted
from booking_system.platform.http.mailbox import Mailbox

SIZE = 200
"""Bytes of a slot that is told, about."""
MOST_TOLD = 500
"""Slots that a page is told at once; of more it is told to read anew."""
MOST_WAITING = 5_000
"""Events."""


@dataclass(frozen=True, slots=True)
class Here:
    """Nothing has changed that the page shows: it learns only where it is."""


Told = SlotState | Void | Here
Box = Mailbox[tuple[Sequence[Told], int]]
"""What is told together, and up to which event that is."""


@dataclass(eq=False, slots=True)
class Page:
    """A page that follows, and the box of what it is to be told."""

    wanted: Wanted
    box: Box
    told_at: float

    def tell(self, told: Sequence[Told], seq: int, now: float) -> None:
        """Give it what was found up to an event; a slow one is let go by its own box."""
        self.told_at = now
        self.box.put((told, seq), SIZE * len(told))


@dataclass(slots=True)
class Waiting:
    """Events that are not looked at yet; `is_broken`: some are missing."""

    events: list[FeedEvent] = field(default_factory=list)
    is_broken: bool = False

    def put(self, item: FeedEvent, size: int) -> bool:  # noqa: ARG002
        """Keep it."""
        if len(self.events) >= MOST_WAITING:
            self.close()
        if not self.is_broken:
            self.events.append(item)
        return not self.is_broken

    def close(self) -> None:
        """Forget all: every page has to read anew."""
        self.events.clear()
        self.is_broken = True

    __hash__ = object.__hash__


def bounded(wanted: Wanted, told: Sequence[Told]) -> Sequence[Told]:
    """Put what is to be read anew first: what is told behind it is not older."""
    voids = [one for one in told if isinstance(one, Void)]
    slots = [one for one in told if isinstance(one, SlotState)]
    if len(slots) > MOST_TOLD:
        return [Void(clinic_id=wanted.clinic_id)]
    return [*voids, *slots]


def with_places(told: Sequence[Told], seq: int) -> Iterator[tuple[Told, int | None]]:
    """Yield each with its place: only the last one has it, or what came behind it would be lost."""
    for number, one in enumerate(told, 1):
        yield one, seq if number == len(told) else None
