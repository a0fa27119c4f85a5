"""What sending webhooks needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Protocol

from booking_system.webhooks.domain.delivery import Answer, Claim
from booking_system.webhooks.domain.endpoint import DisabledBecause, Health
from booking_system.webhooks.domain.target import Target


class Room(IntEnum):
    """Endpoints that fail have a room of their own: they never take the places of others."""

    WELL = 0
    FAILING = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A webhook as it goes out; its signature is good for some minutes."""

    target: Target
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An attempt that failed: what came of it, and when the next one is due.

    `due_at` None: there is none. `answer` None: none came, and `code` says why.
    """

    code: str | None
    answer: Answer | None
    due_at: datetime | None


class Writer(Protocol):
    """Writes and signs webhooks."""

    def __call__(self, claim: Claim, now: datetime) -> Letter:
        """Return it, signed with each secret that is good now. Raises `Invalid` for its address."""
        ...


class Post(Protocol):
    """Brings webhooks to their receivers."""

    async def __call__(self, letter: Letter) -> Answer:
        """Send it once, to an address that was looked at. Raises `NotAnsweredError`."""
        ...


class Rest(Protocol):
    """Decides how long an endpoint is left alone."""

    def __call__(self, health: Health) -> timedelta:
        """Return it for an endpoint that was so before this failure."""
        ...


class Queue(Protocol):
    """The deliveries that are due.

    Each write of a claim's owner is fenced: it changes nothing where the claim was lost.
    """

    async def rescue(self) -> None:
        """Give back what workers have claimed and left."""
        ...

    async def claim(self, room: Room, *, most: int, now: datetime) -> Sequence[Claim]:
        """Claim some that are due: of each endpoint a few at a time, of a failing one a single."""
        ...

    async def finish(self, claim: Claim, answer: Answer, *, now: datetime) -> None:
        """Note that it arrived, and that the endpoint is well."""
        ...

    async def fail(
        self, claim: Claim, failed: Failed, *, rest: Rest, now: datetime
    ) -> DisabledBecause | None:
        """Note that it did not, and how the endpoint does; return why that is disabled now."""
        ...

    async def disable(
        self, claim: Claim, answer: Answer, reason: DisabledBecause, *, now: datetime
    ) -> None:
        """Keep this one and all others of the endpoint, and tell that it is told no more."""
        ...

    async def put_off(
        self, claim: Claim, *, code: str, due_at: datetime | None, now: datetime
    ) -> None:
        """Note a mistake of ours: the endpoint is not to blame."""
        ...
