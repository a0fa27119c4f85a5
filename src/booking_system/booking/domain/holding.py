"""Holds on slots: what they keep, who may use them, and how many a caller may have."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from booking_system.booking.domain.attempt import BookingAttempt, made_at_desk_by
from booking_system.booking.domain.events import HoldEvent, HoldWasReleased, SlotWasHeld
from booking_system.booking.domain.span import Span
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.hold import Hold, HoldTerms
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.identifiers import HoldId, PatientId

MOST_OF_A_PATIENT = 3
MOST_OF_A_USER = 10
"""Of one user, for any patient but themselves; the holds of colleagues do not count."""
MOST_OF_A_NETWORK = 10
"""Of all visitors at one address who have not signed in: a family, or a clinic's own lobby."""


class Quota(StrEnum):
    """Which holds of a caller are counted before they may have another."""

    PATIENT = "patient"
    """What a patient holds for themselves."""
    USER = "user"
    """What a signed-in user holds for another patient, or for nobody yet."""
    NETWORK = "network"
    """What visitors of one network hold who have not signed in."""

    @property
    def most(self) -> int:
        """The most holds at a time."""
        return MOST_OF[self]


MOST_OF = {
    Quota.PATIENT: MOST_OF_A_PATIENT,
    Quota.USER: MOST_OF_A_USER,
    Quota.NETWORK: MOST_OF_A_NETWORK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The party that asks about a hold: a user, a visitor who shows its token, or both."""

    actor: Actor | None
    shown_hold: HoldId | None = None
    network: bytes = b""

    def quota(self, patient_id: PatientId | None) -> Quota:
        """Say what a hold for the patient, or for nobody yet, counts against."""
        if self.actor is None:
            return Quota.NETWORK
        is_own = patient_id is not None and patient_id == self.actor.patient_id
        return Quota.PATIENT if is_own else Quota.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSlot:
    """A slot and the hold that keeps it, with all that the hold keeps beside it.

    `span` begins with the slot: a hold for a service keeps what booking that service would take.
    A hold that `is_abandoned` was made by a member of staff who has left the clinic.
    """

    span: Span
    hold: Hold
    is_abandoned: bool = False

    @property
    def slot(self) -> TimeSlot:
        """The slot that was asked for."""
        return self.span.slots[0]

    @classmethod
    def by(cls, attempt: BookingAttempt, *, identity: HoldId, network: bytes) -> Self:
        """Hold the slots of an attempt that passed every rule, for as long as the clinic says.

        The owner of a hold on the first slot has the same hold again, and no longer than before.
        """
        hold, span = attempt.the_slot.hold_in_force(attempt.now), attempt.the_span
        if hold is None:
            assert attempt.clinic is not None, "a slot always has a clinic"
            length = attempt.clinic.hold_length
            hold = Hold(
                id=identity,
                until=min(attempt.now + length, latest_end(attempt.the_slot, attempt.now)),
                length=length,
                patient_id=None if attempt.patient is None else attempt.patient.id,
                user_id=None if attempt.actor is None else attempt.actor.user_id,
                network=network if attempt.actor is None else None,
            )
        hold = replace(
            hold,
            blocks=None if span.is_one_slot else span.blocked,
            terms=_terms_of(attempt),
        )
        return cls(span=span.held_by(hold), hold=hold)

    def is_owned_by(self, holder: Holder) -> bool:
        """Say whether they may extend it and give it back, which is less than to book with it.

        The patient may, the member of staff who made it, and a visitor with its token.
        """
        actor, hold = holder.actor, self.hold
        if made_at_desk_by(actor, hold, self.slot.clinic_id):
            return True
        if hold.patient_id is not None and actor is not None:
            return actor.patient_id == hold.patient_id
        return holder.shown_hold == hold.id

    def may_be_released_by(self, holder: Holder) -> bool:
        """Say whether they may give it back: its owner, and the desk once its maker has left."""
        if self.is_owned_by(holder):
            return True
        is_desk = holder.actor is not None and holder.actor.works_at(self.slot.clinic_id)
        return self.is_abandoned and is_desk

    def is_seen_by(self, holder: Holder) -> bool:
        """Say whether they may know of it: its owner and the clinic's desk."""
        if self.is_owned_by(holder):
            return True
        return holder.actor is not None and holder.actor.works_at(self.slot.clinic_id)

    def extended(self, *, now: datetime) -> Self:
        """Keep it as long again. Raises `HoldExpired`, `HoldAlreadyExtended`."""
        hold = self.hold.extended(now=now, latest=latest_end(self.slot, now))
        return replace(self, span=self.span.held_by(hold), hold=hold)

    def held(self, *, now: datetime) -> HoldEvent:
        """Return the event that it is held."""
        return SlotWasHeld(occurred_at=now, until=self.hold.until, **self._ids())

    def released(self, *, now: datetime) -> HoldEvent:
        """Return the event that it is given back."""
        return HoldWasReleased(occurred_at=now, **self._ids())

    def _ids(self) -> dict[str, Any]:
        return {
            "hold_id": self.hold.id,
            "time_slot_id": self.slot.id,
            "time_slot_ids": tuple(slot.id for slot in self.span.touched),
            "clinic_id": self.slot.clinic_id,
            "doctor_id": self.slot.doctor_id,
            "starts_at": min(slot.period.starts_at for slot in self.span.touched),
            "ends_at": max(slot.period.ends_at for slot in self.span.touched),
        }


def latest_end(slot: TimeSlot, now: datetime) -> datetime:
    """Return when a hold ends at the latest, UTC: a slot is booked before it begins.

    Staff may still book a slot that runs.
    """
    return slot.period.ends_at if slot.has_begun(now) else slot.period.starts_at


def _terms_of(attempt: BookingAttempt) -> HoldTerms | None:
    """Return what is agreed with a hold; None where it is not said yet what it is for."""
    is_said = attempt.service is not None or (
        attempt.service_id is None
        and attempt.clinic is not None
        and not attempt.clinic.offers_services
    )
    return attempt.agreement if is_said and attempt.moves is None else None
