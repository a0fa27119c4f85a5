"""What became of each deed: who did it, when, what they were told."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_lab.weave.deeds import Deed

OK, LEFT, NOTHING = "ok", "left", "nothing to do"
UNKNOWN = frozenset({"outcome_unknown", LEFT})
"""What was asked for is done, or it is not."""
NOT_DONE = frozenset({"dependency_unavailable", "overloaded", "idempotency_key_in_use"})


@dataclass(slots=True)
class Record:
    """One deed of one actor, begun at the instant `since`.

    `begun` counts what was committed until then.
    """

    actor: str
    deed: Deed
    mark: str
    begun: int
    since: datetime
    answer: str | None = None
    made: UUID | None = None
    """The appointment that they were told of."""
    misfortunes: list[str] = field(default_factory=list)
    surprise: BaseException | None = None

    def answered(self, answer: str, *, shown: Any = None) -> None:
        """Write down what they were told."""
        self.answer = answer
        appointment = getattr(shown, "appointment", None)
        self.made = None if appointment is None else appointment.id

    @property
    def is_done(self) -> bool:
        """Say whether they know that it is done."""
        return self.answer == OK

    @property
    def is_refused(self) -> bool:
        """Say whether they were told no, so that nothing may be left of it."""
        known = {None, OK, NOTHING, *UNKNOWN}
        return self.answer not in known
