"""When somebody owned a slot for certain: from an answer that says so to what may have ended it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from booking_lab.race.history import Attempt, History, Kind, Outcome

MAY_END = {Outcome.OK, Outcome.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """`owner` is an appointment or a hold. Seconds since the start of the race."""

    slot: str
    owner: str
    patient: str
    desk: int
    is_hold: bool
    since: float
    until: float

    def meets(self, other: "Ownership") -> bool:
        """Say whether both were so at the same time."""
        return max(self.since, other.since) < min(self.until, other.until)


def ownerships(history: History) -> list[Ownership]:
    """Return every certain ownership. Of one appointment or hold there may be several."""
    endings, found = _Endings.of(history), []
    for attempt in history.told(Kind.BOOK, Kind.MOVE, Kind.HOLD, Kind.EXTEND):
        answer = attempt.answer
        if answer is None or answer.thing is None or answer.slot is None or not answer.is_active:
            continue
        is_hold = attempt.wish.kind in {Kind.HOLD, Kind.EXTEND}
        owned = Ownership(
            slot=answer.slot,
            owner=answer.thing,
            patient=attempt.wish.patient,
            desk=attempt.desk,
            is_hold=is_hold,
            since=attempt.ended,
            # The server's clock had got at least as far as our question.
            until=attempt.invoked + answer.lasts if is_hold else inf,
        )
        until = endings.after(owned, attempt.wish.key)
        if until > owned.since:
            found.append(replace(owned, until=until))
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


@dataclass(frozen=True, slots=True)
class _Endings:
    """What may have ended an ownership, by owner; and a hold, by slot and desk.

    A desk that books the slot or moves somebody there ends its own hold on it. A hold that became
    a booking was good until that was acknowledged. `settled` is when a key had its first success:
    no other attempt with that key has an effect after that.
    """

    changed: Mapping[str, Sequence[Attempt]]
    taken: Mapping[tuple[str, int], Sequence[Attempt]]
    converted: Mapping[str, Attempt]
    settled: Mapping[str, float]

    @classmethod
    def of(cls, history: History) -> "_Endings":
        """Collect them."""
        changed, taken = defaultdict(list), defaultdict(list)
        for attempt in history.attempts:
            wish = attempt.wish
            if attempt.outcome not in MAY_END or wish.kind in {Kind.EXTEND, Kind.HOLD}:
                continue
            if wish.subject is not None:
                changed[wish.subject].append(attempt)
            if wish.slot is not None and (wish.kind is Kind.MOVE or wish.subject is None):
                taken[wish.slot, attempt.desk].append(attempt)
        converted: dict[str, Attempt] = {}
        settled: dict[str, float] = {}
        for attempt in sorted(history.told(*Kind), key=lambda one: one.ended):
            settled.setdefault(attempt.wish.key, attempt.ended)
            if attempt.wish.kind is Kind.BOOK and attempt.wish.subject is not None:
                converted.setdefault(attempt.wish.subject, attempt)
        return cls(changed, taken, converted, settled)

    def after(self, owned: Ownership, key: str) -> float:
        """Return when it may have ended; `key` is that of the answer that says it is owned."""
        own, ends = {key}, [owned.until]
        booked = self.converted.get(owned.owner) if owned.is_hold else None
        if booked is not None:
            own.add(booked.wish.key)
            ends.append(max(booked.ended, owned.since))
        rivals = [*self.changed.get(owned.owner, ())]
        if owned.is_hold:
            rivals += self.taken.get((owned.slot, owned.desk), ())
        ends += [
            max(one.invoked, owned.since)
            for one in rivals
            if one.wish.key not in own and not self._is_over(one, owned.since)
        ]
        return min(ends)

    def _is_over(self, attempt: Attempt, at: float) -> bool:
        """Say whether it can have no effect any more."""
        is_known = attempt.outcome is not Outcome.UNKNOWN and attempt.ended <= at
        return is_known or self.settled.get(attempt.wish.key, inf) <= at
