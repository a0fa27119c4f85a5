"""An appointment keeps what was agreed when it was booked, and lets go of its slot once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.card import side_of
from booking_system.booking.domain.events import AppointmentBooked, AppointmentCancelled
from booking_system.booking.domain.lifecycle import AppointmentStatus, PaymentStatus
from booking_system.booking.domain.party import Side
from booking_system.booking.domain.reference import ALPHABET, reference_as_heard, reference_from
from booking_system.booking.domain.refusals import BookingNotActive, CancelTooLate
from booking_system.directory.domain.service import PaymentTerms
from booking_system.identity.domain.actor import Role, RoleGrant
from booking_system.shared_kernel.identifiers import AppointmentId, ServiceId
from booking_system.shared_kernel.money import Money
from tests.booking.builders import (
    NOON,
    a_clinic,
    a_party,
    a_patient_actor,
    a_receptionist,
    a_service,
    an_actor,
    an_attempt,
)


def booked(**about: object) -> Appointment:
    return Appointment.book(
        an_attempt(**about), identity=AppointmentId(uuid4()), reference="K7QM-3F9D"
    )


def test_it_keeps_the_price_and_the_notice_of_the_day() -> None:
    appointment = booked(
        service=a_service(payment=PaymentTerms.OPTIONAL),
        service_id=ServiceId(uuid4()),
        clinic=a_clinic(cancel_notice=timedelta(hours=3)),
    )

    assert appointment.price == Money(4500, "EUR")
    assert appointment.payment_status is PaymentStatus.UNPAID
    assert appointment.cancel_until == appointment.period.starts_at - timedelta(hours=3)
    assert appointment.status is AppointmentStatus.CONFIRMED


def test_booking_is_an_event_with_ids_only() -> None:
    appointment = booked()

    (event,) = appointment.pull_events()

    assert event == AppointmentBooked(
        occurred_at=NOON,
        appointment_id=appointment.id,
        version=1,
        revision=1,
        status=AppointmentStatus.CONFIRMED,
        time_slot_id=appointment.time_slot_id,
        time_slot_ids=(appointment.time_slot_id,),
        clinic_id=appointment.clinic_id,
        doctor_id=appointment.doctor_id,
        patient_id=appointment.patient_id,
        starts_at=appointment.period.starts_at,
        ends_at=appointment.period.ends_at,
        hold_id=None,
    )


def test_cancelling_is_an_event_and_a_new_version() -> None:
    appointment = booked()
    appointment.pull_events()

    appointment.cancel(a_party(Side.PATIENT), reason="Ill", now=NOON)

    assert not appointment.is_active
    assert (appointment.version, appointment.cancel_reason) == (2, "Ill")
    (event,) = appointment.pull_events()
    assert isinstance(event, AppointmentCancelled)


def test_a_patient_cancels_until_the_last_instant_before_the_notice() -> None:
    clinic = a_clinic(cancel_notice=timedelta(days=1))
    last = booked(clinic=clinic)

    assert last.may_be_cancelled(Side.PATIENT, now=last.cancel_until)
    with pytest.raises(CancelTooLate):
        last.cancel(
            a_party(Side.PATIENT), reason=None, now=last.cancel_until + timedelta(microseconds=1)
        )
    last.cancel(a_party(Side.CLINIC), reason=None, now=last.period.ends_at)


def test_nothing_is_cancelled_twice() -> None:
    appointment = booked()
    appointment.cancel(a_party(Side.CLINIC), reason=None, now=NOON)

    with pytest.raises(BookingNotActive):
        appointment.cancel(a_party(Side.CLINIC), reason=None, now=NOON)


def test_who_stands_on_which_side() -> None:
    appointment = booked()
    doctor = an_actor(RoleGrant(role=Role.DOCTOR, doctor_id=appointment.doctor_id))

    assert side_of(appointment, a_patient_actor(appointment.patient_id)) is Side.PATIENT
    assert side_of(appointment, a_receptionist(appointment.clinic_id)) is Side.CLINIC
    assert side_of(appointment, doctor) is Side.CLINIC
    assert side_of(appointment, a_patient_actor()) is None
    assert side_of(appointment, an_actor(RoleGrant(role=Role.PLATFORM_ADMIN))) is None


@pytest.mark.parametrize("text", ["K7QM-3F9D", "k7qm3f9d", " k7qm 3f9d ", "K7-QM-3F-9D"])
def test_a_reference_is_known_however_it_was_written_down(text: str) -> None:
    assert reference_as_heard(text) == "K7QM-3F9D"


def test_a_reference_has_no_look_alikes() -> None:
    assert not set("01OIL") & set(ALPHABET)
    assert reference_from(2**64 - 1) != reference_from(2**64 - 2)
    assert len(reference_from(0)) == len("K7QM-3F9D")


@given(number=st.integers(min_value=0, max_value=2**64))
def test_each_letter_of_a_reference_comes_from_its_own_part_of_the_number(number: int) -> None:
    letters = reference_from(number).replace("-", "")
    assert [ALPHABET.index(one) for one in letters] == [
        number // len(ALPHABET) ** place % len(ALPHABET) for place in range(8)
    ]
