"""What staff learn of a patient's other appointments by trying: little, and it is written down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from booking_system.booking.application.ports import (
    BookingReader,
    BookingWish,
    HoldReader,
    MoveWish,
    Scope,
)
from booking_system.booking.domain.agreed import agreed_for
from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.refusals import RateLimited
from booking_system.identity.domain.throttling import Allowance, overlap_keys
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId, PatientId, SlotId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldOverlap:
    """Who learned when that a patient is elsewhere at the time of a slot; None: by a merge."""

    user_id: UserId
    patient_id: PatientId
    slot_id: SlotId | None
    told_at: datetime


class ToldOverlaps(Protocol):
    """Keeps what staff were told, for the people who look after them."""

    async def add(self, told: ToldOverlap) -> None:
        """Store it, also where a refusal undoes the transaction that the caller is in."""
        ...


class OverlapThrottle(Protocol):
    """Counts what staff were told."""

    async def check(self, *keys: str) -> None:
        """Raise `RateLimited` where a quota is used up; count nothing."""
        ...

    async def admit(self, *keys: str) -> Allowance | None:
        """Count one for each key. Raises `RateLimited` where a quota is used up."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOverlaps:
    """Watches real attempts of staff for a patient.

    What they would be told by asking (`ExplainSlot`) is not counted, and nothing that the patient
    does for themselves. Staff who were told too often do nothing more for the patient for a while:
    else what succeeds would tell as much.
    """

    throttle: OverlapThrottle
    told: ToldOverlaps
    facts: HoldReader
    reader: BookingReader
    clock: Clock

    @asynccontextmanager
    async def booking(self, wish: BookingWish, actor: Actor) -> AsyncIterator[None]:
        """Watch somebody book. Raises `RateLimited`."""
        visits = wish.visits_told_to(actor)
        if visits is None or visits.are_all_told:
            yield
            return
        keys = overlap_keys(actor.user_id, visits.patient_id)
        await self.throttle.check(*keys)
        try:
            yield
        except PatientOverlap:
            if not await self._is_told_anyway(wish, actor):
                await self._tell(visits.patient_id, wish.slot_id, actor)
            raise

    @asynccontextmanager
    async def move(self, wish: MoveWish, actor: Actor) -> AsyncIterator[None]:
        """Watch somebody move an appointment. Raises `RateLimited`."""
        async with self._of_appointment(wish.appointment_id, wish.slot_id, actor):
            yield

    @asynccontextmanager
    async def undoing(self, appointment_id: AppointmentId, actor: Actor) -> AsyncIterator[None]:
        """Watch somebody take back the time of an appointment. Raises `RateLimited`."""
        async with self._of_appointment(appointment_id, None, actor):
            yield

    @asynccontextmanager
    async def merging(self, patient_id: PatientId, actor: Actor) -> AsyncIterator[None]:
        """Watch somebody merge another record into the patient's. Raises `RateLimited`."""
        await self.throttle.check(*overlap_keys(actor.user_id, patient_id))
        try:
            yield
        except PatientOverlap:
            await self._tell(patient_id, None, actor)
            raise

    async def overridden(self, patient_id: PatientId, actor: Actor) -> None:
        """Count an override, which tells of an overlap; the appointment says by whom and why."""
        # The booking is made, and a limit that it reaches refuses the next attempt only.
        with suppress(RateLimited):
            await self.throttle.admit(*overlap_keys(actor.user_id, patient_id))

    @asynccontextmanager
    async def _of_appointment(
        self, appointment_id: AppointmentId, slot_id: SlotId | None, actor: Actor
    ) -> AsyncIterator[None]:
        is_of_a_clinic = actor.staff_of or actor.doctor_ids
        card = None
        if is_of_a_clinic:
            card = await self.reader.show(appointment_id, Scope.of(actor))
        if card is None:
            yield
            return
        booked = card.appointment
        wish = BookingWish(
            slot_id=booked.time_slot_id if slot_id is None else slot_id,
            patient_id=booked.patient_id,
            service_id=booked.service_id,
            agreed=agreed_for(booked),
        )
        async with self.booking(wish, actor):
            yield

    async def _is_told_anyway(self, wish: BookingWish, actor: Actor) -> bool:
        attempt = await self.facts.attempt(wish, actor=actor, now=self.clock.now())
        return attempt.patient is not None and attempt.patient.is_busy

    async def _tell(self, patient_id: PatientId, slot_id: SlotId | None, actor: Actor) -> None:
        """Count first: of attempts at one moment, those beyond the limit learn nothing."""
        await self.throttle.admit(*overlap_keys(actor.user_id, patient_id))
        await self.told.add(
            ToldOverlap(
                user_id=actor.user_id,
                patient_id=patient_id,
                slot_id=slot_id,
                told_at=self.clock.now(),
            )
        )
