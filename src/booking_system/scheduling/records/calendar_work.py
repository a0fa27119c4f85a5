"""Calendars that have to be planned soon: asked for in any transaction, done in the background.

A row is one doctor's. The hours are followed until `planned_until`, and what lies behind it is to
be planned anew; where it is null, only slots that were left behind are looked at. A transaction
that asks may hold the lock of the doctor's row, or of the clinic's, or none: the rows here are
locked last.
"""

from datetime import datetime
from typing import Any

import asyncpg

from booking_system.shared_kernel.identifiers import ClinicId, DoctorId

ASK_OF = "INSERT INTO calendar_work AS w (doctor_id, clinic_id, due_at, planned_until)"
"""Begins a statement that asks, before the query of what it asks for."""

ASK_AGAIN = """ON CONFLICT (doctor_id) DO UPDATE SET due_at = least(w.due_at, excluded.due_at),
  planned_until = least(w.planned_until, excluded.planned_until), asked = w.asked + 1"""
"""Ends it."""

_ASK = f"""{ASK_OF} SELECT d.id, d.clinic_id, $2, $3 FROM doctors d
 WHERE d.{{whose}} = $1 AND d.deleted_at IS NULL ORDER BY d.id {ASK_AGAIN}"""  # noqa: S608
ASK_DOCTOR = _ASK.format(whose="id")
ASK_CLINIC = _ASK.format(whose="clinic_id")

AT_END_OF_HOLDS = """INSERT INTO calendar_work AS w (doctor_id, clinic_id, due_at)
 SELECT s.doctor_id, s.clinic_id, min(s.held_until) FROM time_slots s
 WHERE s.clinic_id = (SELECT clinic_id FROM doctors WHERE id = $1) AND s.doctor_id = $1
 AND s.deleted_at IS NULL AND s.outside_availability AND s.appointment_id IS NULL
 AND s.starts_at > $2 AND s.held_until > $2 GROUP BY s.doctor_id, s.clinic_id
 ON CONFLICT (doctor_id) DO UPDATE SET due_at = least(w.due_at, excluded.due_at)"""
"""Asked for under the doctor's lock: nobody else takes the row meanwhile."""

PLANNED_UNTIL = "SELECT planned_until FROM calendar_work WHERE doctor_id = $1"

TAKE = """SELECT w.doctor_id, w.asked, w.planned_until FROM calendar_work w
 JOIN doctors d ON d.id = w.doctor_id WHERE w.due_at <= $1
 ORDER BY w.due_at LIMIT 1 FOR NO KEY UPDATE OF d SKIP LOCKED"""
"""Locks the doctor, not the row: who owns that lock may ask without waiting."""

DONE = "DELETE FROM calendar_work WHERE doctor_id = $1 AND asked = $2"

GO_ON = """UPDATE calendar_work SET planned_until = $3 WHERE doctor_id = $1 AND asked = $2"""

PUT_OFF = """UPDATE calendar_work SET due_at = $3 WHERE doctor_id = $1 AND asked = $2"""


async def ask_doctor(
    connection: asyncpg.Connection,
    doctor_id: DoctorId,
    *,
    due_at: datetime,
    planned_until: datetime | None,
) -> None:
    """Have the doctor's calendar planned at `due_at` or soon after, from `planned_until` on (UTC).

    None: have only the slots looked at that were left behind. What was asked before is kept: the
    earlier of both times counts.
    """
    await connection.execute(ASK_DOCTOR, doctor_id, due_at, planned_until)


async def ask_clinic(
    connection: asyncpg.Connection,
    clinic_id: ClinicId,
    *,
    due_at: datetime,
    planned_until: datetime | None,
) -> None:
    """Do so for each doctor of the clinic who is there."""
    await connection.execute(ASK_CLINIC, clinic_id, due_at, planned_until)


async def ask_at_end_of_holds(
    connection: asyncpg.Connection, doctor_id: DoctorId, *, now: datetime
) -> None:
    """Have slots looked at that were left behind for a hold, when the first of these is over.

    The doctor is locked; who takes the work away asks behind that, for the state decides.
    """
    await connection.execute(AT_END_OF_HOLDS, doctor_id, now)


async def planned_until(connection: asyncpg.Connection, doctor_id: DoctorId) -> datetime | None:
    """Return from when on (UTC) the calendar is yet to be planned; None where all is done."""
    planned: datetime | None = await connection.fetchval(PLANNED_UNTIL, doctor_id)
    return planned


async def take(connection: asyncpg.Connection, *, now: datetime) -> Any | None:
    """Lock one doctor whose calendar is due and whom nobody else has; return the row, or None."""
    return await connection.fetchrow(TAKE, now)


async def done(connection: asyncpg.Connection, row: Any) -> bool:
    """Take the row away, unless somebody has asked again since; say whether it is gone."""
    told = await connection.execute(DONE, row["doctor_id"], row["asked"])
    return bool(told == "DELETE 1")


async def go_on(
    connection: asyncpg.Connection, row: Any, *, planned_until: datetime | None
) -> None:
    """Remember how far it is planned, unless somebody has asked again since."""
    await connection.execute(GO_ON, row["doctor_id"], row["asked"], planned_until)


async def put_off(connection: asyncpg.Connection, row: Any, *, until: datetime) -> None:
    """Let it wait, unless somebody has asked again since."""
    await connection.execute(PUT_OFF, row["doctor_id"], row["asked"], until)
