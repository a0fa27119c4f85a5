"""All that booking needs from the outside world."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.attempt import BookingAttempt, Override
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.history import Entry
from booking_system.booking.domain.holding import HeldSlot, Holder
from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.directory.domain.references import Noted
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.search import AgreedNeed, Cover, FoundSlot, Visits
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.idempotency import IdempotencyKey
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    ClinicId,
    DoctorId,
    HoldId,
    PatientId,
    ServiceId,
    SlotId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingWish:
    """What somebody asks for: to book a slot, to hold it, or to know whether they could.

    `hold_id` is the hold that they say they have, `shown_hold` the one whose token they showed.
    To hold a slot, or to ask about it, nobody has to say for whom; either can be for a move of the
    appointment that it `moves`, which was `agreed`: it is then looked at as if it were not there,
    and stays in its clinic. `noted` is what another system of the clinic calls the booking.
    """

    slot_id: SlotId
    patient_id: PatientId | None
    service_id: ServiceId | None = None
    reason: str | None = None
    key: IdempotencyKey | None = None
    hold_id: HoldId | None = None
    shown_hold: HoldId | None = None
    override: Override | None = None
    agreed: AgreedNeed | None = None
    noted: Noted | None = None

    @property
    def moves(self) -> AppointmentId | None:
        """Which appointment is looked at as if it were not there."""
        return None if self.agreed is None else self.agreed.appointment_id

    def visits_told_to(self, actor: Actor | None) -> Visits | None:
        """Return the patient's appointments that the actor may be told of; None for nobody."""
        return None if self.patient_id is None else Visits.told_to(actor, self.patient_id)

    def check_clinic(self, attempt: BookingAttempt) -> None:
        """Raise `Invalid` for a slot of another clinic than what moves."""
        slot, agreed = attempt.slot, self.agreed
        if agreed is not None and slot is not None and slot.clinic_id != agreed.clinic_id:
            raise Invalid.field("/booking_id", "is a booking of another clinic", "other_clinic")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveWish:
    """Where somebody wants an appointment to go."""

    appointment_id: AppointmentId
    slot_id: SlotId
    reason: str | None = None
    override: Override | None = None


class BookingWork(Protocol):
    """What one booking transaction can reach."""

    async def attempt(self, wish: BookingWish, *, actor: Actor, now: datetime) -> BookingAttempt:
        """Lock the slot, so that rivals wait until the transaction ends, and read all facts.

        Where the service takes more than the slot, lock all that it meets, by ascending id.
        """
        ...

    async def add(self, appointment: Appointment, key: IdempotencyKey | None = None) -> None:
        """Store the appointment, make it the owner of its slots, store its events and its key.

        Raises `SlotAlreadyBooked` or `PatientOverlap` where a constraint has the last word,
        `Transient` where the key was used before.
        """
        ...

    async def note_outside(
        self, appointment_id: AppointmentId, clinic_id: ClinicId, noted: Noted
    ) -> None:
        """Store what another system calls it. Raises `ExternalIdTaken`, `Invalid`."""
        ...

    async def earlier(self, key: IdempotencyKey, *, now: datetime) -> AppointmentId | None:
        """Return what was booked with the key and write that it was asked for again.

        None: nothing was. Raises `IdempotencyKeyInUse`, `IdempotencyKeyReused`.
        """
        ...

    async def lock(self, appointment_id: AppointmentId) -> AppointmentCard | None:
        """Lock its slots, and those around it, then the appointment; None where there is none."""
        ...

    async def release(self, appointments: Sequence[Appointment]) -> None:
        """Store cancelled appointments, free their slots, store history and events."""
        ...

    async def mark(self, appointment: Appointment) -> None:
        """Store where a locked appointment stands, its history and its event.

        From its `released_at` on, its time is free again.
        """
        ...

    async def confirm(self, appointment: Appointment) -> None:
        """Store that a locked appointment was confirmed by its patient, history and event."""
        ...

    async def take_back(self, appointment: Appointment, *, now: datetime) -> None:
        """Do so, and own its slots again.

        Raises `SlotUnavailable`, `SlotAlreadyBooked`, `SlotHeld` or `PatientOverlap` where
        somebody else has that time by now.
        """
        ...

    async def lock_with(
        self, slot_id: SlotId, appointment_id: AppointmentId
    ) -> AppointmentCard | None:
        """Lock what it would take from this slot on, and what it has, by ascending id.

        And then the appointment.
        """
        ...

    async def attempt_to_move(
        self, appointment: Appointment, wish: MoveWish, *, actor: Actor, now: datetime
    ) -> BookingAttempt:
        """Read the facts of a booking of a locked slot as if the appointment were not there."""
        ...

    async def move(self, appointment: Appointment) -> None:
        """Store where a locked appointment went, all slots, its history and its event.

        Raises `SlotAlreadyBooked` or `PatientOverlap` where a constraint has the last word.
        """
        ...


