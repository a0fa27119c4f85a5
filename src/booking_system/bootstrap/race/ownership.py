"""When somebody owned a slot for certain: from an answer that says so to what may have ended it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from booking_system.bootstrap.race.history import Attempt, History, Kind, Outcome

MAY_END = {Outcome.OK, Outcome.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """`owner` is an appointment or a hold. Seconds since the start of the race."""

    slot: str
    owner: str
    patient: str
    is_hold: bool
    since: float
    until: float

    def meets(self, other: "Ownership") -> bool:
        """Say whether both were so at the same time."""
        return max(self.since, other.since) < min(self.until, other.until)


def ownerships(history: History) -> list[Ownership]:
    """Return every certain ownership. Of one appointment or hold there may be several."""
    endings = _endings(history.attempts)
    converted = _converted(history)
    found = []
    for attempt in history.told(Kind.BOOK, Kind.MOVE, Kind.HOLD, Kind.EXTEND):
        answer = attempt.answer
        if answer is None or answer.thing is None or answer.slot is None or not answer.is_active:
            continue
        until = _next(endings.get(answer.thing, ()), attempt.ended)
        is_hold = attempt.wish.kind in {Kind.HOLD, Kind.EXTEND}
        if is_hold:
            # The server's clock had got at least as far as our question.
            until = min(attempt.invoked + answer.lasts, converted.get(answer.thing, until))
        if until > attempt.ended:
            found.append(
                Ownership(
                    slot=answer.slot,
                    owner=answer.thing,
                    patient=attempt.wish.patient,
                    is_hold=is_hold,
                    since=attempt.ended,
                    until=until,
                )
            )
    return found


def meetings(owned: Sequence[Ownership]) -> Iterator[tuple[Ownership, Ownership]]:
    """Yield the pairs of different owners that meet in time, each once."""
    going: list[Ownership] = []
    told = set()
    for one in sorted(owned, key=lambda it: it.since):
        going = [other for other in going if other.until > one.since]
        for other in going:
            pair = frozenset((one.owner, other.owner))
            if one.owner != other.owner and pair not in told and one.meets(other):
                told.add(pair)
                yield other, one
        going.append(one)


def _endings(attempts: Sequence[Attempt]) -> Mapping[str, list[float]]:
    """When something was asked for that may have ended the ownership, by owner."""
    found: dict[str, list[float]] = {}
    for attempt in attempts:
        subject, may_end = attempt.wish.subject, attempt.outcome in MAY_END
        if subject is not None and may_end and attempt.wish.kind is not Kind.EXTEND:
            found.setdefault(subject, []).append(attempt.invoked)
    return found


def _converted(history: History) -> Mapping[str, float]:
    """When the hold's booking was acknowledged first: until then the slot was the holder's."""
    found: dict[str, float] = {}
    for attempt in history.told(Kind.BOOK):
        hold = attempt.wish.subject
        if hold is not None:
            found[hold] = min(found.get(hold, inf), attempt.ended)
    return found


def _next(endings: Sequence[float], since: float) -> float:
    return min((at for at in endings if at >= since), default=inf)
