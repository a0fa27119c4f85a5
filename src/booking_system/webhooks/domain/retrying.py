"""When a delivery is tried again, and how long an endpoint is left alone meanwhile."""

from datetime import timedelta

from booking_system.webhooks.domain.delivery import Answer

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Behind each failed attempt (Standard Webhooks): three days in all, and some hours."""
MOST_ATTEMPTS = len(WAITS) + 1
JITTER = 0.1
"""So much longer a wait is at most, by chance: what failed together does not come back together."""
LONGEST_ASKED = timedelta(hours=24)
"""More than that `Retry-After` does not count."""

GONE = 410
BUSY = frozenset({429, 502, 503, 504})
"""The receiver, or what stands before it, has too much to do: its other deliveries wait, too."""
BUSY_REST = timedelta(seconds=30)
OPENS_AT = 5
"""So many failures in a row, of any kind, and the endpoint is left alone for a while."""
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)
MOST_DOUBLINGS = 6


def wait_after(attempts: int, *, chance: float, asked: timedelta | None) -> timedelta | None:
    """Return how long to wait behind the last of so many attempts; None: it was the last of all.

    `chance` is from 0 to 1, `asked` is how long the receiver wants to be left alone.
    """
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = WAITS[attempts - 1] * (1 + JITTER * chance)
    return max(wait, min(asked or timedelta(0), LONGEST_ASKED))


def rest_after(answer: Answer | None, *, failures: int) -> timedelta:
    """Return how long the whole endpoint is left alone, when `failures` in a row came before.

    `answer` None: none came.
    """
    rest = timedelta(0)
    if answer is not None and answer.status in BUSY:
        rest = min(answer.again_after or BUSY_REST, LONGEST_ASKED)
    over = failures + 1 - OPENS_AT
    if over >= 0:
        doubled = FIRST_REST * (1 << min(over, MOST_DOUBLINGS))
        rest = max(rest, min(doubled, LONGEST_REST))
    return rest
