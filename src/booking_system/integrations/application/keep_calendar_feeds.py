"""Use cases: somebody makes a link for a calendar, looks at their links, and revokes one."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.integrations.application.calendar_ports import (
    CalendarFeedStore,
    CalendarReader,
    CalendarTokens,
)
from booking_system.integrations.domain.calendar_feed import (
    MOST_OF_A_USER,
    CalendarFeed,
    CalendarFeedId,
    Details,
    FeedScope,
)
from booking_system.integrations.domain.refusals import TooManyCalendarFeeds
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import DoctorId, Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFeed:
    """A link with its token, which is told once and stored nowhere."""

    feed: CalendarFeed
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeCalendarFeed:
    """A patient follows their own appointments, a doctor or the desk a doctor's calendar."""

    store: CalendarFeedStore
    reader: CalendarReader
    tokens: CalendarTokens
    clock: Clock
    identities: Identities

    async def __call__(
        self, *, scope: FeedScope, doctor_id: DoctorId | None, details: Details, actor: Actor
    ) -> MadeFeed:
        """Raises `Invalid`, `NotFound`, `NotPermitted`, `TooManyCalendarFeeds`."""
        if (scope is FeedScope.DOCTOR) != (doctor_id is not None):
            raise Invalid.field("/doctor_id", "goes with the scope doctor, and only with it")
        feed = CalendarFeed(
            id=CalendarFeedId(self.identities.new()),
            user_id=actor.user_id,
            scope=scope,
            doctor_id=doctor_id,
            details=details,
            created_at=self.clock.now(),
        )
        await _check(feed, actor, self.reader)
        token = self.tokens.new()
        fingerprint = self.tokens.fingerprint(token)
        if not await self.store.add(feed, fingerprint=fingerprint, most=MOST_OF_A_USER):
            raise TooManyCalendarFeeds
        return MadeFeed(feed=feed, token=token)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCalendarFeed:
    """Owners see their links."""

    store: CalendarFeedStore

    async def __call__(self, *, feed_id: CalendarFeedId, actor: Actor) -> CalendarFeed:
        """Raises `NotFound`."""
        feed = await self.store.read(feed_id)
        if feed is None or feed.user_id != actor.user_id:
            raise NotFound
        return feed


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowMadeFeed:
    """Shows once more what was made, to an owner who could make it today."""

    show: ShowCalendarFeed
    reader: CalendarReader

    async def __call__(self, *, feed_id: CalendarFeedId, actor: Actor) -> CalendarFeed:
        """Raises `NotFound`, `NotPermitted`."""
        feed = await self.show(feed_id=feed_id, actor=actor)
        await _check(feed, actor, self.reader)
        return feed


async def _check(feed: CalendarFeed, actor: Actor, reader: CalendarReader) -> None:
    """Raise `NotFound` without such a doctor, `NotPermitted` where not so much may be told."""
    clinic_id = None if feed.doctor_id is None else await reader.clinic_of(feed.doctor_id)
    if feed.doctor_id is not None and clinic_id is None:
        raise NotFound
    allowed = feed.may_tell(actor, clinic_id)
    if allowed is None or feed.told(allowed) is not feed.details:
        raise NotPermitted


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCalendarFeeds:
    """Owners list their links."""

    store: CalendarFeedStore

    async def __call__(
        self, *, after: UUID | None, limit: int, actor: Actor
    ) -> Sequence[CalendarFeed]:
        """Return a page, one more than `limit` where there are more."""
        return await self.store.page(actor.user_id, after=after, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeCalendarFeed:
    """Owners end a link; from then on nothing is read by it."""

    store: CalendarFeedStore
    clock: Clock

    async def __call__(self, *, feed_id: CalendarFeedId, actor: Actor) -> None:
        """Raises `NotFound`."""
        feed = await self.store.read(feed_id)
        if feed is None or feed.user_id != actor.user_id:
            raise NotFound
        await self.store.revoke(feed_id, now=self.clock.now())
