"""What decides which refusals and headers an operation shares with others of its kind."""

from dataclasses import dataclass

from booking_system.platform.http.input import USUAL_BODY, BodyLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What decides which refusals an operation shares with others of its kind."""

    asks_who: bool
    needs_token: bool
    knows_caller: bool
    needs_database: bool
    always_answered: bool
    is_counted: bool
    writes: bool
    is_idempotent: bool
    body_limit: BodyLimit = USUAL_BODY
    reads_raw_body: bool = False
    has_tagged_bytes: bool = False
