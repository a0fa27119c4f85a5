"""The checker: what must never be in the history of a race, whatever went wrong on the way."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from booking_lab.race.documented import is_documented
from booking_lab.race.history import Attempt, History, Kind, Outcome, Row
from booking_lab.race.ownership import meetings, ownerships


class Rule(StrEnum):
    """What was violated."""

    LOST = "an acknowledged appointment is not there"
    STATE = "an appointment is not as it was acknowledged"
    TWO_OWNERS = "a slot had two owners at the same time"
    PATIENT_TWICE = "a patient was in two places at the same time"
    ONE_KEY = "a key made more than one appointment"
    UNDOCUMENTED = "an answer that is not documented"
    TOLD_NO = "a refused caller owns the appointment"
    UNASKED = "an appointment that nobody asked for"
    BROKEN_HOLD = "a hold in force did not become its booking"


NOT_THE_HOLDS_FAULT = frozenset({"patient_overlap", "idempotency_key_in_use", "not_found"})
"""Codes that say something of the patient or of the request, and nothing of the slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """`ids` are of appointments, holds and slots; `at` in seconds since the start of the race."""

    rule: Rule
    ids: tuple[str, ...]
    at: tuple[float, ...] = ()
    detail: str = ""

    def line(self) -> str:
        """Return it as one line of text."""
        times = ", ".join(f"{second:.3f} s" for second in self.at)
        parts = [f"{self.rule}: {', '.join(self.ids)}", f"at {times}" if times else "", self.detail]
        return "; ".join(part for part in parts if part)


def violations(history: History) -> list[Violation]:
    """Return all that is wrong; nothing, where every promise was kept."""
    return [found for rule in RULES for found in rule(history)]


def _lost_or_changed(history: History) -> Iterator[Violation]:
    """Every acknowledged appointment is there, where and how it was acknowledged last."""
    rows = {row.id: row for row in history.rows}
    told: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in history.told(Kind.BOOK):
        if attempt.answer is not None and attempt.answer.thing is not None:
            told[attempt.answer.thing].append(attempt)
    changes: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in history.attempts:
        if attempt.wish.kind in {Kind.MOVE, Kind.CANCEL}:
            changes[attempt.wish.subject or ""].append(attempt)
    for identity, bookings in told.items():
        if identity not in rows:
            yield Violation(rule=Rule.LOST, ids=(identity,), at=(bookings[0].ended,))
        else:
            yield from _changed(rows[identity], bookings, changes[identity])


def _changed(row: Row, bookings: list[Attempt], changes: list[Attempt]) -> Iterator[Violation]:
    cancelling = {one.outcome for one in changes if one.wish.kind is Kind.CANCEL}
    last = max(one.ended for one in (*bookings, *changes))
    if row.is_active and Outcome.OK in cancelling:
        yield _state(row, last, "it was cancelled and is not")
    if not row.is_active and not cancelling & {Outcome.OK, Outcome.UNKNOWN}:
        yield _state(row, last, "it is cancelled and nobody may have done that")
    moves = [one for one in changes if one.wish.kind is Kind.MOVE]
    known = [one for one in (*bookings, *moves) if one.outcome is Outcome.OK]
    settled = max(known, key=lambda one: one.ended).answer
    closed = {one.wish.key for one in known}
    open_moves = {
        one.wish.slot
        for one in moves
        if one.outcome is Outcome.UNKNOWN and one.wish.key not in closed
    }
    if settled is not None and row.slot not in {settled.slot, *open_moves}:
        yield _state(row, last, "it is in another slot")


def _state(row: Row, at: float, detail: str) -> Violation:
    return Violation(rule=Rule.STATE, ids=(row.id, row.slot), at=(at,), detail=detail)


def _two_owners(history: History) -> Iterator[Violation]:
    by_slot = defaultdict(list)
    for owned in ownerships(history):
        by_slot[owned.slot].append(owned)
    for slot, all_of_it in by_slot.items():
        for one, other in meetings(all_of_it):
            at = (one.since, one.until, other.since, other.until)
            ids = (slot, one.owner, other.owner)
            yield Violation(
                rule=Rule.TWO_OWNERS, ids=ids, at=at, detail="owned from and until, each"
            )
    active = defaultdict(list)
    for row in history.rows:
        if row.is_active:
            active[row.slot].append(row.id)
    for slot, owners in active.items():
        if len(owners) > 1:
            yield Violation(rule=Rule.TWO_OWNERS, ids=(slot, *owners), detail="in the end")


