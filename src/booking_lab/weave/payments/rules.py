"""The rules of payments, each a sentence, and what follows wherever money changed."""

from collections.abc import Iterator

from booking_lab.weave.payments.states import (
    CARD,
    FIRST,
    GRACE,
    KEPT_FOR_CAPTURE,
    LATE_AFTER,
    LATE_FEE,
    LIVE,
    PRICE,
    TAKES_PLACE,
    Back,
    State,
    Try,
)


class Rules:
    """What is so; each rule is a method, so that a test can break one and see it found."""

    def is_waiting(self, state: State) -> bool:
        """There is time to pay until the moment that is named."""
        return state.pay_by is not None and state.now < state.pay_by

    def may_begin(self, state: State) -> bool:
        """The payer's time ends a while before, so that the provider can be asked."""
        return state.pay_by is None or state.now < state.pay_by - GRACE

    def has_time(self, state: State) -> bool:
        """Money confirms what has its time still, or can have it again."""
        return self.is_waiting(state) or not state.has_rival

    def most_kept(self, state: State) -> int:
        """What takes place keeps its price; a patient's late cancellation costs a share."""
        if state.status in TAKES_PLACE:
            return PRICE
        return state.fee

    def fee_of(self, state: State) -> int:
        """So much costs a patient's cancellation, in time nothing."""
        return LATE_FEE if state.now > LATE_AFTER else 0

    def asked_for(self, state: State) -> int:
        """What confirms it is paid first, then the rest."""
        due = FIRST[state.kind] if state.status == "pending_payment" else PRICE
        return max(0, due - net(state))

    def is_confirmed_by(self, state: State, amount: int) -> bool:
        """What waits for money, or ran out of time, is confirmed by the whole of it."""
        return state.status in {"pending_payment", "expired"} and amount >= FIRST[state.kind]

    def counts(self, before: State, state: State) -> int:
        """Money confirms as it came; what goes back, or should have, confirms nothing."""
        return net(before) + came(state) - came(before) - under_way(before) - stuck(before)

    def is_wanted(self, state: State, one: Try) -> bool:
        """Money is captured only for what asks for so much, or is confirmed by it."""
        if state.status in TAKES_PLACE:
            return one.amount <= self.asked_for(state)
        return self.is_confirmed_by(state, net(state) + one.amount)

    def kept(self, state: State) -> State | None:
        """Its time is kept while money is captured; None: somebody else has it."""
        until = state.now + KEPT_FOR_CAPTURE
        if state.status == "confirmed":
            return state
        if state.pay_by is not None and (self.is_waiting(state) or not state.has_rival):
            return state._replace(pay_by=max(state.pay_by, until))
        if state.status == "expired" and not state.has_rival:
            return state._replace(kept_until=until)
        return None

    def planned(self, state: State, wanted: int) -> Iterator[tuple[int, int]]:
        """What goes back is taken of the last charge first; the desk's is for people."""
        places = [place for place, one in enumerate(state.tries) if one.has_come]
        for place in sorted(places, key=lambda place: place != state.last):
            amount = min(wanted, left_of(state.tries[place]))
            if amount > 0:
                yield place, amount
                wanted -= amount

    def is_unwanted(self, state: State, one: Try) -> bool:
        """Nobody shall pay any more what is not asked for."""
        if one.state not in {"creating", "open"}:
            return False
        return state.status not in TAKES_PLACE or one.amount != self.asked_for(state)

    def shown(self, state: State) -> str:
        """The status of money, by what came and went."""
        if came(state) == 0:
            return "unpaid"
        if state.status in TAKES_PLACE:
            if net(state) >= PRICE:
                return "paid"
            return "partially_paid" if net(state) > 0 else "refunded"
        if net(state) <= 0:
            return "refunded"
        return "partially_refunded" if net(state) < came(state) else "paid"

    # What follows wherever money or the appointment changed.

    def closed(self, before: State, state: State) -> State:
        """Confirm, give back, end what is wanted no more."""
        is_new = came(state) > came(before)
        left = self.counts(before, state)
        if left > 0 and self.is_confirmed_by(state, left):
            is_late = state.status == "expired"
            if is_late and not is_new:
                pass
            elif self.has_time(state):
                state = state._replace(status="confirmed", pay_by=None, kept_until=None)
            elif not is_late:
                state = state._replace(status="expired", pay_by=None)
        state = self.settled(state)
        return state._replace(shown=self.shown(state))

    def settled(self, state: State) -> State:
        """What is more than it may keep goes back, or waits for people."""
        rest = max(0, net(state) - self.most_kept(state)) - under_way(state) - stuck(state)
        reasons = {"expired": "late_money", "cancelled": "cancelled"}
        reason = reasons.get(state.status, "surplus")
        for place, amount in list(self.planned(state, rest)):
            one = state.tries[place]
            state = state.with_try(place, one._replace(backs=(*one.backs, Back(amount, reason))))
            rest -= amount
        for place, one in enumerate(state.tries):
            if self.is_unwanted(state, one):
                state = state.with_try(place, one._replace(state="closing"))
        return state._replace(by_hand=max(0, rest))

    def caused(self, state: State, place: int, becomes: str) -> State:
        """Let a try become something; what follows, follows only where that is new."""
        one = state.tries[place]
        if one.state == becomes:
            return state
        return self.closed(state, state.with_try(place, one._replace(state=becomes)))

    def seen(self, state: State, place: int) -> State:
        """Take in what the provider has of a try."""
        before, one = state, state.tries[place]
        if not one.stage:
            if one.way == CARD:
                return state
            one = one._replace(stage="open")
        becomes = "open" if one.state == "creating" else one.state
        if one.stage == "paid":
            becomes = "succeeded"
        elif one.stage == "ended" and one.state in LIVE:
            becomes = "cancelled"
        backs = tuple(
            back._replace(state="settled") if back.is_there else back for back in one.backs
        )
        one = one._replace(is_known=True, state=becomes, has_come=one.stage == "paid", backs=backs)
        if one.stage == "approved" and one.state in {"open", "closing"}:
            kept = self.kept(state) if self.is_wanted(state, one) else None
            state = state if kept is None else kept
            one = one._replace(state="cancelled" if kept is None else "processing")
        return self.closed(before, state.with_try(place, one))


def paid(state: State, place: int) -> State:
    """Return it with the money of a try at its provider."""
    is_second = any(one.stage == "paid" for one in state.tries)
    state = state.with_try(place, state.tries[place]._replace(stage="paid"))
    return state._replace(last=place) if is_second else state


def is_over(state: State, one: Try) -> bool:
    """Say whether the payer's time is over."""
    return one.window is not None and state.now >= one.window


def came(state: State) -> int:
    """Return all that ever came into the ledger."""
    return sum(one.amount for one in state.tries if one.has_come) + sum(
        one.amount for one in state.desk
    )


def net(state: State) -> int:
    """Return what the appointment has of its patient's money."""
    back = sum(one.amount for one in _backs(state) if one.state == "settled")
    return came(state) - back - sum(one.back for one in state.desk)


def under_way(state: State) -> int:
    """Return what is on its way back."""
    return sum(one.amount for one in _backs(state) if one.state == "asked")


def stuck(state: State) -> int:
    """Return what did not go back and waits for people."""
    return sum(one.amount for one in _backs(state) if one.is_open)


def left_of(one: Try) -> int:
    """Return how much of a charge could go back still."""
    return one.amount - sum(back.amount for back in one.backs if back.state != "failed")


def _backs(state: State) -> Iterator[Back]:
    return (back for one in state.tries for back in one.backs)
