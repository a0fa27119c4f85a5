"""What the model knows of the clinic at one moment, and what anybody can ask for then."""

from collections.abc import Iterator
from typing import NamedTuple

PATIENTS = (0, 1)
SLOTS = (0, 1)
SPANS = ((0,), (1,), (0, 1))
"""What can be held or booked: either slot, or both by the long service."""
OFF = 1
"""The slot in which the doctor may take time off."""
HELD_FOR = 2
"""So many moments a hold lasts."""
DEBTOR, MOST_BESIDE_A_DEBT = 0, 0
"""One patient books what is paid for first, and one other thing may be beside it; else there were
hundreds of thousands of edges, and nothing new in them."""
PAID_WITHIN = 1
"""So many moments there are to pay."""
LAST = 3
"""The last moment; the clock then stands."""
NOTICE = {0: 2, 1: LAST}
"""The last moment at which a patient may give up what begins in a slot."""
MOST_VISITS = 3
"""Nobody overbooks where there are so many: else there were states without end."""

Span = tuple[int, ...]


class Visit(NamedTuple):
    """An appointment; where it `shares`, it was overbooked: others still have some of it."""

    patient: int
    slots: Span
    shares: bool = False


class Hold(NamedTuple):
    """Slots kept for a patient until a moment, which does not belong to it."""

    patient: int
    slots: Span
    until: int


class Debt(NamedTuple):
    """An appointment that is to be paid first. None to `pay_by`: it was let go, which money undoes.

    `is_kept`: a hold keeps its slots still.
    """

    patient: int
    slots: Span
    pay_by: int | None
    is_kept: bool = True


class State(NamedTuple):
    """All that is so at one moment. `owners` are the patients whose visits the slots belong to."""

    now: int = 0
    visits: frozenset[Visit] = frozenset()
    owners: tuple[int | None, ...] = (None, None)
    holds: frozenset[Hold] = frozenset()
    is_off: bool = False
    debt: Debt | None = None


class Ask(NamedTuple):
    """What somebody asks for: `where` are the slots that they mean, `to` the one to move to."""

    what: str
    patient: int | None = None
    where: Span = ()
    to: int | None = None

    def __str__(self) -> str:
        """In a few words."""
        who = "" if self.patient is None else f" patient {self.patient}"
        to = "" if self.to is None else f" to {self.to}"
        return f"{self.what}{who} {','.join(map(str, self.where))}{to}".strip()


def meet(one: Span, other: Span) -> bool:
    """Say whether they have a slot in common."""
    return not set(one).isdisjoint(other)


def asks(state: State) -> Iterator[Ask]:
    """Everything that anybody can ask for in this state."""
    if state.now < LAST:
        yield Ask("wait")
    beside = len(state.visits) + len(state.holds)
    for patient in PATIENTS if state.debt is None or beside <= MOST_BESIDE_A_DEBT else ():
        for span in SPANS:
            yield Ask("hold", patient, span)
            yield Ask("book", patient, span)
            if len(state.visits) < MOST_VISITS:
                yield Ask("overbook", patient, span)
    yield from _asks_about_money(state, beside)
    for hold in sorted(state.holds):
        yield Ask("release", hold.patient, hold.slots)
    for visit in sorted(state.visits):
        yield Ask("cancel", visit.patient, visit.slots)
        yield Ask("dismiss", visit.patient, visit.slots)
        for slot in SLOTS:
            yield Ask("move", visit.patient, visit.slots, slot)
    if state.is_off:
        yield Ask("end time off")
    else:
        yield from (Ask("time off"), Ask("time off, keep"), Ask("time off, cancel"))


def _asks_about_money(state: State, beside: int) -> Iterator[Ask]:
    if (debt := state.debt) is None:
        if beside <= MOST_BESIDE_A_DEBT:
            yield from (Ask("owe", DEBTOR, (slot,)) for slot in SLOTS)
        return
    yield Ask("pay", debt.patient, debt.slots)
    if debt.pay_by is not None:
        yield Ask("give up", debt.patient, debt.slots)
        yield Ask("let go")
