"""Use case: a calendar program reads what its link is for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.throttling import calendar_feed_key
from booking_system.integrations.application.calendar_ports import (
    CalendarFeedStore,
    CalendarReader,
    CalendarTokens,
    GrantsOf,
    ReadThrottle,
)
from booking_system.integrations.domain.calendar_feed import CalendarContent
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import SessionId

NO_SESSION = SessionId(UUID(int=0))
"""A link is no session: it goes on when its owner signs out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFeedContent:
    """What a link tells, with a digest of that, and since when it tells just that (UTC)."""

    content: CalendarContent
    digest: bytes
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCalendarFeed:
    """The link says who reads; what they may see is judged anew at each read.

    So a link ends with the role that it was made by, with the doctor, the clinic and the account.
    """

    store: CalendarFeedStore
    reader: CalendarReader
    tokens: CalendarTokens
    grants_of: GrantsOf
    digest_of: Callable[[CalendarContent], bytes]
    throttle: ReadThrottle
    clock: Clock

    async def __call__(self, *, token: str) -> ReadFeedContent:
        """Raises `RateLimited`, and `NotFound`, which does not say why there is nothing to read."""
        feed = await self.store.by_fingerprint(self.tokens.fingerprint(token))
        if feed is None:
            raise NotFound
        await self.throttle.admit(calendar_feed_key(feed.id))
        actor = Actor.of(feed.user_id, NO_SESSION, await self.grants_of(feed.user_id))
        place = await self.reader.place(feed, actor.patient_id)
        allowed = None if place is None else feed.may_tell(actor, place.clinic_id)
        if place is None or allowed is None:
            raise NotFound
        now = self.clock.now()
        content = await self.reader.content(
            feed, place, actor.patient_id, details=feed.told(allowed), now=now
        )
        digest = self.digest_of(content)
        changed_at = await self.store.note(feed.id, digest, now=now)
        return ReadFeedContent(content=content, digest=digest, changed_at=changed_at)
