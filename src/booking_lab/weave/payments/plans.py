"""A seed's plan of payments: what payers, providers and the desk do while workers work."""

import random
from collections.abc import Sequence

from booking_lab.weave.deeds import Deed, Plan
from booking_lab.weave.payments.account_books import CARD, MOODS, ORDER
from booking_lab.weave.payments.meetings import MEETINGS
from booking_lab.weave.payments.phrases import (
    BEGUN,
    FOLLOWER,
    FOLLOWING,
    HOOKS,
    MONEY,
    OVER,
    RECONCILE,
    RELAY,
    SWEEP,
    WINDOW,
    Parts,
    hooks_of,
    kind_of,
    paid,
    waits_of,
    way_of,
)
from booking_lab.weave.plans import Theme, named


def planned(seed: int) -> Plan:
    """Return the plan of a seed."""
    dice = random.Random(f"payments of {seed}")  # noqa: S311  (the same seed plans the same)
    before, parts = dice.choice(THEMES)(dice)
    if dice.random() < 0.3:
        others = (MONEY, RECONCILE, SWEEP, HOOKS)
        parts = [*parts, [dice.choice(others)]]
    if dice.random() < 0.3:
        before = [Deed("mood", how=dice.choice((*MOODS, "no webhooks", "no webhooks"))), *before]
    return Plan(tuple(before), named(parts), about="payments")


def _first_time(dice: random.Random) -> tuple[list[Deed], Parts]:
    slot, way = dice.randrange(3), way_of(dice)
    payer = [Deed("start", 0, slot, how=way), Deed("pays", 0, slot, how=way)]
    worker = [hooks_of(dice), MONEY, MONEY]
    return [Deed("book", 0, slot, how=kind_of(dice))], [payer, worker, *waits_of(dice, "1", WINDOW)]


def _two_tabs(dice: random.Random) -> tuple[list[Deed], Parts]:
    slot, one, other = dice.randrange(3), way_of(dice), way_of(dice)
    tabs = [
        [Deed("start", 0, slot, how=way), Deed("pays", 0, slot, how=way)] for way in (one, other)
    ]
    if dice.random() < 0.3:
        tabs[1].insert(0, tabs[1][0])
    worker = [[hooks_of(dice), MONEY, MONEY]] if dice.random() < 0.7 else [[MONEY], [MONEY]]
    return [Deed("book", 0, slot, how=kind_of(dice))], [*tabs, *worker]


