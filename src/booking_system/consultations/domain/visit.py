"""What a room follows: the online appointment as it is now, with its clinic's policy."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.consultations.domain.seat import Seat
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, DoctorId, PatientId
from booking_system.shared_kernel.mode import Mode

TAKES_PLACE = frozenset(
    {AppointmentStatus.CONFIRMED, AppointmentStatus.CHECKED_IN, AppointmentStatus.COMPLETED}
)
"""A doctor may mark it completed while they still talk; the room goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The facts of an appointment; instants are UTC.

    `revision` changes with each move, so what was decided in the room before is known by it.
    """

    appointment_id: AppointmentId
    clinic_id: ClinicId
    doctor_id: DoctorId
    patient_id: PatientId
    status: AppointmentStatus
    mode: Mode
    revision: int
    starts_at: datetime
    ends_at: datetime
    opens_before: timedelta
    closes_after: timedelta
    relay_only: bool

    @property
    def opens_at(self) -> datetime:
        """From when on the parties may come in."""
        return self.starts_at - self.opens_before

    @property
    def closes_at(self) -> datetime:
        """Until when, unless the doctor extends it."""
        return self.ends_at + self.closes_after

    @property
    def takes_place(self) -> bool:
        """Is online, and neither cancelled nor waiting for money, and nobody stayed away."""
        return self.mode is Mode.ONLINE and self.status in TAKES_PLACE

    def seat_of(self, actor: Actor) -> tuple[Seat, UUID] | None:
        """Return the actor's seat and what makes it theirs; None: they are no party."""
        if self.doctor_id in actor.doctor_ids:
            return Seat.DOCTOR, self.doctor_id
        if self.patient_id == actor.patient_id:
            return Seat.PATIENT, self.patient_id
        return None

    def subject_of(self, seat: Seat) -> UUID | None:
        """Return what makes the seat somebody's; None for a guest's."""
        subjects: dict[Seat, UUID] = {Seat.DOCTOR: self.doctor_id, Seat.PATIENT: self.patient_id}
        return subjects.get(seat)
