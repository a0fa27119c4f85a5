"""Use case: an appointment goes to another time slot of its clinic, and stays what it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.booking.application.offer_instead import offer_instead
from booking_system.booking.application.overlaps import WatchOverlaps
from booking_system.booking.application.ports import (
    Alternatives,
    BookingTransaction,
    BookingWork,
    MoveWish,
)
from booking_system.booking.domain.agreed import agreed_for
from booking_system.booking.domain.attempt import BookingAttempt, BookingRule, judged
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.booking.domain.party import Party
from booking_system.booking.domain.refusals import AppointmentNotFound, BookingNotActive
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.search import AgreedNeed, Visits
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Conflict, Invalid, check_seen
from booking_system.shared_kernel.identifiers import ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class RescheduleAppointment:
    """Takes the new slots and frees the old ones in one transaction, or does neither.

    All who need several slots lock them by ascending id, and an appointment after its slots: so
    two who want each other's never wait for one another.
    """

    transaction: BookingTransaction
    alternatives: Alternatives
    rules: Sequence[BookingRule]
    clock: Clock
    overlaps: WatchOverlaps

    async def __call__(
        self, *, wish: MoveWish, version: int | None, actor: Actor
    ) -> AppointmentCard:
        """Return the moved appointment; where it begins in that slot already, nothing changes.

        Raises `AppointmentNotFound`, `Stale`, `BookingNotActive`, `CancelTooLate`, `Invalid` for a
        slot of another clinic, or the refusal of the first rule that says no; a `Conflict` over
        the slot carries `alternatives`. Raises `RateLimited` for staff who were told too often
        that the patient is elsewhere.
        """
        async with self.overlaps.move(wish, actor):
            card = await self._moved(wish, version, actor)
        if card.appointment.last_change is not None and card.appointment.patient_doubled:
            await self.overlaps.overridden(card.appointment.patient_id, actor)
        return card

    async def _moved(self, wish: MoveWish, version: int | None, actor: Actor) -> AppointmentCard:
        visits: Visits | None = None
        agreed: AgreedNeed | None = None
        try:
            async with self.transaction() as work:
                card, party = await _locked(work, wish, version, actor)
                booked = card.appointment
                visits = Visits.told_to(actor, booked.patient_id)
                agreed = agreed_for(booked)
                is_there = booked.time_slot_id == wish.slot_id
                if is_there and booked.status is AppointmentStatus.CONFIRMED:
                    return card
                return await self._move(work, card, wish, actor, party)
        except BookingNotActive:
            raise
        except Conflict as refusal:
            await offer_instead(
                refusal,
                wish.slot_id,
                None,
                visits=visits,
                moves=agreed,
                alternatives=self.alternatives,
                clock=self.clock,
            )
            raise

    async def _move(
        self, work: BookingWork, card: AppointmentCard, wish: MoveWish, actor: Actor, party: Party
    ) -> AppointmentCard:
        booked, now = card.appointment, self.clock.now()
        booked.check_reschedulable(party.side, now=now)
        attempt = await work.attempt_to_move(booked, wish, actor=actor, now=now)
        _check_clinic(attempt, booked.clinic_id)
        override = judged(attempt, self.rules)
        booked.reschedule(attempt.the_span, party, reason=wish.reason, now=now, override=override)
        await work.move(booked)
        return card.moved(attempt)


async def _locked(
    work: BookingWork, wish: MoveWish, version: int | None, actor: Actor
) -> tuple[AppointmentCard, Party]:
    card = await work.lock_with(wish.slot_id, wish.appointment_id)
    party = None if card is None else card.party_of(actor)
    if card is None or party is None:
        raise AppointmentNotFound
    check_seen(version, card.appointment.version)
    return card, party


def _check_clinic(attempt: BookingAttempt, clinic_id: ClinicId) -> None:
    if attempt.slot is not None and attempt.slot.clinic_id != clinic_id:
        raise Invalid.field("/time_slot_id", "is a time slot of another clinic", "other_clinic")
