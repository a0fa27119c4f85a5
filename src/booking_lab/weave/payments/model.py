"""What payments promise, in plain Python: small enough to be explored whole.

One appointment, whose whole price or a deposit confirms it, or nothing; up to two payments, by a
card or by an order that we capture; refunds, the desk, somebody else who wants the slot, and a
clock. It knows nothing of rows, locks, keys or queues: any piece of work may be done at any time,
and its answer may be lost. `replay.py` asks the same of the program.
"""

from booking_lab.weave.payments.rules import Rules, is_over, left_of, net, paid
from booking_lab.weave.payments.states import (
    CARD,
    FIRST,
    GRACE,
    LIVE,
    MOMENTS,
    ORDER,
    PAID_WITHIN,
    PART,
    PRICE,
    TAKES_PLACE,
    TOO_LATE_AFTER,
    Ask,
    Back,
    Desk,
    State,
    Try,
)
from booking_lab.weave.walking import OK

Answer = tuple[str, State]


class Model(Rules):
    """What is done, by the rules."""

    def answer(self, state: State, ask: Ask) -> Answer:
        """Return the code that they are told, and what is so afterwards."""
        asked = getattr(self, f"_{ask.what.replace(' ', '_')}")
        code, after = asked(state, ask)
        kept = after.kept_until
        if kept is not None and kept <= after.now:
            after = after._replace(kept_until=None)
        return code, after

    def _book(self, state: State, ask: Ask) -> Answer:
        booked = state._replace(kind=ask.how, status="confirmed", shown="unpaid")
        if not FIRST[ask.how]:
            return OK, booked
        return OK, booked._replace(status="pending_payment", pay_by=PAID_WITHIN)

    def _wait(self, state: State, _: Ask) -> Answer:
        return OK, state._replace(now=MOMENTS[MOMENTS.index(state.now) + 1])

    def _rival(self, state: State, _: Ask) -> Answer:
        if self.is_waiting(state) or state.kept_until is not None:
            return "slot_held", state
        return OK, state._replace(has_rival=True)

    def _cancel(self, state: State, _: Ask) -> Answer:
        if state.status == "confirmed" and state.now > TOO_LATE_AFTER:
            return "cancel_too_late", state
        return OK, self.cancelled(state, self.fee_of(state))

    def _dismiss(self, state: State, _: Ask) -> Answer:
        return OK, self.cancelled(state, 0)

    def cancelled(self, state: State, fee: int) -> State:
        """Its money follows when payments hear of it."""
        return state._replace(status="cancelled", pay_by=None, fee=fee)

    def _sweep(self, state: State, _: Ask) -> Answer:
        """Providers were to be asked first, so it is late."""
        if state.pay_by is None or state.now < state.pay_by + PAID_WITHIN:
            return OK, state
        return OK, state._replace(status="expired", pay_by=None)

    def _settle(self, state: State, _: Ask) -> Answer:
        return OK, self.closed(state, state)

    def _start(self, state: State, ask: Ask) -> Answer:
        if state.status not in TAKES_PLACE or not self.may_begin(state):
            return "booking_not_active", state
        amount, before = self.asked_for(state), state
        if amount == 0:
            return "payment_already_made", state
        for place, one in enumerate(state.tries):
            if one.state not in LIVE:
                continue
            is_same = (one.way, one.amount) == (ask.how, amount)
            if is_same and one.state != "closing":
                return OK, state
            if one.state != "processing":
                is_ours = one.way == ORDER and one.is_known
                ended = one._replace(state="cancelled" if is_ours else "closing")
                state = state.with_try(place, ended)
            if state.tries[place].state in LIVE:
                return "payment_in_progress", self.closed(before, state)
        state = self.closed(before, state)
        window = None if state.pay_by is None else state.pay_by - GRACE
        if window is not None and window > MOMENTS[-1]:
            window = None
        return OK, state._replace(tries=(*state.tries, Try(ask.how, amount, window)))

    def _create(self, state: State, ask: Ask) -> Answer:
        """It is looked for before it is made."""
        one = state.tries[ask.place]
        made = state.with_try(ask.place, one._replace(stage=one.stage or "open"))
        if not ask.how or (one.way == CARD and one.stage):
            return OK, self.seen(made, ask.place)
        return OK, state if ask.how == "lost" else made

    def _pays(self, state: State, ask: Ask) -> Answer:
        one = state.tries[ask.place]
        if one.way == ORDER:
            return OK, state.with_try(ask.place, one._replace(stage="approved"))
        return OK, paid(state, ask.place)

    def _poll(self, state: State, ask: Ask) -> Answer:
        state = self.seen(state, ask.place)
        one = state.tries[ask.place]
        if one.state in {"creating", "open"} and is_over(state, one):
            state = self.caused(state, ask.place, "closing")
        return OK, state

    def _end(self, state: State, ask: Ask) -> Answer:
        place = ask.place
        if not state.tries[place].is_known:
            state = self.seen(state, place)
            one = state.tries[place]
            if not one.is_known:
                return OK, self.caused(state, place, "cancelled")
            if one.state in {"succeeded", "processing"}:
                return OK, state
        one = state.tries[place]
        if one.way == CARD and one.stage == "open":
            state = state.with_try(place, one._replace(stage="ended"))
        state = self.seen(state, place)
        is_left = state.tries[place].state == "closing"
        if is_left and one.way == ORDER and state.status not in TAKES_PLACE:
            state = self.caused(state, place, "cancelled")
        return OK, state

    def _capture(self, state: State, ask: Ask) -> Answer:
        place = ask.place
        state = self.seen(state, place)
        one = state.tries[place]
        if one.state != "processing" or one.stage != "approved":
            return OK, state
        kept = self.kept(state) if self.is_wanted(state, one) else None
        if kept is None:
            return OK, self.caused(state, place, "cancelled")
        if ask.how == "lost":
            return OK, kept
        if ask.how == "declined":
            declined = kept.with_try(place, one._replace(stage="open"))
            becomes = "closing" if is_over(state, one) else "open"
            return OK, self.caused(declined, place, becomes)
        taken = paid(kept, place)
        return OK, taken if ask.how == "unheard" else self.seen(taken, place)

    def _expire(self, state: State, ask: Ask) -> Answer:
        """The provider is asked first."""
        if state.tries[ask.place].state in LIVE:
            state = self.seen(state, ask.place)
        if state.pay_by is None or self.is_waiting(state):
            return OK, state
        return OK, self.closed(state, state._replace(status="expired", pay_by=None))

    def _refund(self, state: State, ask: Ask) -> Answer:
        """It is looked for before it is made."""
        before = self.seen(state, ask.place)
        one = before.tries[ask.place]
        if state.tries[ask.place].backs[ask.back].is_there:
            return OK, before
        old = state.tries[ask.place].backs[ask.back]
        others = list(one.backs)
        others.remove(old)
        about: dict[str, dict[str, object]] = {
            "": {"state": "settled", "is_there": True},
            "unheard": {"is_there": True},
            "refused": {"state": "failed", "is_open": True},
        }
        new = old._replace(**about[ask.how])  # type: ignore[arg-type]
        after = before.with_try(ask.place, one._replace(backs=(*others, new)))
        return OK, after if ask.how == "unheard" else self.closed(before, after)

    def _gives_back(self, state: State, ask: Ask) -> Answer:
        """All that is left of it; what failed before is seen to by this."""
        one = state.tries[ask.place]
        if left_of(one) <= 0:
            return "refund_exceeds_payment", state
        seen_to = [back._replace(is_open=False) for back in one.backs]
        backs = (*seen_to, Back(left_of(one), "staff"))
        return OK, self.closed(state, state.with_try(ask.place, one._replace(backs=backs)))

    def _desk_takes(self, state: State, ask: Ask) -> Answer:
        rest = PRICE - net(state)
        if state.status not in TAKES_PLACE:
            return "booking_not_active", state
        if rest <= 0:
            return "payment_already_made", state
        desk = (Desk(rest if ask.how == "all" else PART),)
        return OK, self.closed(state, state._replace(desk=desk))

    def _desk_gives_back(self, state: State, _: Ask) -> Answer:
        (taken,) = state.desk
        return OK, self.closed(state, state._replace(desk=(taken._replace(back=taken.amount),)))
