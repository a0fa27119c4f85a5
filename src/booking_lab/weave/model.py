"""What booking promises, in plain Python: small enough to be explored whole.

Two patients, one doctor with two slots in a row, a service that takes one slot, another that takes
both, a third that is paid for first, the clinic's desk, a clock. `Model.answer` is the whole of it:
what somebody is told, and what is so afterwards. It knows nothing of rows, locks or times of day.
`replay.py` asks the same of the program, in every state that there is, and compares.

Each rule is a method, so that a test can break one and see it found.
"""

from booking_lab.weave.states import (
    HELD_FOR,
    NOTICE,
    OFF,
    PAID_WITHIN,
    Ask,
    Debt,
    Hold,
    Span,
    State,
    Visit,
    meet,
)
from booking_lab.weave.walking import OK


class Model:
    """The rules."""

    def answer(self, state: State, ask: Ask) -> tuple[str, State]:
        """Return the code that they are told, and what is so afterwards."""
        code, after = self._answer(state, ask)
        return code, self.settled(after)

    def _answer(self, state: State, ask: Ask) -> tuple[str, State]:
        if ask.what == "wait":
            return OK, state._replace(now=state.now + 1)
        if ask.what == "release":
            return OK, self.without_holds(state, ask.where, of=ask.patient)
        if ask.what == "end time off":
            return OK, state._replace(is_off=False)
        if ask.what in {"book", "overbook"}:
            return self._book(state, ask)
        if ask.what in {"cancel", "dismiss"}:
            return self._cancel(state, ask)
        others = {
            "hold": self._hold,
            "move": self._move,
            "owe": self._owe,
            "pay": self._pay,
            "give up": self._give_up,
            "let go": self._let_go,
        }
        return others.get(ask.what, self._time_off)(state, ask)

    # The rules, each a sentence.

    def is_in_force(self, hold: Hold, now: int) -> bool:
        """A hold ends with the moment that it names."""
        return now < hold.until

    def is_waiting(self, debt: Debt | None, now: int) -> bool:
        """There is time to pay until the moment that is named."""
        return debt is not None and debt.pay_by is not None and now < debt.pay_by

    def is_closed(self, state: State, span: Span) -> bool:
        """Nobody books or holds what time off covers, the desk neither."""
        return state.is_off and OFF in span

    def is_kept(self, state: State, patient: int, span: Span) -> bool:
        """What is held for another is not to be had, not even a part of it.

        What is to be paid first is held for nobody: also not for the patient.
        """
        if (debt := state.debt) and debt.is_kept and meet(debt.slots, span):
            return True
        return any(hold.patient != patient and meet(hold.slots, span) for hold in state.holds)

    def is_taken(self, state: State, span: Span, own: Visit | None) -> bool:
        """A slot that belongs to a visit is free for nobody but the visit that moves."""
        its = {s for s in own.slots if state.owners[s] == own.patient} if own else set[int]()
        return any(state.owners[slot] is not None for slot in span if slot not in its)

    def is_busy(self, state: State, patient: int, span: Span) -> bool:
        """Nobody is in two places, also where the desk sets rules aside."""
        return any(visit.patient == patient and meet(visit.slots, span) for visit in state.visits)

    def is_awaited(self, state: State, patient: int, span: Span) -> bool:
        """While there is time to pay, the patient is awaited there, so nowhere else."""
        debt = state.debt
        if debt is None or debt.patient != patient or not self.is_waiting(debt, state.now):
            return False
        return meet(debt.slots, span)

    def is_too_late(self, state: State, visit: Visit) -> bool:
        """A patient gives up or moves a visit no later than the notice asks."""
        return state.now > NOTICE[visit.slots[0]]

    def keeps_until(self, state: State, patient: int, span: Span) -> int:
        """A hold lasts so long; asked for again in a slot that it is in, no longer."""
        own = [hold for hold in state.holds if hold.patient == patient]
        again = [hold.until for hold in own if span[0] in hold.slots]
        return next(iter(again), state.now + HELD_FOR)

    def refusal(
        self, state: State, who: int, span: Span, own: Visit | None = None, *, insists: bool = False
    ) -> str | None:
        """The first reason against it; the desk may insist on what is kept or taken."""
        if self.is_closed(state, span):
            return "slot_unavailable"
        if self.is_kept(state, who, span) and not insists:
            return "slot_held"
        if self.is_taken(state, span, own) and not insists:
            return "slot_already_booked"
        if own is None and self.is_busy(state, who, span):
            return "patient_overlap"
        if self.is_awaited(state, who, span):
            return "patient_overlap"
        return None

    def without_holds(self, state: State, span: Span, of: int | None = None) -> State:
        """A hold goes as a whole, though only a part of it was taken."""
        gone = {one for one in state.holds if meet(one.slots, span) and of in {None, one.patient}}
        debt = state.debt
        if debt is not None and of is None and meet(debt.slots, span):
            debt = debt._replace(is_kept=False)
        return state._replace(holds=state.holds - gone, debt=debt)

    def left(self, state: State, visit: Visit) -> State:
        """The visit that was overbooked in it takes over what another leaves."""
        others = state.visits - {visit}
        heirs = {slot: other.patient for other in others for slot in other.slots}
        owners = [
            heirs.get(slot) if owner == visit.patient and slot in visit.slots else owner
            for slot, owner in enumerate(state.owners)
        ]
        return state._replace(visits=others, owners=tuple(owners))

    def entered(self, state: State, visit: Visit) -> State:
        """A slot belongs to the visit that came first."""
        owners = [
            visit.patient if owner is None and slot in visit.slots else owner
            for slot, owner in enumerate(state.owners)
        ]
        return state._replace(visits=state.visits | {visit}, owners=tuple(owners))

    def settled(self, state: State) -> State:
        """A visit is marked while a part of its time is another's; holds that are over are gone.

        So is what kept the time of a debt.
        """
        marked = {
            visit._replace(shares={state.owners[slot] for slot in visit.slots} != {visit.patient})
            for visit in state.visits
        }
        holds = {hold for hold in state.holds if self.is_in_force(hold, state.now)}
        debt = state.debt
        if debt is not None and not self.is_waiting(debt, state.now):
            overdue = None if debt.pay_by is None else min(debt.pay_by, state.now)
            debt = debt._replace(pay_by=overdue, is_kept=False)
        return state._replace(visits=frozenset(marked), holds=frozenset(holds), debt=debt)

    # What is asked for.

    def _hold(self, state: State, ask: Ask) -> tuple[str, State]:
        patient, span = ask.patient or 0, ask.where
        if (code := self.refusal(state, patient, span)) is not None:
            return code, state
        new = Hold(patient, span, self.keeps_until(state, patient, span))
        rest = self.without_holds(state, span)
        return OK, rest._replace(holds=rest.holds | {new})

    def _book(self, state: State, ask: Ask) -> tuple[str, State]:
        patient, span, insists = ask.patient or 0, ask.where, ask.what == "overbook"
        if (code := self.refusal(state, patient, span, insists=insists)) is not None:
            return code, state
        return OK, self.entered(self.without_holds(state, span), Visit(patient, span))

    def _owe(self, state: State, ask: Ask) -> tuple[str, State]:
        patient, span = ask.patient or 0, ask.where
        if (code := self.refusal(state, patient, span)) is not None:
            return code, state
        debt = Debt(patient, span, state.now + PAID_WITHIN)
        return OK, self.without_holds(state, span)._replace(debt=debt)

    def _pay(self, state: State, ask: Ask) -> tuple[str, State]:
        """Money in time finds its slots kept; late money takes what is free."""
        debt, patient, span = state.debt, ask.patient or 0, ask.where
        rest = state._replace(debt=None)
        if debt is None or not (debt.is_kept and self.is_waiting(debt, state.now)):
            code = self.hindrance(rest, span)
            if code is None and self.is_busy(rest, patient, span):
                code = "patient_overlap"
            if code is not None:
                return code, state
        return OK, self.entered(rest, Visit(patient, span))

    def hindrance(self, state: State, span: Span) -> str | None:
        """What stands in the way of late money: it has no hold, whosever the others are."""
        if self.is_closed(state, span):
            return "slot_unavailable"
        if self.is_taken(state, span, None):
            return "slot_already_booked"
        if any(meet(hold.slots, span) for hold in state.holds):
            return "slot_held"
        return None

    def _give_up(self, state: State, ask: Ask) -> tuple[str, State]:
        """No notice binds a patient who has not paid."""
        assert state.debt is not None, f"there is something to {ask.what}"
        return OK, state._replace(debt=None)

    def _let_go(self, state: State, ask: Ask) -> tuple[str, State]:
        """What is not paid in time expires when somebody looks; what waits still stays."""
        debt = state.debt
        assert debt is not None, f"there is something to {ask.what}"
        if self.is_waiting(debt, state.now):
            return OK, state
        return OK, state._replace(debt=debt._replace(pay_by=None, is_kept=False))

    def _cancel(self, state: State, ask: Ask) -> tuple[str, State]:
        visit = _meant(state, ask)
        if ask.what == "cancel" and self.is_too_late(state, visit):
            return "cancel_too_late", state
        return OK, self.left(state, visit)

    def _move(self, state: State, ask: Ask) -> tuple[str, State]:
        visit, to = _meant(state, ask), (ask.to or 0,)
        if visit.slots[0] == to[0]:
            return OK, state
        if self.is_too_late(state, visit):
            return "cancel_too_late", state
        if (code := self.refusal(state, visit.patient, to, visit)) is not None:
            return code, state
        if len(visit.slots) > len(to):
            return "service_not_offered", state
        rest = self.left(self.without_holds(state, to), visit)
        return OK, self.entered(rest, Visit(visit.patient, to))

    def _time_off(self, state: State, ask: Ask) -> tuple[str, State]:
        affected = [visit for visit in state.visits if OFF in visit.slots]
        debt = state.debt
        owes = debt is not None and self.is_waiting(debt, state.now) and OFF in debt.slots
        if (affected or owes) and ask.what == "time off":
            return "bookings_affected", state
        state = self.without_holds(state, (OFF,))._replace(is_off=True, debt=debt)
        if ask.what == "time off, cancel":
            state = state._replace(debt=None) if owes else state
            for visit in affected:
                state = self.left(state, visit)
        return OK, state


def _meant(state: State, ask: Ask) -> Visit:
    return next(one for one in state.visits if one[:2] == (ask.patient, ask.where))
