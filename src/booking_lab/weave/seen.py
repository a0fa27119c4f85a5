"""What is stored and committed at one moment, as a stranger reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from booking_lab.weave.deeds import ALL_SLOTS, Deed

SLOTS = """SELECT id, doctor_id, starts_at, ends_at, appointment_id, hold_id, held_until, held_for,
 closed_because, outside_availability, lower(hold_blocks) AS kept_from,
 upper(hold_blocks) AS kept_until, deleted_at IS NOT NULL AS is_deleted
 FROM time_slots ORDER BY starts_at, doctor_id, id"""
VISITS = """SELECT id, patient_id, doctor_id, service_id, time_slot_ids, status, overbooked,
 patient_doubled, starts_at, ends_at, reason, cancel_reason, version,
 revision, updated_at, pay_by, payment_status, price_amount, due_first_amount, cancelled_by
 FROM appointments ORDER BY id"""
KEYS = "SELECT key, resource_ids[1] AS appointment_id FROM idempotency_keys ORDER BY key"
HISTORY = "SELECT appointment_id, version, action, reason FROM appointment_history ORDER BY 1, 2"
EVENTS = """SELECT payload ->> 'appointment_id' AS appointment_id,
 (payload ->> 'version')::int AS version
 FROM (SELECT name, payload FROM outbox UNION ALL SELECT name, payload FROM event_feed) told
 WHERE name LIKE 'booking.%' ORDER BY 1, 2"""
GONE = """SELECT id FROM doctors WHERE deleted_at IS NOT NULL
 UNION ALL SELECT id FROM patients WHERE deleted_at IS NOT NULL
 UNION ALL SELECT id FROM services WHERE deleted_at IS NOT NULL"""
OFFERS = "SELECT service_id, doctor_id FROM service_doctors"

HAVE_NOTHING = frozenset({"cancelled", "pending_payment", "expired"})
"""While one waits for money a hold keeps its slots."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """Slots and appointments by id, what each key has made; and what the clock showed."""

    now: datetime
    slots: Mapping[UUID, Row]
    visits: Mapping[UUID, Row]
    keys: Mapping[str, UUID]
    gone: frozenset[UUID]
    """Doctors, patients and services that are removed."""
    offers: frozenset[tuple[UUID, UUID]]
    """Each service with each doctor who offers it."""

    def active(self) -> Iterator[Row]:
        """Yield the appointments that have their slots."""
        return (row for row in self.visits.values() if row["status"] not in HAVE_NOTHING)

    def by_mark(self, mark: str) -> list[Row]:
        """Return the appointments that a deed of this mark has made."""
        return [row for row in self.visits.values() if row["reason"] == mark]

    def holder(self, slot: Row) -> UUID | None:
        """Return the patient for whom the slot is held at this moment."""
        is_held = slot["hold_id"] is not None and slot["held_until"] > self.now
        return slot["held_for"] if is_held else None

    def is_offered(self, deed: Deed) -> bool:
        """Say whether the doctor of the slot that is meant offers the service that is."""
        is_there = deed.service_id not in self.gone
        return is_there and (deed.service_id, deed.doctor_id) in self.offers

    def told(self) -> Iterator[str]:
        """Yield a line for each row, in which nothing is left to chance."""
        names = {row["id"]: f"visit {row['reason']}" for row in self.visits.values()}
        for number, slot in enumerate(self.slots.values()):
            held = None if (holder := self.holder(slot)) is None else holder.int % 16
            yield (
                f"slot {number}: {names.get(slot['appointment_id'])}, held for {held},"
                f" {slot['closed_because']}, {slot['is_deleted']}"
            )
        for row in self.visits.values():
            yield f"{names[row['id']]}: {row['status']} version {row['version']}"


async def seen(eyes: asyncpg.Connection, now: datetime) -> Seen:
    """Read all of it; `now` is what the clock shows."""
    return Seen(
        now,
        {row["id"]: row for row in await eyes.fetch(SLOTS)},
        {row["id"]: row for row in await eyes.fetch(VISITS)},
        {row["key"]: row["appointment_id"] for row in await eyes.fetch(KEYS)},
        frozenset(row["id"] for row in await eyes.fetch(GONE)),
        frozenset((row["service_id"], row["doctor_id"]) for row in await eyes.fetch(OFFERS)),
    )


def place_of(slot_id: UUID) -> int | None:
    """Return which slot of the scene it is; None for a slot that was made since."""
    return next((n for n, one in enumerate(ALL_SLOTS) if one == slot_id), None)
