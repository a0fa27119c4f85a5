"""Booking in PostgreSQL: what reads appointments, one statement each."""

from collections.abc import Sequence
from typing import Any

from booking_system.booking.adapters import reading_statements
from booking_system.booking.adapters.reading_statements import USUAL_FILTERS, Page
from booking_system.booking.adapters.rows import entry_of
from booking_system.booking.application.ports import BookingSearch, Scope
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.history import Entry
from booking_system.booking.records.cards import card_of
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId

Values = dict[str, Any]


class PostgresBookingReader:
    """Reads cards inside a scope."""

    def __init__(self, database: Database) -> None:
        """Reads go through single statements, outside any transaction."""
        self._database = database

    async def find(self, search: BookingSearch, scope: Scope) -> Sequence[AppointmentCard]:
        """Read a page by keyset on `(starts_at, id)`."""
        shape, values = page_of(search, scope)
        async with self._database.reading() as connection:
            rows = await reading_statements.page(shape).fetch(connection, **values)
        return [card_of(row) for row in rows]

    async def show(self, appointment_id: AppointmentId, scope: Scope) -> AppointmentCard | None:
        """Read one."""
        seen = _ways(scope)
        wanted = reading_statements.one(frozenset(seen))
        async with self._database.reading() as connection:
            row = await wanted.fetchrow(connection, appointment_id=appointment_id, **seen)
        return None if row is None else card_of(row)

    async def history(self, appointment_id: AppointmentId, scope: Scope) -> Sequence[Entry]:
        """Read it in one statement, so that it is of one moment."""
        seen = _ways(scope)
        wanted = reading_statements.history(frozenset(seen))
        async with self._database.reading() as connection:
            rows = await wanted.fetch(connection, appointment_id=appointment_id, **seen)
        return [entry_of(row) for row in rows]


def page_of(search: BookingSearch, scope: Scope) -> tuple[Page, Values]:
    """Return which statement reads the page, and its values."""
    asked = {name: getattr(search, name) for name in USUAL_FILTERS}
    asked["statuses"] = list(search.statuses) or None
    filters = {name: value for name, value in asked.items() if value is not None}
    if search.reference is not None:
        filters["reference"] = search.reference
    if search.external_id is not None:
        filters["external_id"] = search.external_id
    seen = None if _lies_inside(search, scope) else _ways(scope)
    values = filters | (seen or {}) | {"most": search.limit + 1}
    if search.after is not None:
        values |= dict(zip(("after_start", "after_id"), search.after, strict=True))
    shape = Page(
        filters=frozenset(filters),
        ways=None if seen is None else frozenset(seen),
        is_outside=search.outside_availability,
        is_latest_first=search.latest_first,
        is_continued=search.after is not None,
    )
    return shape, values


def _lies_inside(search: BookingSearch, scope: Scope) -> bool:
    """Say whether all that is asked for is in the scope anyway."""
    if search.clinic_id in scope.clinic_ids or search.doctor_id in scope.doctor_ids:
        return True
    return search.patient_id is not None and search.patient_id == scope.patient_id


def _ways(scope: Scope) -> Values:
    """Return by whom the reader sees an appointment."""
    whose = {
        "own_patient_id": scope.patient_id,
        "own_doctor_ids": list(scope.doctor_ids),
        "own_clinic_ids": list(scope.clinic_ids),
    }
    return {way: them for way, them in whose.items() if them}
