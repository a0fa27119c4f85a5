"""Why no slot, doctor or patient is ever booked twice. Three walls, outermost first:

1. The slot's row is locked `FOR UPDATE` (`BookingWork.attempt`), so rivals for one slot queue. A
   booking that takes several slots, or keeps time free around them, locks all that it meets, by
   ascending id, and takes all or none.
2. The rules below judge facts that were read under the lock and turn the losers away with a
   reason.
3. Constraints refuse whatever slips past: `uq_appointments_active_slot` (one active appointment
   per slot), `ex_appointments_doctor_never_twice` (over the time range, buffers included) and
   `ex_appointments_patient_never_twice` (over the time range), `ex_time_slots_doctor_never_twice`
   (a doctor's live slots), `ck_time_slots_booked_is_not_held`. The constraints look at the time
   that an appointment claims (`doctor_time`, `patient_time`): none once it is cancelled, and none
   of what a no-show or an early end gave back.

What staff book twice on purpose, by an override, carries a mark (`overbooked`, `patient_doubled`)
and says which time it shares (`doctor_shared`, `patient_shared`): only that is exempt, the rest of
the appointment is protected like any other. `ck_appointments_override` lets nothing carry a mark
without a reason, and the mark ends with the conflict. The slot stays its first owner's, and the
appointment that was overbooked inherits it.

The patient's constraint is no mere safety net. A `SELECT … FOR UPDATE` that had to wait returns
the slot as it is now, but the facts joined to it as they were before the wait; and one patient
who races for slots of different doctors holds different locks. Only the constraint sees both.

Proof: tests/booking/test_double_booking.py
"""

from booking_system.booking.domain.attempt import BookingAttempt, refusing
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.scheduling.domain.hold import Hold
from booking_system.scheduling.domain.refusals import HoldExpired, SlotAlreadyBooked, SlotHeld

SHOW_IT = (
    "The hold was made by somebody who was not signed in: send the `hold_token` of its answer in"
    " the header `Hold-Token`."
)


@refusing(SlotHeld)
def slot_is_not_held_by_another(attempt: BookingAttempt) -> None:
    """Nobody else is booking the slot at this moment.

    A hold is judged by the instant of the attempt, whether or not anybody has tidied it up. The
    same goes for each slot that is needed beside it.
    """
    for _, hold in attempt.the_span.held:
        if hold.is_in_force(attempt.now) and not attempt.owns(hold):
            if hold.id == attempt.hold_id and hold.is_anonymous:
                raise SlotHeld(SHOW_IT)
            raise HoldExpired if _lost_it(attempt, hold) else SlotHeld


@refusing(SlotAlreadyBooked)
def slot_is_not_booked(attempt: BookingAttempt) -> None:
    """No appointment owns the slot, or keeps its time free.

    The same goes for each slot that is needed beside it, and for the time around them. A caller
    whose hold of the slot is over is told so.
    """
    span = attempt.the_span
    is_taken = any(slot.appointment_id is not None for slot in span.touched)
    if is_taken or any(slot.is_blocked for slot in span.slots) or not attempt.is_clear:
        raise HoldExpired if attempt.says_hold_is_over else SlotAlreadyBooked


def _lost_it(attempt: BookingAttempt, hold: Hold) -> bool:
    """Say whether the hold that they name is over, and not just another's to book with."""
    return attempt.says_hold_is_over and attempt.hold_id != hold.id


@refusing(PatientOverlap)
def patient_is_free(attempt: BookingAttempt) -> None:
    """The patient has no other appointment at that time, as far as the caller may know.

    Nothing is said of that one. Staff who only ask are not told of those in other clinics; of
    whoever books, all count.
    """
    if attempt.patient is not None and attempt.patient.is_busy:
        raise PatientOverlap
