"""The race's checker on histories made by hand: good ones pass, each kind of wrong is found."""

from dataclasses import replace
from math import inf

import pytest

from booking_lab.race.checking import Rule, Violation, violations
from booking_lab.race.history import Answer, Attempt, History, Kind, Operation, Row, Span

SPANS = {"nine": Span(0, 15), "also nine": Span(0, 15), "ten": Span(60, 75)}
TAKEN = (409, "slot_already_booked")
UNKNOWN = (503, "outcome_unknown")
BUSY = (503, "overloaded")
IN_USE = (409, "idempotency_key_in_use")


class Past:
    """A history in the making. Each thing takes a tenth of a second and begins when it is said."""

    def __init__(self) -> None:
        self.history = History(spans=SPANS)
        self._now = 0.0

    def book(self, key: str, told: object, *, slot: str = "nine", **about: object) -> Attempt:
        """`told` is the id of the appointment, a refusal, or None where nothing was answered."""
        return self._note(Kind.BOOK, key, told, slot=slot, **about)

    def hold(self, key: str, told: object, *, slot: str = "nine", **about: object) -> Attempt:
        return self._note(Kind.HOLD, key, told, slot=slot, **about)

    def extend(self, key: str, hold: str, told: object = None, **about: object) -> Attempt:
        return self._note(Kind.EXTEND, key, told or hold, subject=hold, at_slot="nine", **about)

    def release(self, key: str, hold: str, told: object = (204, None), **about: object) -> Attempt:
        return self._note(Kind.RELEASE, key, told, subject=hold, **about)

    def move(self, key: str, which: str, slot: str, told: object, **about: object) -> Attempt:
        return self._note(Kind.MOVE, key, told, slot=slot, subject=which, **about)

    def cancel(self, key: str, which: str, told: object = "", **about: object) -> Attempt:
        told = which if told == "" else told
        return self._note(
            Kind.CANCEL, key, told, subject=which, at_slot="nine", is_active=False, **about
        )

    def row(
        self,
        identity: str,
        key: str,
        *,
        slot: str = "nine",
        patient: str = "someone",
        is_active: bool = True,
    ) -> None:
        self.history.rows.append(
            Row(id=identity, key=key, slot=slot, patient=patient, is_active=is_active)
        )

    def found(self) -> list[Violation]:
        return violations(self.history)

    def rules(self) -> set[Rule]:
        return {one.rule for one in self.found()}

    def _note(
        self,
        kind: Kind,
        key: str,
        told: object,
        *,
        slot: str | None = None,
        subject: str | None = None,
        at_slot: str | None = None,
        patient: str | None = None,
        is_active: bool = True,
        is_late: bool = False,
        desk: int = 0,
        lasts: float = inf,
        at: tuple[float, float] | None = None,
    ) -> Attempt:
        invoked, ended = at or (self._now, self._now + 0.1)
        self._now = max(self._now, ended) + 0.1
        wish = Operation(
            kind=kind, key=key, patient=patient or f"{key}'s", slot=slot, subject=subject
        )
        answer = None
        if isinstance(told, str):
            status = 201 if kind in {Kind.BOOK, Kind.HOLD} else 200
            answer = Answer(
                status=status, thing=told, slot=at_slot or slot, is_active=is_active, lasts=lasts
            )
        elif isinstance(told, tuple):
            answer = Answer(status=told[0], code=told[1])
        attempt = Attempt(
            wish=wish,
            client=1,
            desk=desk,
            invoked=invoked,
            ended=ended,
            answer=answer,
            is_late=is_late,
        )
        self.history.attempts.append(attempt)
        return attempt


@pytest.fixture
def past() -> Past:
    return Past()


def test_nothing_happened(past: Past) -> None:
    assert past.found() == []


def test_a_usual_life_is_in_order(past: Past) -> None:
    past.book("a", "A")
    past.book("b", TAKEN)
    past.move("am", "A", "ten", "A")
    past.book("c", "C")
    past.cancel("cc", "C")
    past.book("d", "D")
    past.row("A", "a", slot="ten", patient="a's")
    past.row("C", "c", is_active=False)
    past.row("D", "d", patient="d's")

    assert past.found() == []


def test_lost_answers_leave_nothing_wrong_when_asked_again(past: Past) -> None:
    past.book("a", None)
    past.book("a", BUSY)
    past.book("a", UNKNOWN)
    past.book("a", IN_USE)
    past.book("a", "A")
    past.move("am", "A", "ten", None)
    past.move("am", "A", "ten", "A")
    past.cancel("ac", "A", UNKNOWN)
    past.cancel("ac", "A")
    past.row("A", "a", slot="ten", is_active=False)

    assert past.found() == []


