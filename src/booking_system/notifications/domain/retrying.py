"""When a message is tried again that a provider did not take."""

from datetime import datetime, timedelta

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)
MOST_DOUBLINGS = 12


def again_at(*, now: datetime, attempts: int, chance: float, least: timedelta) -> datetime:
    """Return when to try again: later with each attempt, at an instant that is left to `chance`.

    `attempts` counts those made, `chance` is from 0 to 1, `least` is what the provider asks for.
    """
    doublings = min(attempts, MOST_DOUBLINGS)
    longest: timedelta = min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
    return now + max(longest * chance, least)
