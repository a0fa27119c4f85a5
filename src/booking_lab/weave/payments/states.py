"""What the model of money knows at one moment, and what anybody can ask for then."""

from collections.abc import Iterator
from typing import NamedTuple

MOMENTS = (0, 3, 6, 13)
"""The clock, in minutes: the payer has time, has none any more, time to pay is over, for long."""
FIRST = {"paid first": 4000, "with a deposit": 1000, "paid later": 0}
"""What confirms each kind; what is paid later is confirmed as it is."""
PRICE, PART = 4000, 500
PAID_WITHIN, GRACE, KEPT_FOR_CAPTURE = 5, 3, 4
LATE_AFTER, TOO_LATE_AFTER, LATE_FEE = 4, 10, 2000
MOST_TRIES, MOST_BACKS = 2, 2
"""More bring nothing new, and states by the million; so does what befalls the second of two."""
CARD, ORDER = "card", "order"
LIVE = frozenset({"creating", "open", "closing", "processing"})
TAKES_PLACE = frozenset({"pending_payment", "confirmed"})


class Back(NamedTuple):
    """A refund. `is_there`: the provider made it; `is_open`: it failed, and people have to see."""

    amount: int
    reason: str
    state: str = "asked"
    is_there: bool = False
    is_open: bool = False


class Try(NamedTuple):
    """A payment at a provider, where it stands at the `stage`, "" where it has nothing of it.

    `window`: the minute at which the payer's time is over, None where that is later than the last
    moment. `is_known`: its reference came back. `has_come`: its money is in the ledger.
    """

    way: str
    amount: int
    window: int | None
    state: str = "creating"
    stage: str = ""
    is_known: bool = False
    has_come: bool = False
    backs: tuple[Back, ...] = ()


class Desk(NamedTuple):
    """What the desk took, and gave back of it."""

    amount: int
    back: int = 0


class State(NamedTuple):
    """One appointment and its money.

    `kept_until`: it has expired, and a capture keeps its time. `fee`: what it costs that it was
    cancelled. `last`: which of two payments got its money last, where both did.
    """

    now: int = 0
    kind: str = ""
    status: str = ""
    pay_by: int | None = None
    kept_until: int | None = None
    has_rival: bool = False
    fee: int = 0
    tries: tuple[Try, ...] = ()
    desk: tuple[Desk, ...] = ()
    last: int = 0
    by_hand: int = 0
    shown: str = ""

    def with_try(self, place: int, one: Try) -> "State":
        """Return it with another try at a place; refunds have no order."""
        sorted_one = one._replace(backs=tuple(sorted(one.backs)))
        return self._replace(tries=(*self.tries[:place], sorted_one, *self.tries[place + 1 :]))


class Ask(NamedTuple):
    """What is done: to which try, to which of its refunds, and how it goes."""

    what: str
    place: int = 0
    how: str = ""
    back: int = 0


def asks(state: State) -> Iterator[Ask]:
    """All that anybody can do in this state."""
    if not state.kind:
        yield from (Ask("book", how=kind) for kind in FIRST)
        return
    yield from _of_visit(state)
    is_plain = not state.desk and not state.has_rival and not any(t.backs for t in state.tries)
    may_have_more = state.status in TAKES_PLACE and is_plain
    if not state.tries or (len(state.tries) < MOST_TRIES and may_have_more):
        yield from (Ask("start", how=way) for way in (CARD, ORDER))
    for place, one in enumerate(state.tries):
        yield from _of_try(state, place, one)
    if state.tries or state.desk:
        yield Ask("settle")
    is_small = len(state.tries) < MOST_TRIES
    if is_plain and is_small and (not state.tries or state.kind == "with a deposit"):
        yield from (Ask("desk takes", how=how) for how in ("all", "part"))
    elif state.desk and not state.desk[0].back:
        yield Ask("desk gives back")


def _of_visit(state: State) -> Iterator[Ask]:
    if state.now < MOMENTS[-1] and state.status != "cancelled":
        yield Ask("wait")
    is_small = len(state.tries) < MOST_TRIES and not state.desk
    if not state.has_rival and state.status in {"pending_payment", "expired"} and is_small:
        yield Ask("rival")
    if state.status in TAKES_PLACE and state.now != MOMENTS[1]:
        yield Ask("cancel")
    if state.status in TAKES_PLACE and state.now in {MOMENTS[0], MOMENTS[2]}:
        yield Ask("dismiss")
    if state.status == "pending_payment":
        yield Ask("sweep")


def _of_try(state: State, place: int, one: Try) -> Iterator[Ask]:
    hows = {"creating": ("create", ("", "lost", "unheard")),
            "processing": ("capture", ("", "lost", "unheard", "declined"))}  # fmt: skip
    what, several = hows.get(one.state, ("", ()))
    yield from (Ask(what, place, how) for how in several[: 1 if place else None])
    if one.is_known and one.stage in ({"open", "ended"} if one.way == CARD else {"open"}):
        yield Ask("pays", place)
    is_untold = one.stage == "paid" and not one.has_come
    if one.state in LIVE or is_untold:
        yield Ask("poll", place)
    if one.state == "closing":
        yield Ask("end", place)
    if one.state in LIVE or state.status == "pending_payment":
        yield Ask("expire", place)
    is_alone = len(state.tries) == 1 and not state.desk
    if one.has_come and is_alone and len(one.backs) < MOST_BACKS:
        yield Ask("gives back", place)
    for number, back in enumerate(one.backs):
        if back.state == "asked":
            ends = ("", "unheard", "refused") if is_alone else ("",)
            yield from (Ask("refund", place, how, number) for how in ends)
