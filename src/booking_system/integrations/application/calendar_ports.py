"""What calendar feeds need from outside."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.identity.domain.actor import RoleGrant
from booking_system.integrations.domain.calendar_feed import (
    CalendarContent,
    CalendarFeed,
    CalendarFeedId,
    Details,
    FeedPlace,
)
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, PatientId, UserId


class CalendarFeedStore(Protocol):
    """The links that were not revoked."""

    async def add(self, feed: CalendarFeed, *, fingerprint: bytes, most: int) -> bool:
        """Store one; False where its owner has so many."""
        ...

    async def read(self, feed_id: CalendarFeedId) -> CalendarFeed | None:
        """Return one."""
        ...

    async def page(
        self, user_id: UserId, *, after: UUID | None, limit: int
    ) -> Sequence[CalendarFeed]:
        """Return somebody's, the oldest first, one more than `limit` where there are more."""
        ...

    async def revoke(self, feed_id: CalendarFeedId, *, now: datetime) -> None:
        """End one for good."""
        ...

    async def by_fingerprint(self, fingerprint: bytes) -> CalendarFeed | None:
        """Return the one whose token has this fingerprint."""
        ...

    async def note(self, feed_id: CalendarFeedId, digest: bytes, *, now: datetime) -> datetime:
        """Return since when the feed tells what has this digest: since now, where it is new."""
        ...


class CalendarReader(Protocol):
    """Reads what calendars show."""

    async def clinic_of(self, doctor_id: DoctorId) -> ClinicId | None:
        """Return the clinic of a doctor who is there."""
        ...

    async def place(self, feed: CalendarFeed, patient_id: PatientId | None) -> FeedPlace | None:
        """Return whose calendar it is; None where the doctor, the clinic or the patient is gone."""
        ...

    async def content(
        self,
        feed: CalendarFeed,
        place: FeedPlace,
        patient_id: PatientId | None,
        *,
        details: Details,
        now: datetime,
    ) -> CalendarContent:
        """Return what there is from thirty days back to the horizon of the clinic."""
        ...


GrantsOf = Callable[[UserId], Awaitable[Sequence[RoleGrant]]]
"""The roles of a user that hold at this moment."""


class CalendarTokens(Protocol):
    """Makes tokens of 256 unguessable bits that are handed over and stored nowhere."""

    def new(self) -> str:
        """Return a random one."""
        ...

    def fingerprint(self, token: str) -> bytes:
        """Return what is stored instead of the text."""
        ...


class ReadThrottle(Protocol):
    """Counts reads."""

    async def admit(self, *keys: str) -> object:
        """Count for each key. Raises `RateLimited`."""
        ...
