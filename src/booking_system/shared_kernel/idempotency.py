"""Idempotency keys: the same request, sent again, has its effect once (Idempotency-Key header)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NewType

from booking_system.shared_kernel.errors import Conflict, RuleViolation

KEPT_FOR = timedelta(hours=72)
OutsideKey = NewType("OutsideKey", str)
"""Names one piece of work towards another machine, such as a payment provider.

It stays the same however often the work is begun anew for one request, so the other machine does
it once. 32 hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """What a caller named one request by, and what that request said.

    `owner` scopes the key to its caller; `fingerprint` tells this body from any other. Both may be
    made with secret keys: `formerly` is the same with keys that those of today take turns with.
    """

    owner: str
    operation: str
    key: str
    fingerprint: bytes
    formerly: tuple["IdempotencyKey", ...] = ()


class IdempotencyKeyReused(RuleViolation):
    """This idempotency key belongs to a request that said something else.

    Make a new key for each new request; send the old one again only with the very same body.
    """

    code = "idempotency_key_reused"


class IdempotencyKeyInUse(Conflict):
    """The first request with this idempotency key is still being worked on.

    Wait a moment and send the same request with the same key again: it will get the answer of the
    first one.
    """

    code = "idempotency_key_in_use"
