"""What statements are called: by the constants that hold them, and in a story by what they do."""

import sys
from functools import cache
from types import ModuleType

from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.ended_holds import OLD_HOLDS

LONGEST = 40
UNNAMED = {OLD_HOLDS.statement: "OLD_HOLDS"}
TOLD = {
    "ADD": "writes the appointment",
    "ADD_USUAL": "writes the appointment",
    "ADD_USUAL_WITH_KEY": "writes the appointment and the key",
    "ADD_WITH_KEY": "writes the appointment and the key",
    "ATTEMPT": "locks the slot and reads the facts",
    "ATTEMPT_TOLD": "locks the slot and reads the facts",
    "BLOCK": "keeps time around it free",
    "CALENDARS_OF": "looks whose hours take over",
    "CLAIM": "takes the key",
    "CLOCK": "goes on",
    "COMMIT": "commits",
    "END_HOLDS": "ends holds",
    "FACTS": "reads the facts",
    "FACTS_TOLD": "reads the facts",
    "FORGET": "forgets the key if it is old",
    "HELD": "looks at the hold",
    "LEAVE_SLOTS": "leaves the old slots",
    "LOCK_CARD": "locks the appointment",
    "LOCK_DOCTOR": "locks the doctor's calendar",
    "LOCK_NEARBY": "locks all slots that it meets",
    "LOCK_SLOTS_OF": "locks the appointment's slots",
    "LOCK_TO_MOVE": "locks old and new slots",
    "MOVE": "writes where it is now",
    "NEARBY": "reads the slots that it meets",
    "OLD_HOLDS": "empties old holds",
    "PAUSE": "tries again",
    "PLACE": "writes the hold",
    "QUEUE": "queues as a holder",
    "RELEASE": "gives the hold back",
    "REPLAY": "looks for the answer that the key had",
    "ROLLBACK": "rolls back",
    "ROLLBACK TO": "rolls back to a savepoint",
}


def name_of(query: str) -> str:
    """Return the name of a statement, the same in every run."""
    if query.startswith("ROLLBACK TO"):
        return "ROLLBACK TO"
    known = _names().get(query)
    return known or " ".join(query.split())[:LONGEST].rstrip(";")


def told(step: str) -> str:
    """Return what somebody does with it, without its subject."""
    return TOLD.get(step, f"does {step}")


@cache
def _names() -> dict[str, str]:
    found = dict(UNNAMED)
    for name, module in sorted(sys.modules.items()):
        if name.startswith("booking_system.") and isinstance(module, ModuleType):
            for constant, value in vars(module).items():
                if isinstance(value, Statement):
                    found.setdefault(value.text, constant)
                elif isinstance(value, dict):
                    found |= {
                        one.text: f"{constant} {key}"
                        for key, one in value.items()
                        if isinstance(one, Statement)
                    }
    return found
