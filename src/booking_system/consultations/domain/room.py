"""The room of an appointment: its window, its states, and what may be done in which.

    scheduled → open → waiting (the patient is here) → live (admitted) → ended | expired | cancelled

What was decided in a room holds for one revision of its appointment: a move begins it anew.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.consultations.domain.refusals import ConsultationNotOpen
from booking_system.consultations.domain.visit import Visit

EXTENSION = timedelta(minutes=15)
"""By so long a doctor keeps the room open, once."""
NOTICE = timedelta(minutes=5)
"""So long a call goes on behind the end of the window, and everybody in it is told."""
MOST_LATE = 120


class RoomState(StrEnum):
    """Where a room stands."""

    SCHEDULED = "scheduled"
    OPEN = "open"
    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN_STATES = frozenset({RoomState.OPEN, RoomState.WAITING, RoomState.LIVE})


class EndReason(StrEnum):
    """Why nobody can come in any more."""

    ENDED = "ended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


FOLLOWING = frozenset({EndReason.CANCELLED, EndReason.NO_SHOW})
"""Not decided in the room, but followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One room. `seq` is the number of the last thing that was stored in it.

    The revisions say for which time of the appointment the patient was admitted, the window
    extended, and the consultation ended. `late_minutes` is what the doctor told the patient.
    `doctor_is_elsewhere`: the doctor talks in another room by now.
    """

    visit: Visit
    seq: int = 0
    admitted_revision: int | None = None
    extended_revision: int | None = None
    ended_revision: int | None = None
    end_reason: EndReason | None = None
    late_revision: int | None = None
    late_minutes: int = 0
    doctor_is_elsewhere: bool = False

    @property
    def is_ended(self) -> bool:
        """It was ended since the appointment was last moved.

        What the appointment's state had ended, goes on where that state is taken back.
        """
        if self.ended_revision != self.visit.revision:
            return False
        return not (self.end_reason in FOLLOWING and self.visit.takes_place)

    @property
    def is_admitted(self) -> bool:
        """The doctor has let the patient in, and not put them on hold since."""
        return self.admitted_revision == self.visit.revision and not self.is_ended

    @property
    def is_extended(self) -> bool:
        """The doctor has made use of the one extension."""
        return self.extended_revision == self.visit.revision

    @property
    def told_late(self) -> int:
        """By how many minutes the doctor is late, as they said of this time; 0: nothing said."""
        return self.late_minutes if self.late_revision == self.visit.revision else 0

    @property
    def window_ends_at(self) -> datetime:
        """The end of the window, with the extension."""
        return self.visit.closes_at + (EXTENSION if self.is_extended else timedelta())

    def closes_at(self, now: datetime) -> datetime:
        """Return when it closes: a call that goes on has some minutes of notice."""
        end = self.window_ends_at
        return end + NOTICE if self.is_admitted and now >= end else end

    def due_end(self, now: datetime) -> EndReason | None:
        """Return what has ended it by itself, although nobody has noted it; None: nothing has."""
        if self.is_ended or now < self.visit.opens_at:
            return None
        if self.visit.status is AppointmentStatus.NO_SHOW:
            return EndReason.NO_SHOW
        if not self.visit.takes_place:
            return EndReason.CANCELLED
        return EndReason.EXPIRED if now >= self.closes_at(now) else None

    def state(self, now: datetime, *, patient_is_here: bool) -> RoomState:
        """Say where it stands."""
        if not self.visit.takes_place:
            return RoomState.CANCELLED
        if self.is_ended:
            is_over = self.end_reason is EndReason.EXPIRED
            return RoomState.EXPIRED if is_over else RoomState.ENDED
        if now < self.visit.opens_at:
            return RoomState.SCHEDULED
        if now >= self.closes_at(now):
            return RoomState.EXPIRED
        if self.is_admitted:
            return RoomState.LIVE
        return RoomState.WAITING if patient_is_here else RoomState.OPEN

    def is_open(self, now: datetime) -> bool:
        """Say whether its parties may be in it."""
        return self.state(now, patient_is_here=False) in OPEN_STATES

    def check_open(self, now: datetime) -> None:
        """Raise `ConsultationNotOpen` with the window, unless its parties may be in it."""
        state = self.state(now, patient_is_here=False)
        if state not in OPEN_STATES:
            raise ConsultationNotOpen(
                room_state=state, opens_at=self.visit.opens_at, closes_at=self.closes_at(now)
            )

    def admitted(self) -> Self:
        """Let the patient in; again, it changes nothing."""
        return replace(self, admitted_revision=self.visit.revision)

    def held(self) -> Self:
        """Put the patient back into the waiting room."""
        return replace(self, admitted_revision=None)

    def extended(self) -> Self:
        """Keep it open for longer; again, it changes nothing."""
        return replace(self, extended_revision=self.visit.revision)

    def late(self, minutes: int) -> Self:
        """Note what the doctor tells the patient; 0 takes it back."""
        return replace(self, late_revision=self.visit.revision, late_minutes=minutes)

    def ended(self, reason: EndReason) -> Self:
        """Let nobody in any more, until the appointment is moved."""
        return replace(
            self,
            ended_revision=self.visit.revision,
            end_reason=reason,
            admitted_revision=None,
        )

    @property
    def is_admitted_for_another_time(self) -> bool:
        """The appointment was moved since the patient was let in."""
        return self.admitted_revision not in {None, self.visit.revision}
