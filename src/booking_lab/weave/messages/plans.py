"""A seed's plan of messages: what people do while workers relay, plan and send."""

import random
from collections.abc import Sequence

from booking_lab.weave.deeds import Deed, Plan
from booking_lab.weave.messages.carrier import CONNECT
from booking_lab.weave.messages.standing import STAND_BEGUN
from booking_lab.weave.plans import Theme, named
from booking_lab.weave.sleepers import STAND_LOCKED

RELAY, PLANNER, SEND, STOP = Deed("relay"), Deed("planner"), Deed("send"), Deed("stop")
SOON, LATE = Deed("wait", how="1"), Deed("wait", how="2")
"""Behind the first a lease is over, behind the second an answer is not waited for any more."""
WORKER = [RELAY, PLANNER, SEND]
DUE = "60"
"""So many minutes behind the beginning the first reminder of the first slot is due."""


def planned(seed: int) -> Plan:
    """Return the plan of a seed."""
    dice = random.Random(f"messages of {seed}")  # noqa: S311  (the same seed plans the same)
    before, parts = dice.choice(THEMES)(dice)
    if dice.random() < 0.25:
        parts = [*parts, [dice.choice((RELAY, PLANNER, SEND))]]
    return Plan(tuple(before), named(parts), about="messages")


def _change(dice: random.Random, slot: int) -> list[Deed]:
    """What may become of the first patient's appointment."""
    cancel, move = Deed("cancel", 0, slot), Deed("move", 0, (slot + 1) % 3)
    return dice.choice(
        (
            [cancel],
            [cancel],
            [Deed("dismiss", 0, slot)],
            [move],
            [move],
            [move, Deed("cancel", 0, (slot + 1) % 3)],
            [move, Deed("move", 0, (slot + 2) % 3)],
            [Deed("check in", 0, slot)],
            [Deed("check in", 0, slot), Deed("undo", 0, slot)],
        )
    )


def _wait(dice: random.Random, *minutes: str) -> list[list[Deed]]:
    return [[Deed("wait", how=dice.choice(minutes))]] if dice.random() < 0.4 else []


def _whole_way(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    booking = [] if dice.random() < 0.5 else [Deed("book", 0, slot)]
    person = [*([] if booking else [Deed("book", 0, slot)]), *_change(dice, slot)]
    others = [list(WORKER)] if dice.random() < 0.3 else []
    return booking, [person, list(WORKER), *others]


def _sendings(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    before = [Deed("book", 0, slot), RELAY, PLANNER]
    senders = [[SEND] * dice.choice((1, 2)) for _ in range(dice.choice((1, 1, 2)))]
    return before, [_change(dice, slot), *senders, *_wait(dice, "1", "2")]


def _at_the_desk(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    marks = [Deed("check in", 0, slot), Deed("undo", 0, slot)]
    before, parts = [Deed("book", 0, slot), RELAY, PLANNER], [marks[: dice.choice((1, 2))]]
    if dice.random() < 0.5:
        before, parts = [*before, marks[0]], [[marks[1], *marks[: dice.choice((0, 1))]]]
    if slot == 0 and dice.random() < 0.5:
        before.insert(3, SEND)
        before.append(Deed("wait", how=DUE))
    rival = [[dice.choice((Deed("cancel", 0, slot), PLANNER))]] if dice.random() < 0.3 else []
    return before, [*parts, [SEND, SEND], *rival]


def _reminders(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    before = [Deed("book", 0, 0), *WORKER]
    before += [Deed("wait", how=DUE)] if dice.random() < 0.7 else []
    senders = [[SEND] * dice.choice((1, 2)) for _ in range(dice.choice((1, 2)))]
    clock = [[Deed("wait", how=DUE)]] if len(before) == 4 else _wait(dice, "1", "2")
    return before, [_change(dice, 0), *senders, *clock]


def _relays(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    before = [Deed("book", 0, slot)]
    rival = [Deed("book", 1, (slot + 2) % 3)]
    relays = [[RELAY] * dice.choice((1, 2)), [RELAY], [PLANNER] * dice.choice((1, 2))]
    return before, [_change(dice, slot), rival, *relays[: dice.choice((2, 3))]]


def _late_commits(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    """Somebody draws a number for their event, then waits for another's commit."""
    if dice.random() < 0.7:
        later = [Deed("cancel", 0, 0), RELAY, RELAY]
        return [Deed("book", 0, 0), RELAY], [[Deed("book", 1, 1, slow="COMMIT")], later]
    others = [Deed("book", 0, 3), Deed("cancel", 0, 0), Deed("book", 1, 1)]
    parts = [[Deed("book", 0, 3)], [dice.choice(others)], [RELAY, RELAY]]
    return [Deed("book", 0, 0)], [[Deed("cancel", 0, 0)], *parts]


def _planners(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    before = [Deed("book", 0, slot), *([RELAY] if dice.random() < 0.5 else [])]
    return before, [_change(dice, slot), [RELAY, PLANNER], [PLANNER] * dice.choice((1, 2))]


def _lost_answers(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    before = [Deed("book", 0, 0), RELAY, PLANNER]
    if dice.random() < 0.5:
        before += [SEND, Deed(dice.choice(("move", "cancel")), 0, 0 if dice.random() < 0.5 else 1)]
        before += [RELAY, PLANNER]
    waits = [Deed("wait", how=dice.choice(("1", "2"))) for _ in range(2)]
    return before, [[SEND, SEND, SEND], waits, *([[SEND, SEND]] if dice.random() < 0.5 else [])]


def _sleepers(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    """A sender stands still, and wakes up when all others have done their deeds."""
    before, change = [Deed("book", 0, 0), RELAY, PLANNER], _change(dice, 0)
    if dice.random() < 0.3:
        before += [SEND, Deed("move", 0, 1), RELAY, PLANNER]
        change = _change(dice, 1)
    late = SEND._replace(slow=CONNECT)
    step, meanwhile = dice.choice(
        (
            (CONNECT, change),
            (CONNECT, [SOON]),
            (CONNECT, [SOON, late]),
            (STAND_BEGUN, change),
            (STAND_BEGUN, change),
            (STAND_BEGUN, [SOON]),
            (STAND_BEGUN, [SOON, SEND]),
            (STAND_BEGUN, [SOON, SEND]),
            (STAND_BEGUN, [SOON, SEND]),
            (STAND_LOCKED, [SOON]),
            (STAND_LOCKED, [SOON, *change]),
        )
    )
    return before, [[SEND._replace(slow=step)], meanwhile]


def _stops(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    """No SMS is wanted any more while there is one."""
    before = [Deed("book", 0, 0), *WORKER]
    if dice.random() < 0.7:
        before.append(Deed("wait", how=DUE))
    else:
        before += [dice.choice((Deed("move", 0, 1), Deed("cancel", 0, 0))), RELAY, PLANNER]
    stop = [Deed("book", 1, 2), STOP._replace(patient=1)]
    return before, [stop, [SEND._replace(slow=CONNECT), SEND]]


THEMES: Sequence[Theme] = (
    _whole_way,
    _sendings,
    _sendings,
    _sleepers,
    _sleepers,
    _sleepers,
    _sleepers,
    _stops,
    _stops,
    _reminders,
    _relays,
    _late_commits,
    _late_commits,
    _planners,
    _lost_answers,
    _at_the_desk,
)