@pytest.mark.parametrize("is_there", [True, False])
def test_what_was_never_answered_may_be_there_or_not(past: Past, is_there: bool) -> None:
    past.book("a", None)
    if is_there:
        past.row("A", "a")

    assert past.found() == []


def test_an_acknowledged_appointment_that_is_gone(past: Past) -> None:
    past.book("a", "A")

    (found,) = past.found()
    assert (found.rule, found.ids, found.at) == (Rule.LOST, ("A",), (0.1,))
    assert found.line() == "an acknowledged appointment is not there: A; at 0.100 s"


def test_one_that_was_cancelled_and_is_not(past: Past) -> None:
    past.book("a", "A")
    past.cancel("ac", "A")
    past.row("A", "a")

    assert past.rules() == {Rule.STATE}


@pytest.mark.parametrize("told", [BUSY, IN_USE, (404, "not_found")])
def test_one_that_nobody_cancelled_and_is_cancelled(past: Past, told: object) -> None:
    past.book("a", "A")
    past.cancel("ac", "A", told)
    past.row("A", "a", is_active=False)

    assert Rule.STATE in past.rules()


@pytest.mark.parametrize("is_active", [True, False])
def test_one_whose_cancelling_is_unknown_may_be_either(past: Past, is_active: bool) -> None:
    past.book("a", "A")
    past.cancel("ac", "A", UNKNOWN)
    past.row("A", "a", is_active=is_active)

    assert past.found() == []


def test_one_that_was_moved_and_is_where_it_was(past: Past) -> None:
    past.book("a", "A")
    past.move("am", "A", "ten", "A")
    past.row("A", "a")

    assert past.rules() == {Rule.STATE}


@pytest.mark.parametrize("slot", ["nine", "ten"])
def test_one_whose_move_is_unknown_may_be_in_either_slot(past: Past, slot: str) -> None:
    past.book("a", "A")
    past.move("am", "A", "ten", None)
    past.row("A", "a", slot=slot)

    assert past.found() == []


def test_one_whose_move_was_refused_and_that_moved(past: Past) -> None:
    past.book("a", "A")
    past.move("am", "A", "ten", TAKEN)
    past.row("A", "a", slot="ten")

    assert past.rules() == {Rule.STATE}


def test_two_who_were_told_that_they_own_a_slot(past: Past) -> None:
    past.book("a", "A")
    past.book("b", "B")
    past.cancel("ac", "A")
    past.row("A", "a", is_active=False)
    past.row("B", "b")

    (found,) = past.found()
    assert (found.rule, found.ids) == (Rule.TWO_OWNERS, ("nine", "A", "B"))


def test_what_may_have_ended_leaves_the_slot_to_others(past: Past) -> None:
    past.book("a", "A")
    past.cancel("ac", "A", None)
    past.book("b", "B")
    past.row("A", "a", is_active=False)
    past.row("B", "b")

    assert past.found() == []


def test_what_was_refused_ends_nothing(past: Past) -> None:
    past.book("a", "A")
    past.move("am", "A", "ten", TAKEN)
    past.book("b", "B")
    past.cancel("ac", "A")
    past.row("A", "a", is_active=False)
    past.row("B", "b")

    assert past.rules() == {Rule.TWO_OWNERS}


def test_who_moves_in_owns_from_then_on(past: Past) -> None:
    past.book("a", "A", slot="ten")
    past.move("am", "A", "nine", "A")
    past.book("b", "B")
    past.cancel("bc", "B")
    past.row("A", "a")
    past.row("B", "b", is_active=False)

    assert past.rules() == {Rule.TWO_OWNERS}


def test_two_requests_at_the_same_time_may_follow_each_other(past: Past) -> None:
    """The cancellation was sent before the other was acknowledged."""
    past.book("a", "A", at=(0, 1))
    past.cancel("ac", "A", at=(1.5, 4))
    past.book("b", "B", at=(0.5, 3))
    past.row("A", "a", is_active=False)
    past.row("B", "b")

    assert past.found() == []


def test_two_active_appointments_in_the_end(past: Past) -> None:
    past.book("a", None)
    past.book("b", None)
    past.row("A", "a", patient="one")
    past.row("B", "b", patient="other")

    (found,) = past.found()
    assert (found.rule, found.detail) == (Rule.TWO_OWNERS, "in the end")


