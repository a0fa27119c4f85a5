"""Rows of the booking statements, made into what the domain speaks of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booking_system.booking.adapters.attempt_facts import (
    Clinic,
    Doctor,
    Service,
    clinic_of,
    doctor_of,
    service_of,
)
from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.attempt import (
    BookingAttempt,
    MovingFacts,
    PatientFacts,
    ServiceFacts,
)
from booking_system.booking.domain.history import Action, Entry, SlotTime
from booking_system.booking.domain.party import Side
from booking_system.booking.domain.span import Need, Span
from booking_system.booking.records.cards import MINUTE
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.records.slots import slot_of
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.mode import Mode


@dataclass(frozen=True, slots=True)
class AttemptRequest:
    """What somebody asks for, and when. What is `moving` is looked at as if it were not there.

    Where it costs nothing to ask, only what may be told of the patient's appointments is read.
    """

    wish: BookingWish
    actor: Actor | None
    now: datetime
    moving: MovingFacts | None = None
    costs_nothing: bool = False

    @property
    def is_all_told(self) -> bool:
        """Say whether all of the patient's appointments count."""
        if not self.costs_nothing:
            return True
        visits = self.wish.visits_told_to(self.actor)
        return visits is None or visits.are_all_told

    @property
    def is_own(self) -> bool:
        """Say whether patients ask for themselves."""
        actor, patient_id = self.actor, self.wish.patient_id
        return actor is not None and patient_id is not None and actor.patient_id == patient_id

    @property
    def moves(self) -> AppointmentId | None:
        """Which appointment is moving."""
        return None if self.moving is None else self.moving.id


def moving_of(row: Any) -> MovingFacts:
    """Make what is agreed for an appointment of a row of `MOVING`."""
    return MovingFacts(
        id=row["id"],
        doctor_id=row["doctor_id"],
        starts_at=row["starts_at"],
        need=Need(
            duration=row["duration_minutes"] * MINUTE,
            before=row["starts_at"] - row["blocked_from"],
            after=row["blocked_until"] - row["ends_at"],
            mode=Mode(row["mode"]),
        ),
    )


def attempt_of(row: Any, asked: AttemptRequest, span: Span | None = None) -> BookingAttempt:
    """Make the attempt of a row of `ATTEMPT` or `FACTS`.

    There is no such slot where there is no row, or its clinic or doctor was deleted.
    """
    wish = asked.wish
    if row is None or row["clinic"] is None or row["doctor"] is None:
        return BookingAttempt(now=asked.now, actor=asked.actor, slot=None, moves=asked.moving)
    taken = Span(slots=(slot_of(row),)) if span is None else span
    clinic = Clinic(*row["clinic"])
    return BookingAttempt(
        now=asked.now,
        actor=asked.actor,
        slot=taken.slots[0],
        span=taken,
        is_clear=row["is_clear"],
        moves=asked.moving,
        clinic=clinic_of(clinic, offers_services=row["offers_services"]),
        doctor=doctor_of(Doctor(*row["doctor"])),
        patient=_patient_of(row, wish),
        service_id=wish.service_id,
        service=_service_of(row, wish, clinic),
        reason=wish.reason,
        hold_id=wish.hold_id,
        shown_hold=wish.shown_hold,
        override=wish.override,
        wants_patient=wish.patient_id is not None,
    )


def _patient_of(row: Any, wish: BookingWish) -> PatientFacts | None:
    if row["patient_name"] is None or wish.patient_id is None:
        return None
    return PatientFacts(
        id=wish.patient_id,
        full_name=row["patient_name"],
        is_known_here=row["is_known_here"],
        is_busy=row["is_busy"],
        open_bookings=row["open_bookings"],
    )


def _service_of(row: Any, wish: BookingWish, clinic: Clinic) -> ServiceFacts | None:
    if row["service"] is None or wish.service_id is None:
        return None
    return service_of(
        wish.service_id,
        Service(*row["service"]),
        currency=clinic.currency,
        is_offered_by_doctor=row["is_offered_by_doctor"],
    )


def entry_of(row: Any) -> Entry:
    """Make the entry of a row of `HISTORY`."""
    return Entry(
        version=row["version"],
        action=Action(row["action"]),
        occurred_at=row["occurred_at"],
        side=Side(row["side"]),
        user_id=row["by_user_id"],
        reason=row["reason"],
        left=_place_of(row["from_slot_id"], row["from_starts_at"]),
        entered=_place_of(row["to_slot_id"], row["to_starts_at"]),
    )


def _place_of(slot_id: Any, starts_at: Any) -> SlotTime | None:
    return None if slot_id is None else SlotTime(slot_id=slot_id, starts_at=starts_at)