BookingTransaction = Callable[[], AbstractAsyncContextManager[BookingWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""


class HoldWork(Protocol):
    """What one transaction that holds a slot, or lets it go, can reach."""

    async def attempt(self, wish: BookingWish, holder: Holder, *, now: datetime) -> BookingAttempt:
        """Lock the holder, so that their holds are counted one by one, then the slot.

        The facts are those of a booking, and how many other slots the holder holds. Of the
        patient's appointments those count that the holder may be told of.
        """
        ...

    async def lock(self, hold_id: HoldId) -> HeldSlot | None:
        """Lock the slot that the hold is on, in force or not; None where there is none."""
        ...

    async def place(self, held: HeldSlot, *, now: datetime) -> None:
        """Store the hold, new or extended, and its event.

        Raises `SlotAlreadyBooked` where a constraint has the last word.
        """
        ...

    async def release(self, held: HeldSlot, *, now: datetime) -> None:
        """Open the slot and store the event."""
        ...


HoldTransaction = Callable[[], AbstractAsyncContextManager[HoldWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything."""


class HoldReader(Protocol):
    """Reads without locking anything."""

    async def show(self, hold_id: HoldId) -> HeldSlot | None:
        """Return the slot that the hold is on, in force or not; None where there is none."""
        ...

    async def attempt(
        self, wish: BookingWish, *, actor: Actor | None, now: datetime
    ) -> BookingAttempt:
        """Read the facts of a booking: to explain, never to decide.

        Of the patient's appointments those count that the actor may be told of.
        """
        ...


class Alternatives(Protocol):
    """Finds what could be booked instead."""

    async def __call__(  # noqa: PLR0913
        self,
        slot_id: SlotId,
        *,
        now: datetime,
        most: int,
        service_id: ServiceId | None = None,
        visits: Visits | None = None,
        moves: AgreedNeed | None = None,
        unless: Cover | None = None,
    ) -> Sequence[FoundSlot]:
        """Return the nearest bookable slots of the same doctor, then of the same clinic.

        Where a service is named, those in which it could begin; where an appointment `moves`,
        those in which it could, as it was agreed and as if it were not there. None for whose time
        one of the `visits` is another appointment, and none that `unless` covers.
        """
        ...


class References(Protocol):
    """Makes booking references."""

    def new(self) -> str:
        """Return a fresh one, like `K7QM-3F9D`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose appointments an actor may see at all: theirs in any of these senses."""

    patient_id: PatientId | None
    doctor_ids: frozenset[DoctorId]
    clinic_ids: frozenset[ClinicId]

    @classmethod
    def of(cls, actor: Actor) -> "Scope":
        """Return the actor's scope."""
        return cls(
            patient_id=actor.patient_id,
            doctor_ids=actor.doctor_ids,
            clinic_ids=actor.staff_of | actor.winding_up,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingSearch:
    """Filters that all have to hold; None: any. `after` is the sort key of the last one seen.

    Of `statuses` it has one, or any where there are none. Just those `outside_availability` can be
    asked for together with a clinic or a doctor, an `external_id` together with its clinic.
    """

    clinic_id: ClinicId | None = None
    doctor_id: DoctorId | None = None
    patient_id: PatientId | None = None
    statuses: Collection[AppointmentStatus] = ()
    reference: str | None = None
    external_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    outside_availability: bool = False
    latest_first: bool = False
    after: tuple[datetime, UUID] | None = None
    limit: int = 50


class BookingReader(Protocol):
    """Reads appointments without locking anything."""

    async def find(self, search: BookingSearch, scope: Scope) -> Sequence[AppointmentCard]:
        """Return appointments inside the scope by start, one more than `limit` if there are."""
        ...

    async def show(self, appointment_id: AppointmentId, scope: Scope) -> AppointmentCard | None:
        """Return one; None where there is none inside the scope."""
        ...

    async def history(self, appointment_id: AppointmentId, scope: Scope) -> Sequence[Entry]:
        """Return what became of one, oldest first; nothing where there is none in the scope."""
        ...