def _starts(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Answers to the first call are lost, while others want something of the appointment."""
    slot, way = dice.randrange(3), way_of(dice)
    start = Deed("start", 0, slot, how=way)
    others = [
        [start],
        [Deed("start", 0, slot, how=way_of(dice))],
        [Deed("cancel", 0, slot)],
        [Deed("desk takes", 0, slot, how=dice.choice(("", "500")))],
    ]
    clock = [[Deed("wait", how="2"), Deed("wait", how="2")]]
    parts = [[start], *dice.sample(others, dice.choice((1, 2))), [MONEY, MONEY, MONEY]]
    return [Deed("book", 0, slot, how=kind_of(dice))], [*parts, *clock]


def _window(dice: random.Random) -> tuple[list[Deed], Parts]:
    """The payer pays when their time is nearly over; somebody else waits for the slot."""
    slot, way = dice.randrange(3), way_of(dice)
    before = [Deed("book", 0, slot, how="paid first"), Deed("start", 0, slot, how=way)]
    before += [Deed("wait", how=WINDOW)] if dice.random() < 0.5 else []
    others = [[Deed("book", 1, slot)], [Deed("hold", 1, slot)], [SWEEP], [hooks_of(dice)]]
    clock = [Deed("wait", how=one) for one in dice.choice((("3", "3"), ("5", "1"), ("6", "6")))]
    parts = [[Deed("pays", 0, slot, how=way)], [MONEY, MONEY, MONEY], clock]
    return before, [*parts, *dice.sample(others, dice.choice((1, 2)))]


def _capture(dice: random.Random) -> tuple[list[Deed], Parts]:
    """What a payer agreed to is captured while the appointment runs out of time."""
    slot, way = dice.randrange(3), ORDER.provider
    before = [Deed("book", 0, slot, how=dice.choice(("paid first", "with a deposit")))]
    before += [Deed("start", 0, slot, how=way), Deed("pays", 0, slot, how=way)]
    before.append(HOOKS)
    before += dice.choice(([], [Deed("wait", how="4")], [MONEY, Deed("wait", how="6")]))
    if dice.random() < 0.3:
        before = [Deed("mood", how="declines"), *before]
    others = [
        [Deed("book", 1, slot)],
        [SWEEP, SWEEP],
        [MONEY, MONEY],
        [Deed("cancel", 0, slot)],
        [Deed("pays", 0, slot, how=way), HOOKS],
        [RECONCILE],
    ]
    clock = [Deed("wait", how=one) for one in dice.choice((("2", "2"), ("6",), ("1", "12")))]
    return before, [[MONEY, MONEY, MONEY], clock, *dice.sample(others, 2)]


def _kept(dice: random.Random) -> tuple[list[Deed], Parts]:
    """A capture was decided, and is done when the time that is kept for it is over, or nearly."""
    slot, way = dice.randrange(3), ORDER.provider
    before = [Deed("mood", how="declines")] if dice.random() < 0.5 else []
    before += [
        Deed("book", 0, slot, how="paid first"),
        Deed("start", 0, slot, how=way),
        Deed("pays", 0, slot, how=way),
        Deed("wait", how="2"),
        HOOKS,
        MONEY,
        Deed("wait", how=dice.choice(("3", "5"))),
    ]
    others = [[SWEEP], [MONEY], [Deed("cancel", 0, slot)], [Deed("pays", 0, slot, how=way), HOOKS]]
    return before, [[MONEY, MONEY], [Deed("book", 1, slot)], dice.choice(others)]


def _slow_answers(dice: random.Random) -> tuple[list[Deed], Parts]:
    """A provider is so slow that another worker does the same once more."""
    slot, way = dice.randrange(3), way_of(dice)
    before = paid(slot, kind_of(dice), way)
    before.append(Deed("gives back", 0, slot, how=dice.choice(("", "500"))))
    if dice.random() < 0.4:
        before = [Deed("book", 0, slot, how=kind_of(dice))]
        return before, [[Deed("start", 0, slot, how=way)], [Deed("wait", how="2")], [MONEY, MONEY]]
    return before, [[MONEY], [Deed("wait", how="2")], [MONEY, MONEY]]


def _late(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Money comes when the appointment has expired."""
    slot = dice.randrange(3)
    before = [Deed("book", 0, slot, how="paid first"), Deed("start", 0, slot, how=CARD.provider)]
    if dice.random() < 0.5:
        before.append(Deed("pays slowly", 0, slot, how=CARD.provider))
    before += [Deed("wait", how=OVER), dice.choice((MONEY, MONEY, SWEEP))]
    how = dice.choice(("pays anyway", "pays anyway", "money comes"))
    others = [
        [Deed("book", 1, slot)],
        [Deed("hold", 1, slot)],
        [SWEEP],
        [RECONCILE],
        [Deed("cancel", 0, slot)],
        [MONEY, MONEY],
    ]
    money = [Deed(how, 0, slot, how=CARD.provider), hooks_of(dice), MONEY, MONEY]
    return before, [money, *dice.sample(others, dice.choice((2, 3))), *waits_of(dice, "2", "12")]


def _changes(dice: random.Random) -> tuple[list[Deed], Parts]:
    """What is paid for is cancelled, moved, given back."""
    slot, way = dice.randrange(3), way_of(dice)
    before = paid(slot, kind_of(dice), way)
    before += [Deed("wait", how="5")] if slot == 0 and dice.random() < 0.4 else []
    ends = dice.choice(
        (
            [Deed("cancel", 0, slot)],
            [Deed("dismiss", 0, slot)],
            [Deed("move", 0, (slot + 1) % 3), Deed("cancel", 0, (slot + 1) % 3)],
        )
    )
    others = [
        [Deed("gives back", 0, slot, how=dice.choice(("", "500")))],
        [Deed("refunds there", 0, slot, how="500"), hooks_of(dice)],
        [Deed("desk takes", 0, slot)],
        [MONEY, MONEY],
        [RECONCILE],
        [Deed("start", 0, slot, how=way), Deed("pays", 0, slot, how=way)],
    ]
    following = [[*FOLLOWING, MONEY]]
    return before, [ends, *following, *dice.sample(others, 2), *waits_of(dice, "2", "5")]


def _refunds(dice: random.Random) -> tuple[list[Deed], Parts]:
    slot, way = dice.randrange(3), way_of(dice)
    before = paid(slot, kind_of(dice), way)
    if dice.random() < 0.4:
        before = [Deed("mood", how=dice.choice(("slow refunds", "no refund"))), *before]
    wants = [[Deed("gives back", 0, slot, how=how)] for how in ("3000", "3000", "500", "")]
    others = [
        [MONEY, MONEY],
        [Deed("refunds settle"), hooks_of(dice), MONEY],
        [Deed("refunds fail"), hooks_of(dice), MONEY],
        [Deed("dismiss", 0, slot), RELAY, FOLLOWER],
    ]
    parts = [*dice.sample(wants, dice.choice((1, 2))), [MONEY, MONEY], dice.choice(others)]
    return before, [*parts, [MONEY, MONEY], [Deed("wait", how="2"), Deed("wait", how="2")]]


def _at_the_desk(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Two clerks take money, and the payer pays at the same time."""
    slot, way = dice.randrange(3), way_of(dice)
    before = [Deed("book", 0, slot, how=kind_of(dice)), Deed("start", 0, slot, how=way)]
    clerks = [[Deed("desk takes", 0, slot, how=how)] for how in dice.sample(("", "", "3000"), 2)]
    payer = [Deed("pays", 0, slot, how=way), hooks_of(dice)]
    worker = [MONEY, MONEY, *([FOLLOWER] if dice.random() < 0.2 else [])]
    others = [[Deed("gives back", 0, slot)]] if dice.random() < 0.3 else []
    return before, [*clerks, payer, worker, *others]


def _absences(dice: random.Random) -> tuple[list[Deed], Parts]:
    before = [*paid(0, kind_of(dice), way_of(dice)), Deed("wait", how=BEGUN)]
    marks = [Deed("no show", 0, 0), Deed("undo", 0, 0), Deed("no show", 0, 0)]
    desk = marks[: dice.choice((1, 2, 3))]
    clerk = [[Deed("desk takes", 0, 0)]] if dice.random() < 0.4 else []
    return before, [desk, [*FOLLOWING, *FOLLOWING], [MONEY, MONEY], *clerk]


def _two_payers(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Their receipts have numbers of one clinic."""
    one, other = dice.sample(range(3), 2)
    before = [Deed("book", who, slot, how=kind_of(dice)) for who, slot in ((0, one), (1, other))]
    before += [Deed("start", who, slot, how=CARD.provider) for who, slot in ((0, one), (1, other))]
    pays = [Deed("pays", who, slot, how=CARD.provider) for who, slot in ((0, one), (1, other))]
    if dice.random() < 0.5:
        return [*before, *pays, HOOKS], [[MONEY], [Deed("desk takes", 2, 4)], [RECONCILE]]
    before = [*before, Deed("book", 2, 4, how="paid later"), pays[0], HOOKS]
    desk = [Deed("desk takes", 2, 4, how=dice.choice(("", "500")))]
    return before, [[MONEY], desk, [pays[1], HOOKS, MONEY], [RECONCILE]]


def _events(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Events come while their payment is looked at, doubled, and out of order."""
    slot, way = dice.randrange(3), way_of(dice)
    before = [Deed("book", 0, slot, how=kind_of(dice)), Deed("start", 0, slot, how=way)]
    before += [HOOKS] if dice.random() < 0.5 else []
    acts = [Deed("pays", 0, slot, how=way), hooks_of(dice)]
    if way == CARD.provider and dice.random() < 0.5:
        acts += [Deed("refunds there", 0, slot, how="500"), hooks_of(dice)]
    if dice.random() < 0.4:
        before = [*paid(slot, kind_of(dice), CARD.provider), Deed("wait", how="4"), MONEY]
        acts = [Deed("refunds there", 0, slot, how="500"), hooks_of(dice)]
    workers: Parts = [[MONEY, MONEY], [MONEY]]
    return before, [acts, *workers, [hooks_of(dice)]]


THEMES: Sequence[Theme] = (
    _first_time,
    _two_tabs,
    _two_tabs,
    _starts,
    _starts,
    _window,
    _window,
    _capture,
    _capture,
    _kept,
    _slow_answers,
    _late,
    _late,
    _changes,
    _changes,
    _refunds,
    _at_the_desk,
    _absences,
    _two_payers,
    _events,
    _events,
    *MEETINGS,
)