def _patient_twice(history: History) -> Iterator[Violation]:
    spans, owned_by, active = history.spans, defaultdict(list), defaultdict(list)
    for owned in ownerships(history):
        if not owned.is_hold:
            owned_by[owned.patient].append(owned)
    for row in history.rows:
        if row.is_active:
            active[row.patient].append(row)
    for one, other in (pair for all_of_it in owned_by.values() for pair in meetings(all_of_it)):
        if spans[one.slot].overlaps(spans[other.slot]):
            ids, at = (one.owner, other.owner), (one.since, other.since)
            yield Violation(rule=Rule.PATIENT_TWICE, ids=ids, at=at)
    for first, second in (pair for rows in active.values() for pair in combinations(rows, 2)):
        if spans[first.slot].overlaps(spans[second.slot]):
            ids = (first.id, second.id)
            yield Violation(rule=Rule.PATIENT_TWICE, ids=ids, detail="in the end")


def _one_key(history: History) -> Iterator[Violation]:
    """One appointment for each key, the same one in every answer, and no other changed."""
    made: dict[str, set[str]] = defaultdict(set)
    for row in history.rows:
        made[row.key or ""].add(row.id)
    for key, attempts in history.by_key().items():
        wish = attempts[0].wish
        told = {
            one.answer.thing for one in attempts if one.answer and one.outcome is Outcome.OK
        } - {None}
        if wish.kind is Kind.BOOK:
            ids = {identity for identity in told if identity} | made[key]
        elif wish.kind in {Kind.MOVE, Kind.CANCEL}:
            ids = {identity for identity in told if identity} | {wish.subject or ""}
        else:
            ids = {identity for identity in told if identity}
        if len(ids) > 1:
            at = tuple(one.ended for one in attempts)
            yield Violation(rule=Rule.ONE_KEY, ids=tuple(sorted(ids)), at=at)


def _undocumented(history: History) -> Iterator[Violation]:
    for attempt in history.attempts:
        if attempt.answer is not None and not is_documented(attempt.wish.kind, attempt.answer):
            told = f"{attempt.answer.status} {attempt.answer.code or ''}".strip()
            about = attempt.wish.subject or attempt.wish.slot or ""
            yield Violation(
                rule=Rule.UNDOCUMENTED,
                ids=(about,),
                at=(attempt.invoked, attempt.ended),
                detail=f"{attempt.wish.kind} was answered {told}",
            )


def _told_no(history: History) -> Iterator[Violation]:
    """A refusal is the last word, unless another attempt with the key was under way still."""
    owned = {row.key: row.id for row in history.rows if row.key is not None}
    by_key = history.by_key()
    for key, identity in owned.items():
        attempts = [one for one in by_key.get(key, ()) if one.wish.kind is Kind.BOOK]
        if not attempts:
            yield Violation(rule=Rule.UNASKED, ids=(identity,))
            continue
        wrong = [one for one in attempts if _is_last_word(one, attempts)]
        if not {one.outcome for one in attempts} & {Outcome.OK, Outcome.UNKNOWN}:
            wrong = attempts
        if wrong:
            code = wrong[0].answer.code if wrong[0].answer else None
            at = tuple(one.ended for one in wrong)
            yield Violation(
                rule=Rule.TOLD_NO, ids=(identity,), at=at, detail=f"told {code or 'nothing'}"
            )


def _broken_holds(history: History) -> Iterator[Violation]:
    """A holder can book the slot until the hold is over."""
    held = defaultdict(list)
    for owned in ownerships(history):
        if owned.is_hold:
            held[owned.owner].append(owned)
    for attempt in history.attempts:
        wish, answer = attempt.wish, attempt.answer
        if wish.kind is not Kind.BOOK or attempt.outcome is not Outcome.REFUSED or answer is None:
            continue
        if answer.code in NOT_THE_HOLDS_FAULT:
            continue
        for owned in held.get(wish.subject or "", ()):
            is_its = owned.slot == wish.slot and owned.patient == wish.patient
            if is_its and owned.since <= attempt.invoked and attempt.ended < owned.until:
                at = (owned.since, owned.until, attempt.invoked, attempt.ended)
                ids, detail = (owned.owner, owned.slot), f"told {answer.code}"
                yield Violation(rule=Rule.BROKEN_HOLD, ids=ids, at=at, detail=detail)
                break


def _is_last_word(refusal: Attempt, attempts: list[Attempt]) -> bool:
    """Whoever was answered before the refusal was asked for cannot come after it."""
    if refusal.outcome is not Outcome.REFUSED:
        return False
    if refusal.is_late:
        return True
    return all(
        other.ended < refusal.invoked and other.answer is not None
        for other in attempts
        if other is not refusal
    )


RULES: tuple[Callable[[History], Iterator[Violation]], ...] = (
    _lost_or_changed,
    _two_owners,
    _patient_twice,
    _one_key,
    _undocumented,
    _told_no,
    _broken_holds,
)