def test_a_booking_while_another_holds(past: Past) -> None:
    past.hold("h", "H", lasts=60.0)
    past.book("b", "B", desk=1)
    past.row("B", "b")

    assert past.rules() == {Rule.TWO_OWNERS}


@pytest.mark.parametrize("told", [(204, None), None])
def test_a_hold_that_was_released(past: Past, told: object) -> None:
    past.hold("h", "H", lasts=60.0)
    past.release("hr", "H", told)
    past.book("b", "B")
    past.row("B", "b")

    assert past.found() == []


def test_a_hold_ends_when_its_time_is_over(past: Past) -> None:
    past.hold("h", "H", lasts=60.0, at=(0, 1))
    past.book("b", "B", at=(58, 61), desk=1)
    past.row("B", "b")

    assert past.found() == []


def test_a_hold_lasts_longer_when_it_was_extended(past: Past) -> None:
    past.hold("h", "H", lasts=60.0, at=(0, 1))
    past.extend("he", "H", lasts=110.0, at=(9, 10))
    past.book("b", "B", at=(58, 61), desk=1)
    past.row("B", "b")

    assert past.rules() == {Rule.TWO_OWNERS}


def test_a_hold_becomes_a_booking_without_a_gap(past: Past) -> None:
    past.hold("h", "H", lasts=60.0, at=(0, 1))
    past.book("b", "B", subject="H", at=(2, 9))
    past.hold("g", "G", lasts=2.0, at=(3, 4), desk=1)
    past.row("B", "b")

    (found,) = past.found()
    assert (found.rule, found.ids) == (Rule.TWO_OWNERS, ("nine", "H", "G"))


def test_a_hold_that_became_a_booking_is_no_second_owner(past: Past) -> None:
    past.hold("h", "H", lasts=60.0)
    past.hold("h2", "H", lasts=59.0)
    past.book("b", None, subject="H")
    past.book("b", "B", subject="H")
    past.cancel("bc", "B")
    past.book("c", "C")
    past.row("B", "b", is_active=False)
    past.row("C", "c")

    assert past.found() == []


def test_a_desks_hold_may_be_released_by_another_client_of_it(past: Past) -> None:
    past.hold("h", "H", lasts=60.0, at=(0, 1))
    past.book("b", "B", subject="H", at=(2, 9))
    past.release("hr", "H", None, at=(3, 4))
    past.book("c", "C", desk=1, at=(4, 5))
    past.cancel("cc", "C", at=(6, 7))
    past.row("B", "b")
    past.row("C", "c", is_active=False)

    assert past.found() == []


@pytest.mark.parametrize("is_move", [True, False])
def test_a_hold_ends_when_its_holder_takes_the_slot_without_it(past: Past, is_move: bool) -> None:
    past.hold("h", "H", lasts=60.0)
    if is_move:
        past.book("a", "A", slot="ten")
        past.move("am", "A", "nine", "A")
    else:
        past.book("a", "A")
    past.cancel("ac", "A")
    past.book("b", "B")
    past.row("A", "a", is_active=False)
    past.row("B", "b")

    assert past.found() == []


def test_a_hold_is_nobodys_for_certain_while_its_desk_takes_the_slot(past: Past) -> None:
    past.book("x", "A", slot="ten", at=(0, 1))
    past.move("am", "A", "nine", "A", at=(2, 9))
    past.hold("h", "H", lasts=60.0, at=(3, 4))
    past.cancel("ac", "A", at=(10, 11))
    past.book("b", "B", desk=1, at=(12, 13))
    past.row("A", "x", is_active=False)
    past.row("B", "b")

    assert past.found() == []


def test_what_was_settled_before_ends_nothing(past: Past) -> None:
    past.book("a", "A", slot="ten", at=(0, 1))
    past.move("am", "A", "nine", None, at=(2, 3))
    past.move("am", "A", "nine", "A", at=(4, 5))
    past.move("back", "A", "ten", "A", at=(6, 7))
    past.book("b", "B", slot="ten", at=(8, 9))
    past.cancel("bc", "B", at=(10, 11))
    past.row("A", "a", slot="ten")
    past.row("B", "b", slot="ten", is_active=False)

    assert past.rules() == {Rule.TWO_OWNERS}


def test_but_not_when_somebody_else_does(past: Past) -> None:
    past.hold("h", "H", lasts=60.0)
    past.book("a", "A", desk=1)
    past.row("A", "a")

    assert past.rules() == {Rule.TWO_OWNERS}


