"""A card: an appointment with the names around it, as every screen shows it."""

from dataclasses import dataclass, replace
from datetime import datetime

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt, DoctorFacts
from booking_system.booking.domain.party import Party, Side
from booking_system.identity.domain.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCard:
    """Names may change later; the appointment itself keeps its price and notice.

    One that `is_replay` was booked by an earlier request with the same idempotency key.
    """

    appointment: Appointment
    clinic_name: str
    time_zone: str
    doctor: DoctorFacts
    patient_name: str
    service_name: str | None
    clinic_phone: str | None = None
    clinic_address: str | None = None
    clinic_is_removed: bool = False
    is_replay: bool = False

    @classmethod
    def of(cls, appointment: Appointment, attempt: BookingAttempt) -> "AppointmentCard":
        """Make the card of what was just booked from the facts that it was booked on."""
        assert attempt.clinic is not None, "a slot always has a clinic"
        assert attempt.doctor is not None, "a slot always has a doctor"
        assert attempt.patient is not None, "the rules let no attempt without a patient pass"
        return cls(
            appointment=appointment,
            clinic_name=attempt.clinic.name,
            time_zone=attempt.clinic.time_zone,
            doctor=attempt.doctor,
            patient_name=attempt.patient.full_name,
            service_name=None if attempt.service is None else attempt.service.name,
            clinic_phone=attempt.clinic.phone,
            clinic_address=attempt.clinic.address,
        )

    def side_of(self, actor: Actor) -> Side | None:
        """Say on which side of the appointment the actor stands; None: they may not see it."""
        return side_of(self.appointment, actor)

    def party_of(self, actor: Actor) -> Party | None:
        """Say as whom the actor would act; None: they may not see it."""
        side = self.side_of(actor)
        return None if side is None else Party(side=side, user_id=actor.user_id)

    def allowed_actions(self, side: Side | None, *, now: datetime) -> list[str]:
        """Name what somebody on this side could do now; where the clinic is gone, no move."""
        if side is None:
            return []
        allowed = self.appointment.allowed_actions(side, now=now)
        return [one for one in allowed if not (one == "reschedule" and self.clinic_is_removed)]

    def moved(self, attempt: BookingAttempt) -> "AppointmentCard":
        """Return the card of the appointment where it is now, which may be with another doctor."""
        assert attempt.doctor is not None, "a slot always has a doctor"
        return replace(self, doctor=attempt.doctor)


def side_of(appointment: Appointment, actor: Actor) -> Side | None:
    """The clinic's staff and the doctor stand on one side, the patient on the other.

    So do staff who wind up what a removed clinic has left.
    """
    clinic_id = appointment.clinic_id
    is_staff = actor.works_at(clinic_id) or actor.winds_up(clinic_id)
    if is_staff or appointment.doctor_id in actor.doctor_ids:
        return Side.CLINIC
    if appointment.patient_id == actor.patient_id:
        return Side.PATIENT
    return None
