"""What a mark leaves behind: an entry in the history, and an event."""

from dataclasses import dataclass

from booking_system.booking.domain.events import (
    AppointmentCheckedIn,
    AppointmentCompleted,
    AppointmentEvent,
    MarkUndone,
    PatientDidNotShow,
)
from booking_system.booking.domain.history import Action
from booking_system.booking.domain.lifecycle import Mark


@dataclass(frozen=True, slots=True)
class Outcome:
    """The action of the entry, and the kind of the event."""

    action: Action
    event: type[AppointmentEvent]


OUTCOMES = {
    Mark.CHECK_IN: Outcome(Action.CHECKED_IN, AppointmentCheckedIn),
    Mark.COMPLETE: Outcome(Action.COMPLETED, AppointmentCompleted),
    Mark.NO_SHOW: Outcome(Action.NO_SHOW, PatientDidNotShow),
    Mark.UNDO: Outcome(Action.UNDONE, MarkUndone),
}
