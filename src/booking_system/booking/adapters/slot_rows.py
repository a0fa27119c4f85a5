"""A time slot's row as booking reads it: with its owner and all that is known of its hold."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause


def slot_columns(slot: FromClause) -> tuple[ColumnElement[Any], ...]:
    """Return the columns of which `rows.slot_of` makes a slot."""
    return (
        slot.c.id.label("slot_id"),
        slot.c.clinic_id,
        slot.c.doctor_id,
        slot.c.starts_at,
        slot.c.ends_at,
        slot.c.mode,
        slot.c.closed_because,
        slot.c.appointment_id,
        slot.c.version.label("slot_version"),
        slot.c.blocked_by,
        slot.c.hold_id,
        slot.c.held_until,
        slot.c.hold_minutes,
        slot.c.hold_extended,
        slot.c.held_for,
        slot.c.held_by,
        slot.c.hold_network,
        slot.c.hold_place,
        slot.c.hold_blocks,
        slot.c.hold_service_id,
        slot.c.hold_duration_minutes,
        slot.c.hold_price_amount,
        slot.c.hold_price_currency,
        slot.c.hold_payment,
    )
