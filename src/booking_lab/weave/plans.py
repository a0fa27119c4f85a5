"""A seed's plan: who meets whom, with what, after what had been before."""

import random
from collections.abc import Callable, Sequence

from booking_lab.weave.deeds import PEOPLE, Deed, Part, Plan

KEY = "k"
ABSENCES = ("", "keep", "cancel")


OTHERS = {
    "wait": "the clock",
    "tidy": "the tidying",
    "plan": "the planning",
    "relay": "the relay",
    "planner": "the planner",
    "send": "the sender",
    "follower": "the follower",
    "money": "the worker",
    "sweep": "the sweep",
    "reconcile": "the reconciliation",
    "hooks": "the provider",
    "let in": "the doctor",
    "put back": "the doctor",
    "end room": "the doctor",
    "follow": "the process",
    "refunds there": "the provider",
    "refunds settle": "the provider",
    "refunds fail": "the provider",
}
BY_PATIENTS = frozenset({
    "hold", "book", "release", "extend", "cancel", "move", "remove patient", "stop", "start",
    "say", "pays", "pays anyway", "pays slowly", "money comes", "money fails",
})  # fmt: skip


def planned(seed: int) -> Plan:
    """Return the plan of a seed: one of the themes below, and more in it."""
    dice = random.Random(seed)  # noqa: S311  (the same seed plans the same)
    before, parts = dice.choice(THEMES)(dice)
    if dice.random() < 0.3:
        parts = [*parts, [_anything(dice)]]
    if dice.random() < 0.3:
        parts = [*parts, [Deed("wait", how=dice.choice(("5", "10", "10", "15")))]]
    return Plan(tuple(before), named(parts))


def named(parts: Sequence[Sequence[Deed]]) -> tuple[Part, ...]:
    """Give everybody a name: patients theirs, twice where they are two at once."""
    found, seen = list[Part](), dict[str, int]()
    for deeds in parts:
        name = _name(next((one for one in deeds if one.what != "wait"), deeds[0]))
        seen[name] = seen.get(name, 0) + 1
        found.append(Part(name if seen[name] == 1 else f"{name} {seen[name]}", tuple(deeds)))
    return tuple(found)


def _name(deed: Deed) -> str:
    return PEOPLE[deed.patient] if deed.what in BY_PATIENTS else OTHERS.get(deed.what, "the desk")


Theme = Callable[[random.Random], tuple[list[Deed], list[list[Deed]]]]


