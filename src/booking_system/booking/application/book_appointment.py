"""Use case: a patient takes an open slot, or staff take it for a patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from booking_system.booking.application.offer_instead import offer_instead
from booking_system.booking.application.overlaps import WatchOverlaps
from booking_system.booking.application.ports import (
    Alternatives,
    BookingReader,
    BookingTransaction,
    BookingWish,
    References,
    Scope,
)
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingRule, judged
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.money_first import with_payment_waived
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.directory.domain.references import ExternalIdTaken
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import (
    Conflict,
    NotPermitted,
    Refusal,
    Transient,
    Unavailable,
)
from booking_system.shared_kernel.idempotency import IdempotencyKey
from booking_system.shared_kernel.identifiers import AppointmentId, Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAppointment:
    """Books a slot, or as many in a row as the service takes.

    See `booking.domain.double_booking` for why only once.
    """

    transaction: BookingTransaction
    reader: BookingReader
    alternatives: Alternatives
    rules: Sequence[BookingRule]
    clock: Clock
    identities: Identities
    references: References
    overlaps: WatchOverlaps

    async def __call__(self, *, wish: BookingWish, actor: Actor) -> AppointmentCard:
        """Return the booked appointment, or what was booked with the same key before.

        Raises the refusal of the first rule that says no; a `Conflict` carries `alternatives`.
        Raises `IdempotencyKeyReused`, `IdempotencyKeyInUse` where the wish has a key,
        `ExternalIdTaken` where another booking has the id that is noted with it, and `RateLimited`
        for staff who were told too often that the patient is elsewhere.
        """
        async with self.overlaps.booking(wish, actor):
            return await self._booked(wish, actor)

    async def _booked(self, wish: BookingWish, actor: Actor) -> AppointmentCard:
        try:
            card = await self._book(wish, actor)
        except (Refusal, Transient) as refusal:
            # A twin of this request may be what stands in its way.
            if wish.key is not None and not isinstance(refusal, Unavailable):
                earlier = await self._earlier(wish.key, actor)
                if earlier is not None:
                    return earlier
            if isinstance(refusal, Conflict) and not isinstance(refusal, ExternalIdTaken):
                await offer_instead(
                    refusal,
                    wish.slot_id,
                    wish.service_id,
                    visits=wish.visits_told_to(actor),
                    alternatives=self.alternatives,
                    clock=self.clock,
                )
            raise
        if card.appointment.patient_doubled:
            await self.overlaps.overridden(card.appointment.patient_id, actor)
        return card

    async def _book(self, wish: BookingWish, actor: Actor) -> AppointmentCard:
        async with self.transaction() as work:
            attempt = await work.attempt(wish, actor=actor, now=self.clock.now())
            if wish.noted is not None and not attempt.is_by_staff:
                raise NotPermitted("Only the clinic's staff set external_id and metadata.")
            override = judged(attempt, self.rules)
            if attempt.override is not None:
                override = with_payment_waived(attempt, override)
            appointment = Appointment.book(
                attempt,
                override=override,
                identity=AppointmentId(self.identities.new()),
                reference=self.references.new(),
            )
            await work.add(appointment, wish.key)
            if wish.noted is not None:
                await work.note_outside(appointment.id, appointment.clinic_id, wish.noted)
        return AppointmentCard.of(appointment, attempt)

    async def _earlier(self, key: IdempotencyKey, actor: Actor) -> AppointmentCard | None:
        async with self.transaction() as work:
            booked = await work.earlier(key, now=self.clock.now())
        if booked is None:
            return None
        card = await self.reader.show(booked, Scope.of(actor))
        if card is None:
            raise AppointmentNotFound
        return replace(card, is_replay=True)
