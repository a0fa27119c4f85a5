"""Every transition of an attempt, in one table; `docs/payments.md` shows the same.

In a row stands what a cause leads to from each state: a state, `=` where nothing changes, `!` where
that cannot be and is refused. A state never goes to one of a lower rank, but in the two rows about
our own capture that was declined.
"""

from enum import StrEnum

from booking_system.payments.domain.attempt import AttemptState


class Cause(StrEnum):
    """What happened to an attempt."""

    ACCEPTED = "accepted"
    """The provider has it, under a reference."""
    REFUSED = "refused"
    """The provider answered our call that makes it with a definite no."""
    WINDOW_OVER = "window_over"
    """The payer's time is over."""
    UNWANTED = "unwanted"
    """Nothing is to be paid by it: cancelled, moved to another price, or paid otherwise."""
    DELAYED = "delayed"
    """The provider has the payer's word, and the money comes or fails later."""
    CAPTURE = "capture"
    """The payer agreed, the slot is ours, and we shall capture."""
    NOT_CAPTURED = "not_captured"
    """Nothing was captured, and we never shall."""
    DECLINED = "declined"
    """Our own capture was declined within the payer's time."""
    DECLINED_LATE = "declined_late"
    """Our own capture was declined behind it."""
    NEVER_MADE = "never_made"
    """The provider has nothing of it, and will not be asked again."""
    ENDED = "ended"
    """The provider says that it is over without money."""
    FAILED = "failed"
    """The provider says that it failed for good."""
    ABANDONED = "abandoned"
    """Its account is set up here no more, and nobody can ask."""
    PAID = "paid"
    """The provider has the money."""


TABLE = """
cause          creating    open        closing     processing  failed     cancelled  succeeded
accepted       open        =           =           =           =          =          =
refused        failed      !           failed      !           =          =          =
window_over    closing     closing     =           =           =          =          =
unwanted       closing     closing     =           =           =          =          =
delayed        processing  processing  processing  =           =          =          =
capture        !           processing  processing  =           !          !          !
not_captured   !           cancelled   cancelled   cancelled   =          =          !
declined       !           =           =           open        =          =          =
declined_late  !           =           =           closing     =          =          =
never_made     !           !           cancelled   !           =          =          !
ended          cancelled   cancelled   cancelled   cancelled   =          =          =
failed         failed      failed      failed      failed      =          =          =
abandoned      cancelled   cancelled   cancelled   cancelled   =          =          =
paid           succeeded   succeeded   succeeded   succeeded   succeeded  succeeded  =
"""

SAME, NEVER = "=", "!"
RANK = {
    AttemptState.CREATING: 0,
    AttemptState.OPEN: 1,
    AttemptState.CLOSING: 2,
    AttemptState.PROCESSING: 3,
    AttemptState.FAILED: 4,
    AttemptState.CANCELLED: 4,
    AttemptState.SUCCEEDED: 5,
}
STEPS_BACK = frozenset({Cause.DECLINED, Cause.DECLINED_LATE})
"""Told by the answer to our own call alone, never by an event."""


class ImpossibleError(Exception):
    """A mistake of ours: nothing leads from this state by this cause."""


def _read() -> dict[tuple[AttemptState, Cause], AttemptState | None]:
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    states = [AttemptState(word) for word in head[1:]]
    found: dict[tuple[AttemptState, Cause], AttemptState | None] = {}
    for name, *cells in rows:
        for state, cell in zip(states, cells, strict=True):
            leads = state if cell == SAME else None if cell == NEVER else AttemptState(cell)
            found[state, Cause(name)] = leads
    return found


NEXT = _read()


def after(state: AttemptState, cause: Cause) -> AttemptState:
    """Return where the cause leads. Raises `ImpossibleError`."""
    leads = NEXT[state, cause]
    if leads is None:
        raise ImpossibleError(f"{cause} of what is {state}")
    return leads
