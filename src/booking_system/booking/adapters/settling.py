"""What becomes of the time that an appointment gives back: it goes to those it was shared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import asyncpg

from booking_system.booking.adapters import lifecycle_statements, span_statements
from booking_system.booking.adapters.rows import card_of
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.history import Entry
from booking_system.platform.postgres.outbox import payload_text
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.identifiers import (
    AppointmentId,
    DoctorId,
    PatientId,
    SlotId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The time that an appointment had until now. UTC."""

    id: AppointmentId
    doctor_id: DoctorId
    patient_id: PatientId
    since: datetime
    until: datetime

    @classmethod
    def by(cls, appointment: Appointment) -> Self:
        """Return all that it claims."""
        return cls(
            id=appointment.id,
            doctor_id=appointment.doctor_id,
            patient_id=appointment.patient_id,
            since=appointment.blocked.starts_at,
            until=appointment.blocked.ends_at,
        )


async def settle(
    connection: asyncpg.Connection,
    left: Sequence[Left],
    slot_ids: Sequence[SlotId],
    change: Entry,
) -> None:
    """Give each slot that was left to the appointment that was overbooked in it first, if any.

    An appointment shares its time only as long as somebody else has it: with its last conflict the
    mark is gone, too.
    """
    rows = await connection.fetch(
        lifecycle_statements.MARKED,
        [one.doctor_id for one in left],
        [one.since for one in left],
        [one.until for one in left],
        [one.patient_id for one in left],
        [one.id for one in left],
    )
    if not rows:
        return
    await connection.execute(lifecycle_statements.HAND_OVER, slot_ids)
    for row in rows:
        await share_less(connection, row["id"], change)


async def share_less(
    connection: asyncpg.Connection, appointment_id: AppointmentId, change: Entry
) -> None:
    """Let a marked appointment share what others still have of its time, and nothing else."""
    await connection.execute(lifecycle_statements.SHARE_LESS, appointment_id)
    row = await connection.fetchrow(lifecycle_statements.HEIR, appointment_id)
    if row is not None:
        heir = card_of(row).appointment
        heir.inherit_slot(change)
        await connection.execute(lifecycle_statements.INHERIT, *change_of(heir))


async def unblock(connection: asyncpg.Connection, appointments: Sequence[Appointment]) -> None:
    """Take their marks from the slots around them, while they are still stored where they were."""
    further = [one.id for one in appointments if one.reaches_further]
    if further:
        await connection.execute(span_statements.UNBLOCK, further)


def change_of(appointment: Appointment) -> list[Any]:
    """Return the values of `lifecycle_statements.CHANGED`, in its order."""
    change, (event,) = appointment.last_change, appointment.pull_events()
    assert change is not None, "only what was changed is stored"
    places = (change.left, change.entered)
    return [
        appointment.id,
        change.version,
        change.action,
        change.occurred_at,
        change.user_id,
        change.side,
        change.reason,
        *(it for p in places for it in ((None, None) if p is None else (p.slot_id, p.starts_at))),
        uuid7(),
        event.name,
        payload_text(event),
    ]
