"""The ledger, as people see it."""

from collections.abc import Sequence

import asyncpg
from sqlalchemy import select

from booking_system.notifications.application.show_messages import Told
from booking_system.notifications.domain.message import Channel, Kind, State
from booking_system.notifications.domain.money import cause_of, part_of
from booking_system.notifications.records.tables import message_ledger
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId

m = message_ledger.c
OF_APPOINTMENT = Statement(
    select(
        m.id,
        m.kind,
        m.channel,
        m.recipient_key,
        m.revision,
        m.offset_minutes,
        m.state,
        m.reason,
        m.error_code,
        m.provider,
        m.planned_at,
        m.due_at,
        m.ended_at,
        m.attempts,
    )
    .where(m.appointment_id == an_id("appointment_id"))
    .order_by(m.due_at, m.id)
)


class PostgresMessages:
    """Reads what was planned, and what became of it."""

    def __init__(self, database: Database) -> None:
        """Nothing is written."""
        self._database = database

    async def of_appointment(self, appointment_id: AppointmentId) -> Sequence[Told]:
        """Read all of an appointment: some for each of its revisions."""
        async with self._database.reading() as connection:
            rows = await OF_APPOINTMENT.fetch(connection, appointment_id=appointment_id)
        return [_told(row) for row in rows]


def _told(row: asyncpg.Record) -> Told:
    cause = cause_of(row["recipient_key"])
    return Told(
        id=row["id"],
        kind=Kind(row["kind"]),
        channel=Channel(row["channel"]),
        recipient=part_of(row["recipient_key"]),
        about_id=None if cause is None else cause.id,
        revision=row["revision"],
        offset_minutes=row["offset_minutes"],
        state=State(row["state"]),
        reason=row["reason"],
        error_code=row["error_code"],
        provider=row["provider"],
        planned_at=row["planned_at"],
        due_at=row["due_at"],
        ended_at=row["ended_at"],
        attempts=row["attempts"],
    )
