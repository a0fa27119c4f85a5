"""The three ways in which a request with an `Idempotency-Key` has its effect once.

A route says where it is added which way it takes; the mechanism, its table and its answers are the
same for all (`platform.http.idempotency`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from booking_system.platform.http.input import StrictRequest
from booking_system.shared_kernel.idempotency import OutsideKey

OUTSIDE_KEY = "booking_system.outside_key"
"""Where a request's scope keeps what its work is named by towards other machines."""

Work = Callable[[], Awaitable[Response]]
"""What the endpoint does for the request."""

Again = Callable[[StrictRequest, Sequence[UUID]], Awaitable[Response]]
"""Shows again, with status 200, what a request has made, as it is now."""


@dataclass(frozen=True, slots=True)
class InOneTransaction:
    """The key, the effect and the answer are stored by one transaction around the use case.

    The first transaction inside begins it, so what is slow and comes before that is outside. For
    all that happens in the database alone. `again` shows what was made, where that cannot be read
    at its address.
    """

    again: Again | None = None


@dataclass(frozen=True, slots=True)
class ByTheUseCase:
    """The use case stores the key with the statement that has the effect, and finds it again.

    For hot paths: the endpoint reads the key (`Idempotency.key_of`) and hands it on.
    """


@dataclass(frozen=True, slots=True)
class ClaimedFirst:
    """The key is claimed, the work is done outside of any transaction, then the answer is stored.

    For use cases that call another machine. They pass the `OutsideKeyOf` their request on, so that
    the other machine does the work once, and may be begun again with it at any point: after a crash
    nobody knows how far they came. Without a header each request has an outside key of its own.
    """

    again: Again | None = None


Once = InOneTransaction | ByTheUseCase | ClaimedFirst


async def outside_key(request: Request) -> OutsideKey:
    """Dependency: what the request's work is named by; just on routes that are `ClaimedFirst`."""
    key: OutsideKey = request.scope[OUTSIDE_KEY]
    return key


OutsideKeyOf = Annotated[OutsideKey, Depends(outside_key)]
