"""Booking in PostgreSQL: what reads appointments, one statement each."""

from collections.abc import Iterator, Sequence
from typing import Any

from booking_system.booking.adapters.lifecycle_statements import HISTORY
from booking_system.booking.adapters.rows import card_of, entry_of
from booking_system.booking.adapters.statements import CARD, CARD_JOINS
from booking_system.booking.application.ports import BookingSearch, Scope
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.history import Entry
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId

LEFT = "s.outside_availability AND s.appointment_id IS NOT NULL AND s.clinic_id = {clinic}"

OUTSIDE = f"""a.id = ANY(ARRAY(SELECT s.appointment_id FROM time_slots s WHERE {LEFT}
 UNION ALL SELECT o.id FROM time_slots s JOIN appointments o ON o.time_slot_ids @> ARRAY[s.id]
  AND o.overbooked AND o.status <> 'cancelled' WHERE {LEFT}))"""  # noqa: S608
"""Few, and found by themselves: by way of the list, all of a clinic would be looked at."""

CLINIC_OF = "(SELECT d.clinic_id FROM doctors d WHERE d.id = ${})"

READ = f"SELECT {CARD} {CARD_JOINS}"


class PostgresBookingReader:
    """Reads cards inside a scope."""

    def __init__(self, database: Database) -> None:
        """Reads go through single statements, outside any transaction."""
        self._database = database

    async def find(self, search: BookingSearch, scope: Scope) -> Sequence[AppointmentCard]:
        """Read a page by keyset on `(starts_at, id)`."""
        statement, values = statement_for(search, scope)
        async with self._database.reading() as connection:
            rows = await connection.fetch(statement, *values)
        return [card_of(row) for row in rows]

    async def show(self, appointment_id: AppointmentId, scope: Scope) -> AppointmentCard | None:
        """Read one."""
        values: list[Any] = [appointment_id]
        within = _within(scope, BookingSearch(), values)
        statement = f"{READ} WHERE a.id = $1 AND {within}"
        async with self._database.reading() as connection:
            row = await connection.fetchrow(statement, *values)
        return None if row is None else card_of(row)

    async def history(self, appointment_id: AppointmentId, scope: Scope) -> Sequence[Entry]:
        """Read it in one statement, so that it is of one moment."""
        values: list[Any] = [appointment_id]
        statement = HISTORY.format(within=_within(scope, BookingSearch(), values))
        async with self._database.reading() as connection:
            rows = await connection.fetch(statement, *values)
        return [entry_of(row) for row in rows]


def statement_for(search: BookingSearch, scope: Scope) -> tuple[str, list[Any]]:
    """Return the statement for just these filters, so that each has its own plan."""
    values: list[Any] = []
    conditions = [_within(scope, search, values), *_filters(search, values)]
    direction, beyond = ("DESC", "<") if search.latest_first else ("ASC", ">")
    if search.after is not None:
        values += search.after
        place = f"(${len(values) - 1}, ${len(values)})"
        conditions.append(f"(a.starts_at, a.id) {beyond} {place}")
    values.append(search.limit + 1)
    order = f"ORDER BY a.starts_at {direction}, a.id {direction} LIMIT ${len(values)}"
    return f"{READ} WHERE {' AND '.join(conditions)} {order}", values


def _filters(search: BookingSearch, values: list[Any]) -> Iterator[str]:
    for condition, value in (
        ("a.clinic_id = ${}", search.clinic_id),
        ("a.doctor_id = ${}", search.doctor_id),
        ("a.patient_id = ${}", search.patient_id),
        ("a.status = ANY(${})", list(search.statuses) or None),
        ("a.reference = ${}", search.reference),
        ("a.starts_at >= ${}", search.since),
        ("a.starts_at < ${}", search.until),
    ):
        if value is not None:
            values.append(value)
            yield condition.format(len(values))
    if search.outside_availability:
        is_of_clinic = search.clinic_id is not None
        values.append(search.clinic_id if is_of_clinic else search.doctor_id)
        clinic = ("${}" if is_of_clinic else CLINIC_OF).format(len(values))
        yield OUTSIDE.format(clinic=clinic)


def _within(scope: Scope, search: BookingSearch, values: list[Any]) -> str:
    """Return the condition that keeps the reader inside the scope.

    Where a filter already lies inside the scope nothing is added to it: an `OR` over three
    columns would cost the index that delivers the rows in order.
    """
    if search.clinic_id in scope.clinic_ids or search.doctor_id in scope.doctor_ids:
        return "true"
    if search.patient_id is not None and search.patient_id == scope.patient_id:
        return "true"
    ways = []
    for condition, whose in (
        ("a.patient_id = ${}", scope.patient_id),
        ("a.doctor_id = ANY(${})", list(scope.doctor_ids)),
        ("a.clinic_id = ANY(${})", list(scope.clinic_ids)),
    ):
        if whose:
            values.append(whose)
            ways.append(condition.format(len(values)))
    return f"({' OR '.join(ways)})" if ways else "false"
