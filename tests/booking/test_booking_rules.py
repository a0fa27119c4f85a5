"""Each rule says no to just what it is there for, and the first no wins."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest

from booking_system.booking.domain import booking_rules as rules
from booking_system.booking.domain.attempt import BookingAttempt, BookingRule, Override
from booking_system.booking.domain.double_booking import (
    patient_is_free,
    slot_is_not_booked,
    slot_is_not_held_by_another,
)
from booking_system.booking.domain.refusals import (
    BeyondHorizon,
    NoticeTooShort,
    PatientNotFound,
    PatientOverlap,
    ServiceNotOffered,
    ServiceRequired,
    TooManyOpenBookings,
)
from booking_system.directory.domain.service import PaymentTerms
from booking_system.scheduling.domain.hold import Hold, HoldTerms
from booking_system.scheduling.domain.refusals import (
    SlotAlreadyBooked,
    SlotInPast,
    SlotNotFound,
    SlotUnavailable,
)
from booking_system.scheduling.domain.time_slot import ClosedBecause
from booking_system.shared_kernel.errors import Refusal
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, HoldId, ServiceId
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period
from tests.booking.builders import (
    NOON,
    a_clinic,
    a_need,
    a_patient,
    a_period,
    a_receptionist,
    a_service,
    a_slot,
    an_attempt,
)

TAKEN = AppointmentId(uuid4())
SERVICE = ServiceId(uuid4())

REFUSED: list[tuple[BookingRule, type[Refusal], BookingAttempt]] = [
    (rules.slot_exists, SlotNotFound, an_attempt(slot=None)),
    (rules.caller_may_book_for_the_patient, PatientNotFound, an_attempt(patient=None)),
    (
        rules.slot_is_available,
        SlotUnavailable,
        an_attempt(slot=a_slot(closed_because=ClosedBecause.BY_HAND)),
    ),
    (slot_is_not_booked, SlotAlreadyBooked, an_attempt(slot=a_slot(appointment_id=TAKEN))),
    (rules.slot_is_not_past, SlotInPast, an_attempt(slot=a_slot(period=a_period(NOON)))),
    (
        rules.notice_is_long_enough,
        NoticeTooShort,
        an_attempt(clinic=a_clinic(minimum_notice=timedelta(days=1, seconds=1))),
    ),
    (
        rules.slot_is_within_the_horizon,
        BeyondHorizon,
        an_attempt(clinic=a_clinic(horizon=timedelta(hours=23))),
    ),
    (
        rules.service_is_named,
        ServiceRequired,
        an_attempt(clinic=a_clinic(offers_services=True)),
    ),
    (rules.service_is_offered, ServiceNotOffered, an_attempt(service_id=SERVICE)),
    (
        rules.override_makes_no_service,
        ServiceNotOffered,
        an_attempt(
            service_id=SERVICE,
            actor=a_receptionist(),
            override=Override(codes=frozenset({"service_not_offered"}), reason="Example"),
        ),
    ),
    (
        rules.service_is_offered,
        ServiceNotOffered,
        an_attempt(service_id=SERVICE, service=a_service(is_offered_by_doctor=False)),
    ),
    (
        rules.service_is_offered,
        ServiceNotOffered,
        an_attempt(service_id=SERVICE, service=a_service(need=a_need(31))),
    ),
    (patient_is_free, PatientOverlap, an_attempt(patient=a_patient(is_busy=True))),
    (
        rules.open_bookings_are_few,
        TooManyOpenBookings,
        an_attempt(patient=a_patient(open_bookings=10)),
    ),
]

PASSED = an_attempt(
    clinic=a_clinic(
        minimum_notice=timedelta(days=1), horizon=timedelta(days=1), offers_services=True
    ),
    service_id=SERVICE,
    service=a_service(),
    patient=a_patient(open_bookings=9),
)


def all_of(chain: Sequence[BookingRule], attempt: BookingAttempt) -> None:
    for rule in chain:
        rule(attempt)


@pytest.mark.parametrize("chain", [rules.BOOKING_RULES, rules.MOVE_RULES])
def test_nothing_refuses_behind_what_tells_of_other_clinics(chain: Sequence[BookingRule]) -> None:
    """Else staff would learn for nothing when the patient is free."""
    assert chain[-1] is patient_is_free


@pytest.mark.parametrize(("rule", "refusal", "attempt"), REFUSED)
def test_a_rule_turns_away_what_it_is_there_for(
    rule: BookingRule, refusal: type[Refusal], attempt: BookingAttempt
) -> None:
    with pytest.raises(refusal):
        rule(attempt)


@pytest.mark.parametrize("rule", rules.BOOKING_RULES)
def test_every_rule_lets_a_good_attempt_pass_at_its_limits(rule: BookingRule) -> None:
    rule(PASSED)


@pytest.mark.parametrize(("rule", "refusal", "attempt"), REFUSED)
def test_every_rule_is_in_the_chain(
    rule: BookingRule, refusal: type[Refusal], attempt: BookingAttempt
) -> None:
    assert rule in rules.BOOKING_RULES

    with pytest.raises(refusal):
        all_of(rules.BOOKING_RULES, attempt)


def test_what_is_agreed_is_not_asked_for_again_by_a_move() -> None:
    left_out = {rules.service_is_named, rules.open_bookings_are_few}

    assert set(rules.BOOKING_RULES) - set(rules.MOVE_RULES) == left_out


def test_the_chain_has_the_order_of_the_contract() -> None:
    about_callers = {
        rules.caller_may_book_for_the_patient,
        rules.only_staff_override,
        rules.override_makes_no_service,
        rules.hold_is_of_the_slot,
    }

    assert [rule for rule in rules.BOOKING_RULES if rule not in about_callers][:5] == [
        rules.slot_exists,
        rules.slot_is_available,
        slot_is_not_held_by_another,
        slot_is_not_booked,
        rules.slot_is_not_past,
    ]


def test_staff_book_for_the_patients_of_their_clinic() -> None:
    rules.caller_may_book_for_the_patient(an_attempt(actor=a_receptionist()))


@pytest.mark.parametrize(
    "attempt",
    [
        an_attempt(actor=a_receptionist(ClinicId(uuid4()))),
        an_attempt(actor=a_receptionist(), patient=a_patient(is_known_here=False)),
        an_attempt(actor=an_attempt().actor),
    ],
    ids=["another clinic's staff", "a patient the clinic does not know", "another patient"],
)
def test_others_are_told_that_there_is_no_such_patient(attempt: BookingAttempt) -> None:
    with pytest.raises(PatientNotFound):
        rules.caller_may_book_for_the_patient(attempt)


@pytest.mark.parametrize(
    ("blocks", "is_agreed"),
    [(None, True), (a_period(), True), (a_period(minutes=60), False)],
    ids=["the slot", "its time", "other time"],
)
def test_a_hold_agrees_on_the_time_that_it_keeps(blocks: Period | None, is_agreed: bool) -> None:
    service = a_service(price=Money(5000, "EUR"))
    terms = HoldTerms(
        service_id=service.id,
        duration=timedelta(minutes=30),
        price=Money(4500, "EUR"),
        payment=PaymentTerms.NONE,
    )
    patient = a_patient()
    hold = Hold(
        id=HoldId(uuid4()),
        until=NOON + timedelta(minutes=10),
        length=timedelta(minutes=10),
        patient_id=patient.id,
        blocks=blocks,
        terms=terms,
    )
    attempt = an_attempt(
        slot=a_slot(hold=hold), patient=patient, service=service, service_id=service.id
    )

    assert attempt.agreement.price == Money(4500 if is_agreed else 5000, "EUR")
