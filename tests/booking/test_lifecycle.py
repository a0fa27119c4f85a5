"""Which mark leads where: each legal move, each illegal one, and the edges in time."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.booking_rules import (
    caller_may_book_for_the_patient,
)
from booking_system.booking.domain.events import (
    AppointmentCheckedIn,
    AppointmentCompleted,
    AppointmentEvent,
    AppointmentRescheduled,
    MarkUndone,
    PatientDidNotShow,
)
from booking_system.booking.domain.history import Action, Entry, SlotTime
from booking_system.booking.domain.lifecycle import AppointmentStatus as Status
from booking_system.booking.domain.lifecycle import Mark
from booking_system.booking.domain.party import SYSTEM, Party, Side
from booking_system.booking.domain.refusals import (
    BookingNotActive,
    CancelTooLate,
    InvalidTransition,
    PatientNotFound,
)
from booking_system.booking.domain.span import Span
from booking_system.shared_kernel.identifiers import AppointmentId, UserId
from tests.booking.builders import (
    NOON,
    a_clinic,
    a_party,
    a_patient_actor,
    a_period,
    a_slot,
    an_attempt,
)

START = NOON + timedelta(days=2)
MOMENT = timedelta(microseconds=1)
WAYS: dict[str, tuple[Mark, ...]] = {
    "confirmed": (),
    "checked_in": (Mark.CHECK_IN,),
    "completed": (Mark.COMPLETE,),
    "completed after check-in": (Mark.CHECK_IN, Mark.COMPLETE),
    "no_show": (Mark.NO_SHOW,),
}
LEGAL: dict[tuple[str, Mark], Status] = {
    ("confirmed", Mark.CHECK_IN): Status.CHECKED_IN,
    ("confirmed", Mark.COMPLETE): Status.COMPLETED,
    ("confirmed", Mark.NO_SHOW): Status.NO_SHOW,
    ("checked_in", Mark.COMPLETE): Status.COMPLETED,
    ("checked_in", Mark.UNDO): Status.CONFIRMED,
    ("completed", Mark.UNDO): Status.CONFIRMED,
    ("completed after check-in", Mark.UNDO): Status.CHECKED_IN,
    ("no_show", Mark.UNDO): Status.CONFIRMED,
}
EVENTS = {
    Mark.CHECK_IN: (AppointmentCheckedIn, "booking.checked_in", Action.CHECKED_IN),
    Mark.COMPLETE: (AppointmentCompleted, "booking.completed", Action.COMPLETED),
    Mark.NO_SHOW: (PatientDidNotShow, "booking.no_show", Action.NO_SHOW),
    Mark.UNDO: (MarkUndone, "booking.undone", Action.UNDONE),
}


def booked(notice: timedelta = timedelta(0)) -> Appointment:
    attempt = an_attempt(slot=a_slot(period=a_period(START)), clinic=a_clinic(cancel_notice=notice))
    appointment = Appointment.book(attempt, identity=AppointmentId(uuid4()), reference="K7QM-3F9D")
    appointment.pull_events()
    return appointment


def one_that_is(standing: str) -> Appointment:
    """One that has begun and went this way."""
    appointment = booked()
    if standing == "cancelled":
        appointment.cancel(a_party(), reason=None, now=START)
    for mark in WAYS.get(standing, ()):
        appointment.mark(mark, a_party(), now=START)
    appointment.pull_events()
    return appointment


@pytest.mark.parametrize("mark", Mark)
@pytest.mark.parametrize("standing", [*WAYS, "cancelled"])
def test_once_it_has_begun_each_mark_leads_where_it_should_or_nowhere(
    standing: str, mark: Mark
) -> None:
    appointment, now = one_that_is(standing), START
    version, status = appointment.version, appointment.status
    expected = LEGAL.get((standing, mark))

    offered = mark.value in appointment.allowed_actions(Side.CLINIC, now=now)

    assert offered == (expected is not None)
    if expected is None:
        with pytest.raises(InvalidTransition):
            appointment.mark(mark, a_party(), now=now)
        assert (appointment.version, appointment.status) == (version, status)
        assert appointment.pull_events() == []
        return
    party, (kind, name, action) = a_party(), EVENTS[mark]
    appointment.mark(mark, party, now=now)
    assert (appointment.version, appointment.status) == (version + 1, expected)
    (event,) = appointment.pull_events()
    assert (type(event), event.name) == (kind, name)
    assert event == kind(occurred_at=now, **appointment.as_told())
    assert appointment.last_change == Entry(
        version=version + 1,
        action=action,
        occurred_at=now,
        side=Side.CLINIC,
        user_id=party.user_id,
    )


@pytest.mark.parametrize(
    ("mark", "first"),
    [
        (Mark.CHECK_IN, START - timedelta(hours=24)),
        (Mark.COMPLETE, START),
        (Mark.NO_SHOW, START),
    ],
)
def test_a_mark_has_a_first_instant(mark: Mark, first: datetime) -> None:
    appointment = booked()

    with pytest.raises(InvalidTransition):
        appointment.mark(mark, a_party(), now=first - MOMENT)
    appointment.mark(mark, a_party(), now=first)


def test_who_is_checked_in_can_be_done_before_the_start() -> None:
    appointment = booked()
    appointment.mark(Mark.CHECK_IN, a_party(), now=START - timedelta(hours=1))
    appointment.mark(Mark.COMPLETE, a_party(), now=START - timedelta(minutes=1))

    assert appointment.status is Status.COMPLETED


def test_undoing_goes_back_step_by_step_and_no_further() -> None:
    appointment = one_that_is("completed after check-in")

    for status in (Status.CHECKED_IN, Status.CONFIRMED):
        appointment.mark(Mark.UNDO, a_party(), now=START)
        assert appointment.status is status
    with pytest.raises(InvalidTransition):
        appointment.mark(Mark.UNDO, a_party(), now=START)


@pytest.mark.parametrize("standing", [*WAYS, "cancelled"])
def test_whatever_was_not_cancelled_claims_its_slot(standing: str) -> None:
    assert one_that_is(standing).is_active == (standing != "cancelled")


@pytest.mark.parametrize("standing", [*WAYS, "cancelled"])
@pytest.mark.parametrize("side", Side)
def test_who_may_still_cancel(side: Side, standing: str) -> None:
    appointment = one_that_is(standing)
    is_over = standing not in {"confirmed", "checked_in"}
    refusal = (
        BookingNotActive
        if is_over
        else CancelTooLate
        if (side, standing) == (Side.PATIENT, "checked_in")
        else None
    )

    assert ("cancel" in appointment.allowed_actions(side, now=START)) == (refusal is None)
    if refusal is None:
        appointment.cancel(a_party(side), reason=None, now=START)
        assert appointment.previous_status is None
    else:
        with pytest.raises(refusal):
            appointment.cancel(a_party(side), reason=None, now=START)


def test_the_system_cancels_whenever_it_has_to_and_is_nobody() -> None:
    appointment = booked(notice=timedelta(days=300))
    now = appointment.period.starts_at - timedelta(hours=1)
    with pytest.raises(CancelTooLate):
        appointment.cancel(a_party(Side.PATIENT), reason=None, now=now)
    appointment.cancel(SYSTEM, reason=None, now=now)

    change = appointment.last_change
    assert change is not None
    assert (appointment.cancelled_by, change.side, change.user_id) == ("system", "system", None)
    for party in ((Side.SYSTEM, UserId(uuid4())), (Side.CLINIC, None)):
        with pytest.raises(ValueError, match=party[0]):
            Party(side=party[0], user_id=party[1])


def test_a_revision_is_what_people_have_to_be_told_and_each_event_has_it() -> None:
    appointment = booked()
    numbers = [(appointment.version, appointment.revision)]
    now = appointment.period.starts_at
    moved = Span(slots=(a_slot(period=a_period(START), clinic_id=appointment.clinic_id),))

    for change in (
        lambda: appointment.reschedule(moved, a_party(), reason=None, now=now),
        lambda: appointment.mark(Mark.CHECK_IN, a_party(), now=now),
        lambda: appointment.mark(Mark.UNDO, a_party(), now=now),
        lambda: appointment.cancel(a_party(), reason=None, now=now),
    ):
        change()
        (event,) = appointment.pull_events()
        assert isinstance(event, AppointmentEvent)
        assert (event.version, event.revision) == (appointment.version, appointment.revision)
        assert (event.status, event.ends_at) == (appointment.status, appointment.period.ends_at)
        numbers.append((event.version, event.revision))

    assert numbers == [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3)]


@pytest.mark.parametrize("standing", [*WAYS, "cancelled"])
def test_only_what_is_confirmed_is_moved(standing: str) -> None:
    appointment = one_that_is(standing)
    is_confirmed = standing == "confirmed"

    assert ("reschedule" in appointment.allowed_actions(Side.CLINIC, now=START)) == is_confirmed
    if not is_confirmed:
        with pytest.raises(BookingNotActive):
            appointment.reschedule(Span(slots=(a_slot(),)), a_party(), reason=None, now=START)


def test_a_patient_moves_it_until_the_notice_begins_and_the_clinic_longer() -> None:
    appointment, span = booked(notice=timedelta(hours=3)), Span(slots=(a_slot(),))
    last = appointment.reschedule_until

    assert last == START - timedelta(hours=3)
    assert appointment.allowed_actions(Side.PATIENT, now=last) == ["cancel", "reschedule"]
    assert appointment.allowed_actions(Side.PATIENT, now=last + MOMENT) == []
    with pytest.raises(CancelTooLate):
        appointment.reschedule(span, a_party(Side.PATIENT), reason=None, now=last + MOMENT)
    appointment.reschedule(span, a_party(Side.CLINIC), reason=None, now=last + MOMENT)


def test_what_is_moved_keeps_what_was_agreed() -> None:
    appointment, slot, party = booked(timedelta(hours=3)), a_slot(), a_party(Side.PATIENT)
    left_doctor_id = appointment.doctor_id
    left, agreed = appointment.place, (appointment.id, appointment.reference, appointment.price)

    appointment.reschedule(Span(slots=(slot,)), party, reason="Ill", now=NOON)

    assert (appointment.id, appointment.reference, appointment.price) == agreed
    assert appointment.cancel_notice == timedelta(hours=3)
    assert (appointment.time_slot_id, appointment.doctor_id) == (slot.id, slot.doctor_id)
    assert (appointment.period, appointment.version) == (slot.period, 2)
    entered = SlotTime(slot_id=slot.id, starts_at=slot.period.starts_at)
    assert appointment.last_change == Entry(
        version=2,
        action=Action.RESCHEDULED,
        occurred_at=NOON,
        side=Side.PATIENT,
        user_id=party.user_id,
        reason="Ill",
        left=left,
        entered=entered,
    )
    (event,) = appointment.pull_events()
    assert event == AppointmentRescheduled(
        occurred_at=NOON,
        left_time_slot_id=left.slot_id,
        left_time_slot_ids=(left.slot_id,),
        left_doctor_id=left_doctor_id,
        left_starts_at=left.starts_at,
        rescheduled_by=Side.PATIENT,
        **appointment.as_told(),
    )


def test_whoever_moves_an_appointment_is_a_party_to_it_already() -> None:
    stranger = a_patient_actor()
    booking = an_attempt(actor=stranger)
    moving = an_attempt(actor=stranger, moves=AppointmentId(uuid4()))

    caller_may_book_for_the_patient(moving)
    with pytest.raises(PatientNotFound):
        caller_may_book_for_the_patient(booking)
    with pytest.raises(PatientNotFound):
        caller_may_book_for_the_patient(
            an_attempt(patient=None, moves=AppointmentId(uuid4()), actor=stranger)
        )
