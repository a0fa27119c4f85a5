"""The rows of one doctor's calendar: time slots, and the patients who have booked some of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from booking_lab.scale.directory import Practice
from booking_lab.scale.size import (
    BOOKED_DAYS,
    BOOKED_SHARE,
    PATIENTS_PER_DOCTOR,
)
from booking_system.booking.domain.reference import ALPHABET, LENGTH, reference_from
from booking_system.platform.uuid7 import uuid7
from booking_system.scheduling.domain.availability import Hours, horizon_of
from booking_system.scheduling.domain.local_time import wall_clock
from booking_system.shared_kernel.mode import Mode

Row = tuple[Any, ...]

SLOT_COLUMNS = (
    "id",
    "clinic_id",
    "doctor_id",
    "starts_at",
    "ends_at",
    "mode",
    "appointment_id",
    "version",
    "created_at",
    "rule_id",
    "wall_starts_at",
)
PATIENT_COLUMNS = ("id", "full_name", "email", "created_at", "updated_at")
KNOWN_COLUMNS = ("clinic_id", "patient_id", "known_since")
APPOINTMENT_COLUMNS = (
    "id",
    "reference",
    "status",
    "payment_status",
    "time_slot_id",
    "clinic_id",
    "doctor_id",
    "patient_id",
    "service_id",
    "starts_at",
    "ends_at",
    "mode",
    "price_amount",
    "price_currency",
    "cancel_notice_minutes",
    "booked_by",
    "created_at",
    "updated_at",
    "time_slot_ids",
    "blocked_from",
    "blocked_until",
    "duration_minutes",
)


class Opening(NamedTuple):
    """A slot that hours make. Start and end in UTC, `wall` without an offset."""

    starts_at: datetime
    ends_at: datetime
    wall: datetime
    mode: Mode


@dataclass(frozen=True, slots=True)
class CalendarRows:
    """What is copied into the tables, in the order in which they refer to each other."""

    slots: list[Row] = field(default_factory=list)
    patients: list[Row] = field(default_factory=list)
    known: list[Row] = field(default_factory=list)
    appointments: list[Row] = field(default_factory=list)

    def tables(self) -> Iterator[tuple[str, tuple[str, ...], list[Row]]]:
        """Yield table, columns and rows."""
        yield "time_slots", SLOT_COLUMNS, self.slots
        yield "patients", PATIENT_COLUMNS, self.patients
        yield "clinic_patients", KNOWN_COLUMNS, self.known
        yield "appointments", APPOINTMENT_COLUMNS, self.appointments


class Calendars:
    """Makes the calendars of one load. The same hours in the same zone are reckoned once."""

    def __init__(self, *, now: datetime, days: int, chance: random.Random) -> None:
        """`chance` says which slots are booked."""
        self._now = now
        self._horizon = horizon_of(now, days)
        self._booked_until = now + timedelta(days=BOOKED_DAYS)
        self._chance = chance
        self._openings: dict[tuple[Hours, str], list[Opening]] = {}
        self._references: set[str] = set()

    def rows_of(self, practice: Practice) -> CalendarRows:
        """Make them. A patient books with this doctor only, so is never in two places."""
        rows = CalendarRows()
        patients = [uuid7() for _ in range(PATIENTS_PER_DOCTOR)]
        doctor, zone = practice.doctor, practice.place.clinic.time_zone
        for rule in practice.rules:
            for opening in self._made_of(rule.hours, zone):
                slot_id, appointment_id = uuid7(), None
                if opening.starts_at < self._booked_until and self._chance.random() < BOOKED_SHARE:
                    appointment_id = uuid7()
                    patient = patients[len(rows.appointments) % len(patients)]
                    booked = self._booked(appointment_id, slot_id, practice, patient, opening)
                    rows.appointments.append(booked)
                rows.slots.append(
                    (
                        slot_id,
                        doctor.clinic_id,
                        doctor.id,
                        opening.starts_at,
                        opening.ends_at,
                        opening.mode,
                        appointment_id,
                        1 if appointment_id is None else 2,
                        self._now,
                        rule.id,
                        opening.wall,
                    )
                )
        for patient in patients:
            who = f"patient-{patient.hex[-12:]}@example.com"
            rows.patients.append((patient, "Example Patient", who, self._now, self._now))
            rows.known.append((doctor.clinic_id, patient, self._now))
        return rows

    def _made_of(self, hours: Hours, zone: str) -> list[Opening]:
        known = self._openings.get((hours, zone))
        if known is None:
            known = self._openings[hours, zone] = [
                Opening(
                    slot.starts_at,
                    slot.ends_at,
                    wall_clock(slot.starts_at, zone).replace(tzinfo=None),
                    hours.mode,
                )
                for slot in hours.slots_within(self._horizon, zone)
            ]
        return known

    def _booked(
        self,
        appointment_id: UUID,
        slot_id: UUID,
        practice: Practice,
        patient_id: UUID,
        opening: Opening,
    ) -> Row:
        place = practice.place
        service = place.services[opening.mode]
        assert service.price is not None, "each service of the load has a price"
        return (
            appointment_id,
            self._reference(),
            "confirmed",
            "not_required",
            slot_id,
            place.clinic.id,
            practice.doctor.id,
            patient_id,
            service.id,
            opening.starts_at,
            opening.ends_at,
            opening.mode,
            service.price.amount,
            service.price.currency,
            place.clinic.policy.cancel_notice_minutes,
            place.receptionist,
            self._now,
            self._now,
            [slot_id],
            opening.starts_at,
            opening.ends_at,
            service.duration_minutes,
        )

    def _reference(self) -> str:
        while True:
            reference = reference_from(self._chance.randrange(len(ALPHABET) ** LENGTH))
            if reference not in self._references:
                self._references.add(reference)
                return reference