def test_a_patient_who_was_in_two_places(past: Past) -> None:
    past.book("a", "A", patient="one")
    past.book("b", "B", slot="also nine", patient="one")
    past.cancel("ac", "A")
    past.row("A", "a", patient="one", is_active=False)
    past.row("B", "b", slot="also nine", patient="one")

    assert past.rules() == {Rule.PATIENT_TWICE}


def test_a_patient_who_is_in_two_places_in_the_end(past: Past) -> None:
    past.book("a", None)
    past.book("b", None, slot="also nine")
    past.row("A", "a", patient="one")
    past.row("B", "b", slot="also nine", patient="one")

    (found,) = past.found()
    assert (found.rule, found.detail) == (Rule.PATIENT_TWICE, "in the end")


def test_a_patient_who_comes_twice_at_different_times(past: Past) -> None:
    past.book("a", "A", patient="one")
    past.book("b", "B", slot="ten", patient="one")
    past.row("A", "a", patient="one")
    past.row("B", "b", slot="ten", patient="one")

    assert past.found() == []


def test_two_rows_with_one_key(past: Past) -> None:
    past.book("a", "A")
    past.row("A", "a", is_active=False)
    past.row("A2", "a")

    assert Rule.ONE_KEY in past.rules()


def test_a_key_that_was_answered_with_two_appointments(past: Past) -> None:
    past.book("a", "A")
    past.book("a", "A2")

    assert Rule.ONE_KEY in past.rules()


def test_a_move_that_answers_with_another_appointment(past: Past) -> None:
    past.book("a", "A")
    past.move("am", "A", "ten", "B")
    past.row("A", "a", slot="ten")

    assert Rule.ONE_KEY in past.rules()


@pytest.mark.parametrize(
    "told",
    [
        (500, "internal_error"),
        (500, None),
        (502, None),
        (200, None),
        (401, "unauthenticated"),
        (409, "booking_not_active"),
        (409, "slot_already"),
        (422, "validation_error"),
        (201, "unreadable"),
    ],
)
def test_an_answer_that_is_not_documented(past: Past, told: object) -> None:
    past.book("a", told)

    assert past.rules() == {Rule.UNDOCUMENTED}


@pytest.mark.parametrize(
    "told",
    [TAKEN, BUSY, UNKNOWN, IN_USE, (409, "patient_overlap"), (429, "rate_limited"), None],
)
def test_answers_that_are_documented(past: Past, told: object) -> None:
    past.book("a", told)

    assert past.found() == []


def test_a_refused_caller_who_owns_the_appointment(past: Past) -> None:
    past.book("a", UNKNOWN)
    past.book("a", TAKEN)
    past.row("A", "a")

    (found,) = past.found()
    assert (found.rule, found.ids) == (Rule.TOLD_NO, ("A",))
    assert found.detail == "told slot_already_booked"


def test_whoever_was_told_that_nothing_was_done_owns_nothing(past: Past) -> None:
    past.book("a", BUSY)
    past.row("A", "a")

    assert past.rules() == {Rule.TOLD_NO}


def test_a_refusal_is_no_last_word_while_another_request_is_under_way(past: Past) -> None:
    past.book("a", None)
    past.book("a", TAKEN)
    past.row("A", "a")

    assert past.found() == []


def test_nor_is_that_of_a_twin(past: Past) -> None:
    past.book("a", "A", at=(1, 3))
    past.book("a", TAKEN, at=(1, 2))
    past.row("A", "a")

    assert past.found() == []


def test_but_it_is_when_nobody_else_asks_any_more(past: Past) -> None:
    past.book("a", None)
    past.book("a", TAKEN)
    past.book("a", TAKEN, is_late=True)
    past.row("A", "a")

    assert past.rules() == {Rule.TOLD_NO}


def test_an_appointment_that_nobody_asked_for(past: Past) -> None:
    past.row("A", "a")

    assert past.rules() == {Rule.UNASKED}


def test_attempts_are_read_in_the_order_in_which_they_began(past: Past) -> None:
    past.book("a", "A", at=(5, 6))
    past.book("a", None, at=(1, 2))

    assert [one.invoked for one in past.history.by_key()["a"]] == [1, 5]


def test_a_different_owner_at_the_same_instant_is_none_yet(past: Past) -> None:
    first = past.book("a", "A", at=(0, 1))
    past.cancel("ac", "A", at=(2, 3))
    past.book("b", "B", at=(1, 2))
    past.row("A", "a", is_active=False)
    past.row("B", "b")
    assert past.found() == []

    past.history.attempts[0] = replace(first, ended=1.5)
    past.history.attempts[2] = replace(past.history.attempts[2], ended=1.9)
    assert past.rules() == {Rule.TWO_OWNERS}
