"""What a world has stored, in one form for all worlds: the columns that mean something."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.history import Entry
from booking_system.platform.postgres.outbox import payload_text
from booking_system.scheduling.domain.hold import Hold
from booking_system.scheduling.domain.time_slot import TimeSlot
from booking_system.shared_kernel.aggregate import DomainEvent
from tests.booking.memory import NamedRequest, Rows

Row = Mapping[str, Any]
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Rows by their keys; of deleted slots only that they are. The outbox is sorted."""

    slots: dict[UUID, Row]
    deleted: set[UUID]
    appointments: dict[UUID, Row]
    history: dict[tuple[UUID, int], Row]
    outbox: list[tuple[str, str, str]]
    keys: dict[tuple[str, str, str], Row]
    known: set[tuple[UUID, UUID]]
    doctors: dict[UUID, Row]
    patients: dict[UUID, Row]


SLOTS = """SELECT id, clinic_id, doctor_id, starts_at, ends_at, mode, closed_because,
 appointment_id, version, hold_id, held_until, hold_minutes, hold_extended, held_for, held_by,
 hold_network, hold_place, lower(hold_blocks) AS hold_blocks_from,
 upper(hold_blocks) AS hold_blocks_until, hold_service_id, hold_duration_minutes,
 hold_price_amount, hold_payment, coalesce(blocked_by, '{}') AS blocked_by,
 deleted_at IS NOT NULL AS is_deleted FROM time_slots ORDER BY id"""
APPOINTMENTS = "SELECT * FROM appointments ORDER BY id"
KEYS = """SELECT owner, operation, key, fingerprint, resource_ids[1] AS appointment_id, replays,
 created_at FROM idempotency_keys"""
KNOWN = """SELECT clinic_id, patient_id FROM clinic_patients WHERE known_because <> 'booked'
 UNION SELECT clinic_id, patient_id FROM appointments WHERE status <> 'cancelled'"""
REMOVABLE = """SELECT true AS is_doctor, id, version, deleted_at AS removed_at FROM doctors
 UNION ALL SELECT false, id, version, deleted_at FROM patients"""


async def read(connection: asyncpg.Connection) -> Stored:
    async def rows(statement: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(statement)]

    slots, removable = await rows(SLOTS), await rows(REMOVABLE)
    deleted = {row["id"] for row in slots if row.pop("is_deleted")}
    history = await rows("SELECT * FROM appointment_history ORDER BY appointment_id, version")
    outbox = await rows("SELECT name, payload, occurred_at FROM outbox")
    known = await rows(KNOWN)
    doctors = [row for row in removable if row.pop("is_doctor")]
    return Stored(
        slots=_by_id([row for row in slots if row["id"] not in deleted]),
        deleted=deleted,
        appointments=_by_id([_plain(row) for row in await rows(APPOINTMENTS)]),
        history={(row["appointment_id"], row["version"]): row for row in history},
        outbox=sorted(
            _event(row["name"], row["payload"], row["occurred_at"].isoformat()) for row in outbox
        ),
        keys={(row["owner"], row["operation"], row["key"]): row for row in await rows(KEYS)},
        known={(row["clinic_id"], row["patient_id"]) for row in known},
        doctors=_by_id(doctors),
        patients=_by_id([row for row in removable if row not in doctors]),
    )


