"""Plans that are made for one coincidence each: who is slow, and what happens meanwhile."""

import random
from collections.abc import Sequence

from booking_lab.weave.deeds import Deed
from booking_lab.weave.payments.account_books import CARD, ORDER
from booking_lab.weave.payments.phrases import (
    FOLLOWER,
    FOLLOWING,
    HOOKS,
    LONG_OVER,
    MONEY,
    OVER,
    RECONCILE,
    RELAY,
    SWEEP,
    Parts,
    kind_of,
    paid,
    way_of,
)
from booking_lab.weave.plans import Theme

SLOW_TO_READ = MONEY._replace(slow="HEAR read")
LEASE_IS_OVER = Deed("wait", how="2")
THERE = Deed("refunds there", how="500")


def _same_refund(dice: random.Random) -> tuple[list[Deed], Parts]:
    """A refund is about to be asked for when another worker looks for it, and asks as well."""
    slot, way = dice.randrange(3), way_of(dice)
    how = dice.choice(("", "500"))
    before = [*paid(slot, kind_of(dice), way), Deed("gives back", 0, slot, how=how)]
    return before, [[MONEY._replace(slow="ASK refund")], [LEASE_IS_OVER, MONEY, MONEY]]


def _same_look(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Two workers look at one payment, the second when the claim of the first is over."""
    slot = dice.randrange(3)
    if dice.random() < 0.5:
        start, pays = (Deed(what, 0, slot, how=CARD.provider) for what in ("start", "pays"))
        before = [Deed("book", 0, slot, how=kind_of(dice)), start, pays, HOOKS]
    else:
        before = [*paid(slot, kind_of(dice), CARD.provider), THERE._replace(slot=slot), HOOKS]
    return before, [[SLOW_TO_READ], [LEASE_IS_OVER, SLOW_TO_READ]]


def _new_look(dice: random.Random) -> tuple[list[Deed], Parts]:
    """A look is planned anew while its answer is on its way."""
    slot = dice.randrange(3)
    there = THERE._replace(slot=slot)
    before = [*paid(slot, kind_of(dice), CARD.provider), there, HOOKS]
    return before, [[SLOW_TO_READ, MONEY], [there, HOOKS, MONEY]]


def _last_look(dice: random.Random) -> tuple[list[Deed], Parts]:
    """A capture was decided when its appointment is cancelled, and nobody has followed yet."""
    slot, way = dice.randrange(3), ORDER.provider
    before = [
        Deed("book", 0, slot, how=kind_of(dice)),
        Deed("start", 0, slot, how=way),
        Deed("pays", 0, slot, how=way),
        HOOKS,
        MONEY,
    ]
    end = Deed(dice.choice(("cancel", "dismiss")), 0, slot)
    if dice.random() < 0.5:
        return [*before, end], [[MONEY], [MONEY, *FOLLOWING]]
    return before, [[end], [MONEY, MONEY]]


def _more_time(dice: random.Random) -> tuple[list[Deed], Parts]:
    """The end of an appointment is due while its time is kept for a capture."""
    slot, way = dice.randrange(3), ORDER.provider
    before = [
        Deed("book", 0, slot, how="paid first"),
        Deed("start", 0, slot, how=way),
        Deed("pays", 0, slot, how=way),
        Deed("wait", how="4"),
        HOOKS,
        MONEY,
    ]
    return before, [[MONEY._replace(slow="ASK capture")], [Deed("wait", how="1"), MONEY]]


def _on_its_way(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Money is on its way back for a while, and its appointment is looked at again."""
    slot = dice.randrange(3)
    before = [Deed("mood", how="slow refunds"), *paid(slot, kind_of(dice), way_of(dice))]
    end = Deed(dice.choice(("cancel", "dismiss")), 0, slot)
    return before, [[end, *FOLLOWING, MONEY], [RECONCILE, RECONCILE]]


def _numbers(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Two clerks take money of two appointments, and the first is slow to commit."""
    one, other = dice.sample(range(3), 2)
    before = [Deed("book", who, slot, how="paid later") for who, slot in ((0, one), (1, other))]
    slow = Deed("desk takes", 0, one, slow="COMMIT")
    return before, [[slow], [Deed("desk takes", 1, other, how=dice.choice(("", "500")))]]


def _cash_of_what_expires(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Nobody began to pay, and the desk has a part."""
    slot = dice.randrange(3)
    before = [
        Deed("book", 0, slot, how="with a deposit"),
        Deed("desk takes", 0, slot, how="500"),
        Deed("wait", how=LONG_OVER),
    ]
    others = ([Deed("book", 1, slot)], [Deed("desk takes", 0, slot)], [RELAY, FOLLOWER])
    return before, [[SWEEP, *FOLLOWING], dice.choice(others)]


def _while_it_is_captured(dice: random.Random) -> tuple[list[Deed], Parts]:
    """The provider takes its time for a capture; meanwhile the appointment's end comes."""
    slot, way = dice.randrange(3), ORDER.provider
    before = [
        Deed("book", 0, slot, how="paid first"),
        Deed("start", 0, slot, how=way),
        Deed("pays", 0, slot, how=way),
        HOOKS,
        MONEY,
    ]
    others = (
        [Deed(dice.choice(("cancel", "dismiss")), 0, slot)],
        [Deed("wait", how=LONG_OVER), SWEEP],
        [Deed("wait", how=OVER), Deed("book", 1, slot)],
    )
    return before, [[MONEY._replace(slow="HEAR capture")], dice.choice(others)]


def _while_it_is_ended(dice: random.Random) -> tuple[list[Deed], Parts]:
    """A payer pays on a page that is being ended."""
    slot, way = dice.randrange(3), way_of(dice)
    before = [
        Deed("book", 0, slot, how=kind_of(dice)),
        Deed("start", 0, slot, how=way),
        Deed("cancel", 0, slot),
        *FOLLOWING,
    ]
    pays = Deed("pays" if way == ORDER.provider else "pays anyway", 0, slot, how=way)
    return before, [[MONEY._replace(slow="HEAR end"), MONEY], [pays, HOOKS]]


def _while_somebody_asks(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Time to pay runs out while a payer begins, or somebody else asks for the slot."""
    slot = dice.randrange(3)
    start = Deed("start", 0, slot, how=way_of(dice))
    before = [Deed("book", 0, slot, how="paid first")]
    clock = [Deed("wait", how=dice.choice((OVER, LONG_OVER)))]
    if dice.random() < 0.5:
        return before, [[start._replace(slow="HEAR create")], clock, [SWEEP]]
    before.append(start)
    return before, [[Deed("book", 1, slot, slow="ATTEMPT_OWN")], clock, [MONEY]]


def _sweeps(dice: random.Random) -> tuple[list[Deed], Parts]:
    """The sweep and a worker end one appointment."""
    slot = dice.randrange(3)
    before = [
        Deed("book", 0, slot, how="paid first"),
        Deed("start", 0, slot, how=way_of(dice)),
        Deed("wait", how=LONG_OVER),
    ]
    if dice.random() < 0.5:
        return before, [[SWEEP._replace(slow="END_HOLDS")], [MONEY]]
    return before, [[MONEY._replace(slow="LOCK_ATTEMPTS")], [SWEEP]]


def _one_more_refund(dice: random.Random) -> tuple[list[Deed], Parts]:
    """Money is given back while more of it is on its way."""
    slot, way = dice.randrange(3), way_of(dice)
    before = [*paid(slot, kind_of(dice), way), Deed("gives back", 0, slot, how="500")]
    more = Deed("gives back", 0, slot, how=dice.choice(("", "500")))
    return before, [[MONEY._replace(slow="HEAR refund")], [more, MONEY]]


MEETINGS: Sequence[Theme] = (
    _same_refund,
    _same_look,
    _new_look,
    _last_look,
    _more_time,
    _on_its_way,
    _numbers,
    _cash_of_what_expires,
    _while_it_is_captured,
    _while_it_is_ended,
    _while_somebody_asks,
    _sweeps,
    _one_more_refund,
)
