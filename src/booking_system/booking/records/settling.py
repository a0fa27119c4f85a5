"""What becomes of the time that an appointment gives back: it goes to those it was shared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import asyncpg

from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.history import Entry
from booking_system.booking.records import settling_statements, span_changes
from booking_system.booking.records.cards import card_of
from booking_system.booking.records.change_statements import INHERIT, Change
from booking_system.booking.records.settling_statements import LeftTime
from booking_system.platform.postgres.outbox import events_text
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
    """Give each slot that was given up to the appointment that was overbooked in it first, if any.

    An appointment is marked as overbooked while another appointment has some of its time. When the
    last such conflict ends, the mark goes.
    """
    rows = await settling_statements.SHARING.fetch(
        connection,
        LeftTime(
            appointment_ids=[one.id for one in left],
            doctor_ids=[one.doctor_id for one in left],
            patient_ids=[one.patient_id for one in left],
            since=[one.since for one in left],
            until=[one.until for one in left],
        ),
    )
    if not rows:
        return
    await settling_statements.HAND_OVER.execute(connection, slot_ids=slot_ids)
    for row in rows:
        await share_less(connection, row["id"], change)


async def share_less(
    connection: asyncpg.Connection, appointment_id: AppointmentId, change: Entry
) -> None:
    """Reduce the shared time of a marked appointment to the parts that others still have."""
    await settling_statements.SHARE_LESS.execute(connection, appointment_id=appointment_id)
    row = await settling_statements.SOLE_OWNER.fetchrow(connection, appointment_id=appointment_id)
    if row is not None:
        heir = card_of(row).appointment
        heir.inherit_slot(change)
        await INHERIT.execute(connection, change_of(heir))


async def unblock(connection: asyncpg.Connection, appointments: Sequence[Appointment]) -> None:
    """End the marks of these appointments on slots around them, while their old place is stored."""
    further = [one.id for one in appointments if one.reaches_further]
    if further:
        await span_changes.UNBLOCK.execute(connection, appointment_ids=further)


def change_of(appointment: Appointment) -> Change:
    """Return the last change of the appointment as a row, and take its events for it."""
    change = appointment.last_change
    assert change is not None, "only what was changed is stored"
    left, entered = change.left, change.entered
    return Change(
        appointment_id=appointment.id,
        version=change.version,
        action=change.action,
        occurred_at=change.occurred_at,
        by_user_id=change.user_id,
        side=change.side,
        reason=change.reason,
        from_slot_id=None if left is None else left.slot_id,
        from_starts_at=None if left is None else left.starts_at,
        to_slot_id=None if entered is None else entered.slot_id,
        to_starts_at=None if entered is None else entered.starts_at,
        events=events_text(appointment.pull_events()),
    )