def _rivals(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot, patients = dice.randrange(5), dice.sample(range(3), dice.choice((2, 2, 3)))
    kinds = [dice.choice(("book", "book", "hold")) for _ in patients]
    return [], [[Deed(kind, one, slot)] for kind, one in zip(kinds, patients, strict=True)]


def _twins(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(5)
    deed = Deed("book", 0, slot, key=KEY)
    rival = [[Deed("book", 1, slot)]] if dice.random() < 0.5 else []
    return [], [[deed], [deed], *rival]


def _swap(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    one, other = dice.sample(range(3), 2)
    before = [Deed("book", 0, one), Deed("book", 1, other)]
    return before, [[Deed("move", 0, other)], [Deed("move", 1, one)]]


def _moves(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot, to = dice.sample(range(3), 2)
    others = [
        Deed("dismiss", 0, slot),
        Deed("cancel", 0, slot),
        Deed("move", 0, dice.randrange(5)),
        Deed("book", 1, to),
        Deed("hold", 1, to),
        Deed("book", 1, slot),
    ]
    parts = [[Deed("move", 0, to)], *([one] for one in dice.sample(others, 2))]
    return [Deed("book", 0, slot)], parts


def _expiry(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot, is_long = dice.randrange(2), dice.random() < 0.4
    rival = Deed(dice.choice(("book", "hold")), 1, slot + (is_long and dice.random() < 0.5))
    owner = Deed(dice.choice(("book", "extend", "release", "hold")), 0, slot, is_long)
    before = [Deed("hold", 0, slot, is_long)]
    if dice.random() < 0.3:
        return before, [[owner], [Deed("book", 0, slot)], [Deed("extend", 0, slot)]]
    return before, [[rival], [owner], [Deed("wait", how="10")]]


def _absence(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    before = [Deed("hold", 0, slot)] if dice.random() < 0.4 else []
    away = [Deed("time off", slot=slot, how=dice.choice(ABSENCES))]
    if dice.random() < 0.3:
        away.append(Deed("end time off", slot=slot))
    others = [Deed("book", 0, slot), Deed("hold", 1, slot), Deed("book", 1, slot)]
    if dice.random() < 0.3:
        others.append(Deed("overbook", 1, slot))
    return before, [away, *([one] for one in dice.sample(others, 2))]


def _hours(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    is_held = dice.random() < 0.5
    before = [Deed("hold" if is_held else "book", 0, 2)]
    parts = [[Deed("hours", slot=2, how="before")]]
    if dice.random() < 0.5:
        before.append(Deed("hours", slot=2, how="before"))
        parts = [[Deed("hours", slot=2, how="behind")]] if dice.random() < 0.5 else []
    others = [
        Deed("release", 0, 2),
        Deed("cancel", 0, 2),
        Deed("move", 0, 0),
        Deed("book", 0, 2),
        Deed("book", 1, 2),
        Deed("overbook", 1, 2),
        Deed("plan"),
        Deed("time off", slot=2, how="keep"),
        Deed("hours", slot=dice.randrange(3), how="behind"),
    ]
    chosen = dice.sample(others, 2)
    if dice.random() < 0.5:
        gives_up = (Deed("cancel", 0, 2), Deed("move", 0, 0))
        chosen[0] = Deed("release", 0, 2) if is_held else dice.choice(gives_up)
    return before, [*parts, *([one] for one in chosen)]


def _heirs(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(2)
    before = [Deed("book", 0, slot, is_long=dice.random() < 0.3)]
    before.append(Deed("overbook", 1, slot, is_long=dice.random() < 0.3))
    leaves = [
        Deed("cancel", 0, slot),
        Deed("cancel", 1, slot),
        Deed("move", 0, 2),
        Deed("move", 1, 2),
        Deed("book", 2, slot),
        Deed("overbook", 2, slot),
    ]
    return before, [[one] for one in dice.sample(leaves, dice.choice((2, 3)))]


def _removals(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    gone = [Deed("remove doctor", slot=slot, how=dice.choice(ABSENCES))]
    if dice.random() < 0.3:
        gone.append(Deed("restore doctor", slot=slot))
    if dice.random() < 0.4:
        gone = [Deed("remove patient", 0, how=dice.choice(ABSENCES))]
    before = [Deed("book", 0, 4)] if dice.random() < 0.3 else []
    others = [Deed("book", 0, slot), Deed("book", 1, slot), Deed("overbook", 0, slot),
              Deed("hold", 0, slot), Deed("move", 0, slot)]  # fmt: skip
    return before, [gone, *([one] for one in dice.sample(others, 2))]


def _services(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot, is_long = dice.randrange(2), dice.random() < 0.4
    goes = Deed("remove service", slot=slot, is_long=is_long, how=dice.choice(ABSENCES))
    if dice.random() < 0.3:
        goes = Deed("take off", slot=slot, is_long=is_long)
    before = [Deed(dice.choice(("book", "hold")), 0, slot, is_long)] if dice.random() < 0.4 else []
    others = [Deed("book", 0, slot, is_long), Deed("book", 1, slot, is_long),
              Deed("book", 2, 3, is_long), Deed("overbook", 1, slot, is_long),
              Deed("move", 0, 2), Deed("cancel", 0, slot)]  # fmt: skip
    parts = [[goes], *([one] for one in dice.sample(others, 2))]
    if goes.what == "take off":
        # Each first wish is asked before anybody's first step.
        parts[1] = [Deed("hold", 1, 2), Deed("book", 1, slot, is_long)]
    elif dice.random() < 0.3:
        parts[1:] = [[Deed("book", 1, slot, is_long), Deed("cancel", 1, slot)]]
    return before, parts


def _one_person(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    place = dice.randrange(2)
    kinds = [dice.choice(("book", "book", "hold", "overbook")) for _ in range(2)]
    parts = [[Deed(kind, 0, slot)] for kind, slot in zip(kinds, (place, place + 3), strict=True)]
    return [], parts


def _spans(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    others = [
        Deed("book", 1, 1, is_long=True),
        Deed("book", 1, dice.randrange(2)),
        Deed("hold", 1, 1),
        Deed("hold", 1, dice.randrange(2), is_long=True),
        Deed("overbook", 1, 1),
        Deed("book", 2, 2),
    ]
    first = Deed(dice.choice(("book", "book", "hold")), 0, 0, is_long=True)
    return [], [[first], *([one] for one in dice.sample(others, 2))]


def _orders(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    """Three who want the same two slots: another order of locks would be stuck."""
    slot = dice.randrange(2)
    leaves = Deed("dismiss", 2, slot) if dice.random() < 0.2 else Deed("move", 2, 1 - slot)
    return [Deed("book", 2, slot)], [
        [Deed("book", 0, 0, is_long=True)],
        [Deed("book", 1, 0, is_long=True)],
        [leaves],
    ]


def _many_holds(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slots = dice.sample((0, 1, 2), 3)
    before = [Deed("hold", 0, slot) for slot in slots[:2]]
    # The other doctor's are at the same times, which a hold may be.
    return before, [[Deed("hold", 0, slots[2])], [Deed("hold", 0, 3)], [Deed("hold", 0, 4)]]


def _desk(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    desk = [Deed(what, slot=slot) for what in dice.choice((("close", "reopen"), ("delete",)))]
    before = [Deed("hold", 0, slot)] if dice.random() < 0.3 else []
    others = [Deed("book", 0, slot), Deed("hold", 1, slot), Deed("book", 1, slot),
              Deed("time off", slot=slot), Deed("hours", slot=slot, how="before")]  # fmt: skip
    return before, [desk, *([one] for one in dice.sample(others, 2))]


def _background(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    slot = dice.randrange(3)
    before = [Deed("hold", 0, slot), Deed("wait", how=dice.choice(("5", "65", "75")))]
    others = [Deed("book", 1, slot), Deed("hold", 1, slot), Deed("extend", 0, slot),
              Deed("hold", 0, slot), Deed("release", 0, slot)]  # fmt: skip
    return before, [[Deed("tidy")], *([one] for one in dice.sample(others, 2))]


def _anything(dice: random.Random) -> Deed:
    what = dice.choice(("book", "hold", "cancel", "move", "overbook", "time off", "plan", "tidy"))
    return Deed(what, dice.randrange(3), dice.randrange(5))


THEMES: Sequence[Theme] = (
    _rivals,
    _twins,
    _swap,
    _moves,
    _expiry,
    _absence,
    _hours,
    _heirs,
    _removals,
    _services,
    _one_person,
    _spans,
    _orders,
    _many_holds,
    _desk,
    _background,
)
