"""Deeds that plans of payments are made of, and choices between them."""

import random

from booking_lab.weave.deeds import PAID_FOR, Deed
from booking_lab.weave.payments.account_books import CARD, ORDER

RELAY, FOLLOWER, MONEY, HOOKS = Deed("relay"), Deed("follower"), Deed("money"), Deed("hooks")
SWEEP, RECONCILE = Deed("sweep"), Deed("reconcile")
FOLLOWING = [RELAY, FOLLOWER, MONEY]
WAYS = (CARD.provider, ORDER.provider)
WINDOW, OVER, LONG_OVER = "3", "6", "12"
"""So many minutes behind a booking the payer's time is over, all time is, and nobody is asked."""
BEGUN = "1230"
"""So many minutes behind the beginning the first appointment of the morning has begun."""
Parts = list[list[Deed]]


def kind_of(dice: random.Random) -> str:
    """Choose how it is booked."""
    return dice.choice((*PAID_FOR, "paid first", "paid first"))


def way_of(dice: random.Random) -> str:
    """Choose where it is paid."""
    return dice.choice((*WAYS, CARD.provider))


def hooks_of(dice: random.Random) -> Deed:
    """Choose in which order providers tell."""
    return Deed("hooks", how=dice.choice(("", "", "backwards", "twice")))


def waits_of(dice: random.Random, *minutes: str) -> Parts:
    """Let time pass, or not."""
    return [[Deed("wait", how=dice.choice(minutes))]] if dice.random() < 0.6 else []


def paid(slot: int, how: str, way: str) -> list[Deed]:
    """Booked, and paid for in peace."""
    capture = [HOOKS, MONEY] if way == ORDER.provider else []
    return [
        Deed("book", 0, slot, how=how),
        Deed("start", 0, slot, how=way),
        Deed("pays", 0, slot, how=way),
        HOOKS,
        MONEY,
        *capture,
    ]
