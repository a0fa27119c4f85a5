"""How many a run may make of what takes long. Counted, so no verdict hangs on a machine's speed.

A test that needs one more of these than the run may have is better off with what the tests of its
worker share (`api`, `database`). Where it cannot be, the limit is raised here, on purpose.
"""

from collections import Counter

MOST = {
    "PostgreSQL servers": 21,
    "databases": 92,
    "applications": 120,
    "Python programs": 7,
    "forked programs": 26,
}
"""For all tests of `make test`, on however many workers.

Four make 110 to 114 applications and 86 to 89 databases: it depends on which tests meet on a
worker.
"""
MADE: Counter[str] = Counter()
"""In this process; where there are workers, the first process knows the sum."""


def overspent() -> list[str]:
    """A sentence for each limit that was passed."""
    return [
        f"{MADE[kind]} {kind} were made, and {most} are enough: see tests/budget.py"
        for kind, most in MOST.items()
        if MADE[kind] > most
    ]
