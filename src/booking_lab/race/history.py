"""What happened in a race: who asked for what and when, what was answered, what was there then."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf


class Kind(StrEnum):
    """What a client can ask for."""

    HOLD = "hold"
    EXTEND = "extend"
    RELEASE = "release"
    BOOK = "book"
    MOVE = "reschedule"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """What an attempt can have come to."""

    OK = "ok"
    REFUSED = "refused"
    """No, and the attempt has no effect later either."""
    NOTHING_DONE = "nothing done"
    """Neither yes nor no: to be asked again; the attempt itself has no effect."""
    UNKNOWN = "unknown"
    """It may have had its effect, or may still have it where nothing was answered at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation; all attempts at it carry the same `key`.

    A booking has the key as its reason, too. `slot` is the one that is wanted. `subject` is the
    appointment that is moved or cancelled, or the hold that is extended, released or converted.
    """

    kind: Kind
    key: str
    patient: str
    slot: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered, as far as it matters.

    `thing` is the id of the appointment or hold, `slot` where it is. `lasts` is how many seconds a
    hold lasts from when it was answered.
    """

    status: int
    code: str | None = None
    is_replay: bool = False
    thing: str | None = None
    slot: str | None = None
    is_active: bool = False
    lasts: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request, in seconds since the start of the race; `answer` None: none came.

    `desk` is the account that asks: a hold is the account's that made it. `is_late` when nobody but
    those who finish what is open asks for anything any more.
    """

    wish: Operation
    client: int
    desk: int
    invoked: float
    ended: float
    answer: Answer | None
    is_late: bool = False

    @property
    def outcome(self) -> Outcome:
        """Say what it has come to."""
        if self.answer is None or self.answer.code == "outcome_unknown":
            return Outcome.UNKNOWN
        if self.answer.status < 300:
            return Outcome.OK
        if self.answer.status >= 500:
            is_told = self.answer.code in {"overloaded", "dependency_unavailable"}
            return Outcome.NOTHING_DONE if is_told else Outcome.UNKNOWN
        if self.answer.status == 429 or self.answer.code == "idempotency_key_in_use":
            return Outcome.NOTHING_DONE
        return Outcome.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An appointment as it is listed in the end."""

    id: str
    key: str | None
    slot: str
    patient: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a time slot lasts, in seconds of any clock."""

    starts: float
    ends: float

    def overlaps(self, other: "Span") -> bool:
        """Say whether nobody could be at both."""
        return self.starts < other.ends and other.starts < self.ends


@dataclass(slots=True)
class History:
    """Everything that the checker needs; `spans` are those of the slots by their ids."""

    spans: Mapping[str, Span]
    attempts: list[Attempt] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def by_key(self) -> dict[str, list[Attempt]]:
        """Return the attempts at each wish, in the order in which they began."""
        found: dict[str, list[Attempt]] = {}
        for attempt in sorted(self.attempts, key=lambda one: one.invoked):
            found.setdefault(attempt.wish.key, []).append(attempt)
        return found

    def told(self, *kinds: Kind) -> list[Attempt]:
        """Return the attempts of these kinds that were answered with success."""
        return [
            one
            for one in self.attempts
            if one.wish.kind in kinds and one.answer and one.outcome is Outcome.OK
        ]
