"""Rows of the booking statements, made into what the domain speaks of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.attempt import (
    BookingAttempt,
    ClinicFacts,
    MovingFacts,
    PatientFacts,
    ServiceFacts,
)
from booking_system.booking.domain.history import Action, Entry, SlotTime
from booking_system.booking.domain.party import Side
from booking_system.booking.domain.span import Need, Span
from booking_system.booking.records.cards import doctor_of
from booking_system.directory.domain.service import PaymentTerms
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.records.slots import slot_of
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money

MINUTE = timedelta(minutes=1)


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
    """Make the attempt of a row of `ATTEMPT` or `FACTS`, or of None where there is no such slot."""
    wish = asked.wish
    if row is None:
        return BookingAttempt(now=asked.now, actor=asked.actor, slot=None, moves=asked.moving)
    taken = Span(slots=(slot_of(row),)) if span is None else span
    return BookingAttempt(
        now=asked.now,
        actor=asked.actor,
        slot=taken.slots[0],
        span=taken,
        is_clear=row["is_clear"],
        moves=asked.moving,
        clinic=ClinicFacts(
            name=row["clinic_name"],
            time_zone=row["time_zone"],
            minimum_notice=row["min_notice_minutes"] * MINUTE,
            cancel_notice=row["cancel_notice_minutes"] * MINUTE,
            horizon=timedelta(days=row["horizon_days"]),
            most_open_bookings=row["max_open_bookings_per_patient"],
            offers_services=row["offers_services"],
            hold_length=row["clinic_hold_minutes"] * MINUTE,
            payment_window=row["payment_minutes"] * MINUTE,
            takes_anonymous_holds=row["anonymous_holds"],
            phone=row["clinic_phone"],
            address=row["clinic_address"],
        ),
        doctor=doctor_of(row),
        patient=_patient_of(row, wish),
        service_id=wish.service_id,
        service=_service_of(row, wish),
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


def _service_of(row: Any, wish: BookingWish) -> ServiceFacts | None:
    if row["service_name"] is None or wish.service_id is None:
        return None
    amount, deposit = row["price_amount"], row["deposit_amount"]
    return ServiceFacts(
        id=wish.service_id,
        name=row["service_name"],
        need=_need(row),
        price=None if amount is None else Money(amount, row["currency"]),
        payment=PaymentTerms(row["payment"]),
        deposit=None if deposit is None else Money(deposit, row["currency"]),
        is_offered_by_doctor=row["is_offered_by_doctor"],
        is_live=row["service_is_live"],
    )


def _need(row: Any) -> Need:
    return Need(
        duration=row["duration_minutes"] * MINUTE,
        before=row["buffer_before_minutes"] * MINUTE,
        after=row["buffer_after_minutes"] * MINUTE,
        mode=Mode(row["service_mode"]),
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
