"""A seed's plan of rooms: who lets in and writes while appointments are cancelled and moved."""

import random
from collections.abc import Sequence

from booking_lab.weave.deeds import Deed, Plan
from booking_lab.weave.plans import Theme, named

OPEN, IN, BACK = Deed("open rooms"), Deed("let in"), Deed("put back")
FOLLOW, END = Deed("follow"), Deed("end room")
KEY = "m"


def planned(seed: int) -> Plan:
    """Return the plan of a seed."""
    dice = random.Random(f"rooms of {seed}")  # noqa: S311  (the same seed plans the same)
    before, parts = dice.choice(THEMES)(dice)
    if dice.random() < 0.3:
        parts = [*parts, [dice.choice((FOLLOW, IN, BACK, Deed("say", key=KEY)))]]
    return Plan((OPEN, Deed("book", 0, 0), *before), named(parts), about="rooms")


def _change(dice: random.Random) -> list[Deed]:
    """What may become of the appointment; slot 3 is the other doctor's."""
    move, away = Deed("move", 0, dice.choice((1, 2))), Deed("move", 0, 3)
    gone = Deed("no show")
    return dice.choice(
        (
            [Deed("cancel")],
            [Deed("dismiss")],
            [move],
            [away],
            [move, Deed("move", 0, 0)],
            [move, Deed("cancel")],
            [gone],
            [gone, Deed("undo")],
        )
    )


def _let_in(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    return [], [[IN, *([BACK] if dice.random() < 0.3 else [])], _change(dice)]


def _was_in(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    return [IN], [[dice.choice((BACK, IN, END)), IN], _change(dice), [FOLLOW] * dice.choice((1, 2))]


def _two_pages(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    before = [IN] if dice.random() < 0.4 else []
    return before, [[IN], [dice.choice((IN, BACK, END))], _change(dice)]


def _followers(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    before = [IN, *_change(dice)[:1]] if dice.random() < 0.6 else [IN]
    return before, [[FOLLOW], [FOLLOW], dice.choice(([IN], _change(dice)))]


def _messages(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    say = Deed("say", key=KEY)
    return [], [[say], [say], dice.choice((_change(dice), [IN], [FOLLOW]))]


def _other_doctor(dice: random.Random) -> tuple[list[Deed], list[list[Deed]]]:
    others = Deed("let in", slot=3)
    return [IN], [[Deed("move", 0, 3)], [others, others], [dice.choice((IN, FOLLOW, BACK))]]


THEMES: Sequence[Theme] = (
    _let_in,
    _let_in,
    _was_in,
    _two_pages,
    _followers,
    _messages,
    _other_doctor,
)
