"""Why no slot, doctor or patient is ever booked twice. Three walls, outermost first:

1. The slot's row is locked `FOR UPDATE` (`BookingWork.attempt`), so rivals for one slot queue.
2. `slot_is_not_booked` and `patient_is_free`, below, judge facts that were read under the lock
   and turn the losers away with a reason.
3. Constraints refuse whatever slips past: `uq_appointments_active_slot` (one active appointment
   per slot), `ex_appointments_doctor_never_twice` and `ex_appointments_patient_never_twice` (over
   the time range, active rows only), `ex_time_slots_doctor_never_twice` (a doctor's live slots).

The patient's constraint is no mere safety net. A `SELECT … FOR UPDATE` that had to wait returns
the slot as it is now, but the facts joined to it as they were before the wait; and one patient
who races for slots of different doctors holds different locks. Only the constraint sees both.

Proof: tests/booking/test_double_booking.py
"""

from booking_system.booking.domain.attempt import BookingAttempt
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.scheduling.domain.refusals import SlotAlreadyBooked


def slot_is_not_booked(attempt: BookingAttempt) -> None:
    """No appointment owns the slot."""
    if attempt.the_slot.appointment_id is not None:
        raise SlotAlreadyBooked


def patient_is_free(attempt: BookingAttempt) -> None:
    """The patient has no other appointment at that time; nothing is said of that one."""
    if attempt.patient is not None and attempt.patient.is_busy:
        raise PatientOverlap
