"""The model of what booking promises: every edge of it is what the program does."""

import pytest

from booking_lab.weave.exploration import explored, some_of
from booking_lab.weave.model import Model
from booking_lab.weave.replay import Replay
from booking_lab.weave.states import LAST, Debt, Hold, Span, State, Visit
from booking_lab.weave.walking import OK
from tests.weave.finding import until_wrong


def test_the_model_is_explored_whole() -> None:
    edges = explored()
    assert len(edges) == len(set(edges)) > 15_000
    assert {edge.after for edge in edges} <= {edge.before for edge in edges}
    assert {edge.code for edge in edges} == {
        OK,
        "bookings_affected",
        "cancel_too_late",
        "patient_overlap",
        "service_not_offered",
        "slot_already_booked",
        "slot_held",
        "slot_unavailable",
    }


def test_a_refusal_changes_nothing_and_nobody_is_in_two_places() -> None:
    for edge in explored():
        assert edge.code == OK or edge.after == edge.before
        of = [visit.patient for visit in edge.after.visits for _ in visit.slots]
        where = [(visit.patient, slot) for visit in edge.after.visits for slot in visit.slots]
        assert len(where) == len(set(where)), "a patient is in two places"
        assert all(owner is None or owner in of for owner in edge.after.owners)
        for one in edge.after.visits:
            if not one.shares:
                assert all(edge.after.owners[slot] == one.patient for slot in one.slots)
        assert all(hold.until > edge.after.now for hold in edge.after.holds)


@pytest.mark.parametrize("most", [400, pytest.param(None, id="all", marks=pytest.mark.proof)])
async def test_the_program_does_what_the_model_says(replay: Replay, most: int | None) -> None:
    edges = explored()
    chosen = edges if most is None else some_of(edges, seed=17, most=most)
    difference = await replay.run(edges, chosen)
    assert difference is None, str(difference)
    assert replay.replayed >= len(chosen)


class HoldsLastForEver(Model):
    def is_in_force(self, hold: Hold, now: int) -> bool:
        return True


class HoldsLastAMomentMore(Model):
    def is_in_force(self, hold: Hold, now: int) -> bool:
        return now <= hold.until


class TimeOffIsNoHindrance(Model):
    def is_closed(self, state: State, span: Span) -> bool:
        return span == (1,) and super().is_closed(state, span)


class OnlyTheFirstSlotIsKept(Model):
    def is_kept(self, state: State, patient: int, span: Span) -> bool:
        return super().is_kept(state, patient, span[:1])


class OnlyTheFirstSlotIsTaken(Model):
    def is_taken(self, state: State, span: Span, own: Visit | None) -> bool:
        return super().is_taken(state, span[:1], own)


class OnesOwnVisitIsInTheWay(Model):
    def is_taken(self, state: State, span: Span, own: Visit | None) -> bool:
        return super().is_taken(state, span, None)


class TheDeskDoublesPatients(Model):
    def is_busy(self, state: State, patient: int, span: Span) -> bool:
        return False


class NoticeEndsAMomentEarlier(Model):
    def is_too_late(self, state: State, visit: Visit) -> bool:
        return super().is_too_late(state._replace(now=min(state.now + 1, LAST)), visit)


class AHoldIsProlongedByAsking(Model):
    def keeps_until(self, state: State, patient: int, span: Span) -> int:
        return super().keeps_until(state._replace(holds=frozenset()), patient, span)


class AHoldGoesInPart(Model):
    def without_holds(self, state: State, span: Span, of: int | None = None) -> State:
        gone = super().without_holds(state, span, of)
        cut = {
            hold._replace(slots=tuple(slot for slot in hold.slots if slot not in span))
            for hold in state.holds - gone.holds
        }
        return gone._replace(holds=gone.holds | {hold for hold in cut if hold.slots})


class NobodyInherits(Model):
    def left(self, state: State, visit: Visit) -> State:
        owners = tuple(
            None if slot in visit.slots and owner == visit.patient else owner
            for slot, owner in enumerate(state.owners)
        )
        return super().left(state, visit)._replace(owners=owners)


class SharingLeavesNoMark(Model):
    def settled(self, state: State) -> State:
        settled = super().settled(state)
        visits = {visit._replace(shares=False) for visit in settled.visits}
        return settled._replace(visits=frozenset(visits))


class DebtsAreNeverOverdue(Model):
    def is_waiting(self, debt: Debt | None, now: int) -> bool:
        return debt is not None and debt.pay_by is not None


class TheDebtorIsFree(Model):
    def is_awaited(self, state: State, patient: int, span: Span) -> bool:
        return False


class ADebtKeepsNothing(Model):
    def is_kept(self, state: State, patient: int, span: Span) -> bool:
        return super().is_kept(state._replace(debt=None), patient, span)


class LateMoneyTakesWhatIsHeld(Model):
    def hindrance(self, state: State, span: Span) -> str | None:
        return super().hindrance(state._replace(holds=frozenset()), span)


MUTANTS = [
    DebtsAreNeverOverdue,
    TheDebtorIsFree,
    ADebtKeepsNothing,
    LateMoneyTakesWhatIsHeld,
    HoldsLastForEver,
    HoldsLastAMomentMore,
    TimeOffIsNoHindrance,
    OnlyTheFirstSlotIsKept,
    OnlyTheFirstSlotIsTaken,
    OnesOwnVisitIsInTheWay,
    TheDeskDoublesPatients,
    NoticeEndsAMomentEarlier,
    AHoldIsProlongedByAsking,
    AHoldGoesInPart,
    NobodyInherits,
    SharingLeavesNoMark,
]


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_a_broken_rule_of_the_model_is_found(replay: Replay, mutant: type[Model]) -> None:
    edges = until_wrong(explored(), mutant().answer)
    assert await replay.run(edges, edges[-1:]) is not None
    assert await replay.run(edges, edges[:-1][-20:]) is None, "what it does not break is right"
