"""What a race has come to: figures and a verdict for people, JSON for machines."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from booking_lab.race.checking import Violation, violations
from booking_lab.race.history import Attempt, History, Kind, Outcome
from booking_lab.race.plan import Plan

MOST_SHOWN = 20
DONE = {
    Kind.BOOK: "bookings",
    Kind.MOVE: "reschedules",
    Kind.CANCEL: "cancellations",
    Kind.HOLD: "holds",
    Kind.EXTEND: "extensions of holds",
    Kind.RELEASE: "releases of holds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts of one race. `acknowledged` are operations, by kind; `answers` are attempts.

    `unanswered` are attempts whose caller hung up or whose connection broke, `replays` answers
    that were given again, `rescued` operations that succeeded after an attempt with an unknown
    outcome, and `longest_seconds` the longest that an answer took.
    """

    requests: int
    acknowledged: dict[str, int]
    answers: dict[str, int]
    unanswered: int
    replays: int
    rescued: int
    longest_seconds: float

    @classmethod
    def of(cls, history: History) -> "Figures":
        """Count."""
        acknowledged, rescued = Counter[str](), 0
        for attempts in history.by_key().values():
            outcomes = {one.outcome for one in attempts}
            if Outcome.OK in outcomes:
                acknowledged[attempts[0].wish.kind] += 1
                rescued += Outcome.UNKNOWN in outcomes
        answered = [one for one in history.attempts if one.answer is not None]
        return cls(
            requests=len(history.attempts),
            acknowledged={kind: acknowledged[kind] for kind in DONE if acknowledged[kind]},
            answers=dict(Counter(map(_told, answered)).most_common()),
            unanswered=len(history.attempts) - len(answered),
            replays=sum(one.answer.is_replay for one in answered if one.answer),
            rescued=rescued,
            longest_seconds=max((one.ended - one.invoked for one in answered), default=0.0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of one race; `left` are sentences about what could not be removed."""

    plan: Plan
    slots: int
    figures: Figures
    violations: Sequence[Violation]
    left: Sequence[str] = ()

    @classmethod
    def of(cls, history: History, plan: Plan) -> "Report":
        """Check the history."""
        return cls(
            plan=plan,
            slots=len(history.spans),
            figures=Figures.of(history),
            violations=violations(history),
        )

    def lines(self) -> Iterator[str]:
        """Return the text for people; it names ids and times, and nothing of a patient."""
        plan, figures = self.plan, self.figures
        yield (
            f"{plan.clients} clients raced for {self.slots} slots of {plan.doctors} doctors,"
            f" {plan.seconds:g} s, seed {plan.seed}: {figures.requests} requests."
        )
        done = (f"{figures.acknowledged.get(kind, 0)} {what}" for kind, what in DONE.items())
        yield f"Acknowledged: {', '.join(done)}."
        yield (
            f"{figures.unanswered} requests had no answer, {figures.rescued} operations were"
            f" finished with the same key after that or after an unknown outcome;"
            f" {figures.replays} answers were given again."
        )
        yield f"The longest answer took {figures.longest_seconds:.2f} s. All answers:"
        yield from (f"  {count:>8} × {told}" for told, count in figures.answers.items())
        yield from self._verdict()
        yield from self.left

    def _verdict(self) -> Iterator[str]:
        if not self.violations:
            yield (
                "No violation: no slot had two owners, no patient was in two places, nothing"
                " acknowledged was lost, no key made two appointments, nobody who was refused owns"
                " an appointment, every answer was a documented one."
            )
            return
        found = len(self.violations)
        yield f"{found} violation{'s' if found > 1 else ''}:"
        yield from (f"  {one.line()}" for one in self.violations[:MOST_SHOWN])
        if found > MOST_SHOWN:
            yield f"  and {found - MOST_SHOWN} more; --json writes all of them."

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines; docs/race.md names the keys."""
        return {
            "plan": asdict(self.plan),
            "slots": self.slots,
            "figures": asdict(self.figures),
            "violations": [
                {"rule": it.rule.name.lower(), "ids": it.ids, "at": it.at, "detail": it.detail}
                for it in self.violations
            ],
            "left": list(self.left),
        }


def _told(attempt: Attempt) -> str:
    answer = attempt.answer
    return "nothing" if answer is None else f"{answer.status} {answer.code or ''}".strip()
