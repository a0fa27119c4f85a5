"""Use case: a program reads what has happened since it last looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.integrations.domain.feed import FeedEvent, FeedPage, FeedState
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId


class EventFeed(Protocol):
    """Events that have numbers."""

    async def behind(
        self, after: int, *, most: int, clinic_id: ClinicId | None
    ) -> tuple[FeedState, Sequence[FeedEvent]]:
        """Return the events behind a number, of a clinic or all, and the state at that moment."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFeed:
    """A clinic's administrators follow its events, the platform's those of all clinics.

    The platform's administrators are told of no patient.
    """

    feed: EventFeed

    async def __call__(
        self,
        *,
        actor: Actor,
        clinic_id: ClinicId | None,
        epoch: UUID | None,
        after: int,
        limit: int,
    ) -> FeedPage:
        """Return a page. Raises `NotPermitted`, `FeedReset`."""
        if not (actor.is_platform_admin or (clinic_id is not None and actor.manages(clinic_id))):
            raise NotPermitted
        state, events = await self.feed.behind(after, most=limit, clinic_id=clinic_id)
        state.refuse_another_history(epoch=epoch, after=after)
        if clinic_id is None or not actor.works_at(clinic_id):
            events = [event.without_patients() for event in events]
        # Behind a page that is not full nothing is left, of other clinics at most.
        next_after = events[-1].seq if len(events) == limit else state.head
        return FeedPage(state=state, events=events, next_after=next_after)
