"""What a slot's row says of its hold."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, or_

from booking_system.scheduling.domain.hold import Hold

HOLD_COLUMNS = """s.hold_id, s.held_until, s.hold_minutes, s.hold_extended, s.held_for, s.held_by,
 s.hold_network, s.hold_place, s.hold_blocks, s.hold_service_id, s.hold_duration_minutes,
 s.hold_price_amount, s.hold_price_currency, s.hold_payment"""

LET_GO = """hold_id = NULL, held_until = NULL, hold_minutes = NULL, hold_extended = false,
 held_for = NULL, held_by = NULL, hold_network = NULL, hold_place = NULL, hold_blocks = NULL,
 hold_service_id = NULL, hold_duration_minutes = NULL, hold_price_amount = NULL,
 hold_price_currency = NULL, hold_payment = NULL"""
"""What ends the hold of a slot, for an UPDATE of it."""

NO_HOLD: Mapping[str, Any] = {
    "hold_id": None,
    "held_until": None,
    "hold_minutes": None,
    "hold_extended": False,
    "held_for": None,
    "held_by": None,
    "hold_network": None,
    "hold_place": None,
    "hold_blocks": None,
    "hold_service_id": None,
    "hold_duration_minutes": None,
    "hold_price_amount": None,
    "hold_price_currency": None,
    "hold_payment": None,
}
"""The same as values of columns, each of which is one of a hold."""


def hold_is_over(slot: FromClause, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that no hold on the slot is in force."""
    return or_(slot.c.held_until.is_(None), slot.c.held_until <= now)


def hold_of(row: Any) -> Hold | None:
    """Make the hold of a row with the columns of one; None where there is none."""
    if row["hold_id"] is None:
        return None
    return Hold(
        id=row["hold_id"],
        until=row["held_until"],
        length=timedelta(minutes=row["hold_minutes"]),
        is_extended=row["hold_extended"],
        patient_id=row["held_for"],
        user_id=row["held_by"],
        network=row["hold_network"],
    )