def stored_in(rows: Rows) -> Stored:
    """Return the rows of the fake as PostgreSQL would have them."""
    removable = ("id", "version", "removed_at")
    return Stored(
        slots={
            one.id: _slot(one)
            | {
                "hold_place": rows.places.get(one.id),
                "blocked_by": rows.marks.get(one.id, []),
            }
            for one in sorted(rows.slots.values(), key=lambda one: one.id)
        },
        deleted=set(rows.deleted),
        appointments={
            one.id: _appointment(rows, one) for _, one in sorted(rows.appointments.items())
        },
        history={key: _entry(key[0], entry) for key, entry in sorted(rows.history.items())},
        outbox=sorted(_told(event) for event in rows.outbox),
        keys={key: _key(key, kept) for key, kept in rows.keys.items()},
        known={*rows.known},
        doctors={
            d.id: {name: getattr(d, name) for name in removable} for d in rows.doctors.values()
        },
        patients={
            p.id: {name: getattr(p, name) for name in removable} for p in rows.patients.values()
        },
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """With times that can be compared; what is shared is seen in what is claimed."""
    del row["doctor_shared"], row["patient_shared"]
    times = {
        name: tuple((one.lower, one.upper) for one in row[name])
        for name in ("doctor_time", "patient_time")
    }
    return row | times


def _by_id(rows: list[dict[str, Any]]) -> dict[UUID, Row]:
    return {row["id"]: row for row in rows}


def _event(name: str, payload: str, occurred_at: str) -> tuple[str, str, str]:
    return name, json.dumps(json.loads(payload), sort_keys=True), occurred_at


def _told(event: DomainEvent) -> tuple[str, str, str]:
    return _event(event.name, payload_text(event), event.occurred_at.isoformat())


def _slot(slot: TimeSlot) -> Row:
    hold = slot.hold
    return {
        "id": slot.id,
        "clinic_id": slot.clinic_id,
        "doctor_id": slot.doctor_id,
        "starts_at": slot.period.starts_at,
        "ends_at": slot.period.ends_at,
        "mode": slot.mode,
        "closed_because": slot.closed_because,
        "appointment_id": slot.appointment_id,
        "version": slot.version,
        "hold_id": None if hold is None else hold.id,
        "held_until": None if hold is None else hold.until,
        "hold_minutes": None if hold is None else hold.length // timedelta(minutes=1),
        "hold_extended": hold is not None and hold.is_extended,
        "held_for": None if hold is None else hold.patient_id,
        "held_by": None if hold is None else hold.user_id,
        "hold_network": None if hold is None else hold.network,
    } | _terms(hold)


def _terms(hold: Hold | None) -> Row:
    blocks = None if hold is None else hold.blocks
    terms = None if hold is None else hold.terms
    price = None if terms is None else terms.price
    return {
        "hold_blocks_from": None if blocks is None else blocks.starts_at,
        "hold_blocks_until": None if blocks is None else blocks.ends_at,
        "hold_service_id": None if terms is None else terms.service_id,
        "hold_duration_minutes": None if terms is None else terms.duration // MINUTE,
        "hold_price_amount": None if price is None else price.amount,
        "hold_payment": None if terms is None else terms.payment,
    }


OTHERWISE = {
    "period",
    "blocked",
    "duration",
    "time_slot_ids",
    "price",
    "due_first",
    "cancel_notice",
    "override",
    "last_change",
}
TERMS = ("late_cancel_minutes", "late_cancel_percent", "no_show_percent")
"""What is on the row where it is paid for through us, which no service is here."""
SAME = {field.name for field in fields(Appointment)} - OTHERWISE | {"time_slot_id"}
"""The attributes of an appointment that are called like their columns."""


def _appointment(rows: Rows, one: Appointment) -> Row:
    price, override = one.price, one.override
    return {name: getattr(one, name) for name in SAME} | {
        "patient_doubled": one.id in rows.patient_shared,
        "doctor_time": rows.doctor_time(one),
        "patient_time": rows.patient_time(one),
        "duration_minutes": one.duration // timedelta(minutes=1),
        "starts_at": one.period.starts_at,
        "ends_at": one.period.ends_at,
        "blocked_from": one.blocked.starts_at,
        "blocked_until": one.blocked.ends_at,
        "time_slot_ids": list(one.time_slot_ids),
        "price_amount": None if price is None else price.amount,
        "price_currency": None if price is None else price.currency,
        "due_first_amount": one.due_first and one.due_first.amount,
        **dict.fromkeys(TERMS),
        "cancel_notice_minutes": one.cancel_notice // timedelta(minutes=1),
        "override_codes": None if override is None else sorted(override.codes),
        "override_reason": None if override is None else override.reason,
    }


def _entry(whose: UUID, entry: Entry) -> Row:
    return {
        "appointment_id": whose,
        "version": entry.version,
        "action": entry.action,
        "occurred_at": entry.occurred_at,
        "by_user_id": entry.user_id,
        "side": entry.side,
        "reason": entry.reason,
        "from_slot_id": None if entry.left is None else entry.left.slot_id,
        "from_starts_at": None if entry.left is None else entry.left.starts_at,
        "to_slot_id": None if entry.entered is None else entry.entered.slot_id,
        "to_starts_at": None if entry.entered is None else entry.entered.starts_at,
    }


def _key(name: tuple[str, str, str], kept: NamedRequest) -> Row:
    return {
        **dict(zip(("owner", "operation", "key"), name, strict=True)),
        "fingerprint": kept.fingerprint,
        "appointment_id": kept.appointment_id,
        "replays": kept.replays,
        "created_at": kept.created_at,
    }
