"""The expressions of `spans` as parts of statements that are still written as text."""

from typing import Any, cast

from sqlalchemy import ColumnElement, FromClause, literal_column

from booking_system.platform.postgres.spelled import NamedRow, spelled
from booking_system.scheduling.records import appointment_times, spans


def _row(alias: str) -> FromClause:
    return cast("FromClause", NamedRow(alias))


def span_of_text(slot: str, need: str) -> str:
    """Return `spans.span_of` as a subquery."""
    return f"({spelled(spans.span_of(_row(slot), _row(need)))})"


def is_one_slot_text(slot: str, need: str) -> str:
    """Return `spans.is_one_slot`."""
    return f"({spelled(spans.is_one_slot(_row(slot), _row(need)))})"


def blocked_from_text(slot: str, need: str) -> str:
    """Return `spans.blocked_from`."""
    return spelled(spans.blocked_from(_row(slot), _row(need)))


def blocked_until_text(span: str, need: str) -> str:
    """Return `spans.blocked_until`."""
    return spelled(spans.blocked_until(_row(span), _row(need)))


def no_appointment_text(doctor: str, during: str, *, but: str = "") -> str:
    """Return `appointment_times.no_appointment`."""
    other: ColumnElement[Any] | None = literal_column(but) if but else None
    doctor_id: ColumnElement[Any] = literal_column(doctor)
    time: ColumnElement[Any] = literal_column(during)
    return spelled(appointment_times.no_appointment(doctor_id, time, but=other))
