"""What a slot's row says of its hold."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, or_

from booking_system.directory.domain.service import PaymentTerms
from booking_system.scheduling.domain.hold import Hold, HoldTerms
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period

MINUTE = timedelta(minutes=1)

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
    "hold_deposit_amount": None,
}
"""The columns of a slot that nobody holds, each of which is one of a hold."""


def hold_is_over(slot: FromClause, now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that no hold on the slot is in force."""
    return or_(slot.c.held_until.is_(None), slot.c.held_until <= now)


def hold_of(row: Any) -> Hold | None:
    """Make the hold of a row with the columns of one; None where there is none."""
    if row["hold_id"] is None:
        return None
    blocks = row["hold_blocks"]
    return Hold(
        id=row["hold_id"],
        until=row["held_until"],
        length=row["hold_minutes"] * MINUTE,
        is_extended=row["hold_extended"],
        patient_id=row["held_for"],
        user_id=row["held_by"],
        network=row["hold_network"],
        blocks=None if blocks is None else Period(blocks.lower, blocks.upper),
        terms=_terms_of(row),
    )


def _terms_of(row: Any) -> HoldTerms | None:
    payment, amount = row["hold_payment"], row["hold_price_amount"]
    if payment is None:
        return None
    deposit = row["hold_deposit_amount"]
    return HoldTerms(
        service_id=row["hold_service_id"],
        duration=row["hold_duration_minutes"] * MINUTE,
        price=None if amount is None else Money(amount, row["hold_price_currency"]),
        payment=PaymentTerms(payment),
        deposit=None if deposit is None else Money(deposit, row["hold_price_currency"]),
    )
