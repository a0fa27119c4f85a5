"""Tells a run as a story that a person can read."""

from collections.abc import Iterator

from booking_lab.weave.deeds import Plan
from booking_lab.weave.names import told
from booking_lab.weave.threads import Order
from booking_lab.weave.weaver import Outcome

BEFOREHAND = "before"


def story_of(plan: Plan, outcome: Outcome, *, command: str) -> Iterator[str]:
    """Yield its lines; `command` is what repeats it."""
    for deed in plan.before:
        yield f"Before, somebody {deed.told()}."
    for part in plan.parts:
        wishes = ", then ".join(deed.told() for deed in part.deeds)
        yield f"{part.name[0].upper()}{part.name[1:]} {wishes}."
    yield ""
    number = 0
    for who, what, step, whom in outcome.happenings:
        if who == BEFOREHAND:
            continue
        number += 1
        yield f"{number:3}. {_sentence(who, what, step, whom)}"
    yield ""
    yield from (f"Wrong: {one}" for one in dict.fromkeys(outcome.wrong))
    yield f"Again: {command}"


def _sentence(who: str, what: str, step: str, whom: tuple[str, ...]) -> str:
    sentences = {
        Order.GO: f"{who} {told(step)}",
        Order.CUT: f"{who}'s connection breaks before {step} arrives",
        Order.LOSE_ANSWER: f"{who} {told(step)}; the connection breaks, the answer is lost",
        Order.LEAVE: f"{who} goes away at {step}",
        "waits": f"{who} waits for {' and '.join(whom)}",
        "goes on": f"{who} goes on: nobody is in the way any more",
        "is told": f"{who} is told: {step}",
    }
    return sentences[what]
