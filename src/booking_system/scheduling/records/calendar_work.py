"""Calendars that have to be planned soon: asked for in any transaction, done in the background.

A row is one doctor's. The hours are followed until `planned_until`, and what lies behind it is to
be planned anew; where it is null, only slots that were left behind are looked at. A transaction
that asks may hold the lock of the doctor's row, or of the clinic's, or none: the rows here are
locked last.
"""

from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from booking_system.directory.records.tables import doctors
from booking_system.platform.postgres.phrases import a_number, an_id, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.slots import clinic_of
from booking_system.scheduling.records.tables import calendar_work as work
from booking_system.scheduling.records.tables import time_slots
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId

DOCTOR_ID, DUE_AT = an_id("doctor_id"), instant("due_at")
PLANNED_UNTIL, ASKED = instant("planned_until"), a_number("asked")


def asking_for(calendars: Select[Any]) -> Insert:
    """Return the statement that asks for what the query finds.

    Its columns: doctor, clinic, when it is due, and from when on the calendar is to be planned;
    null: only the slots that were left behind are looked at.
    """
    columns = [work.c.doctor_id, work.c.clinic_id, work.c.due_at, work.c.planned_until]
    asking = insert(work).from_select(columns, calendars)
    return asking.on_conflict_do_update(
        index_elements=[work.c.doctor_id],
        set_={
            "due_at": func.least(work.c.due_at, asking.excluded.due_at),
            "planned_until": func.least(work.c.planned_until, asking.excluded.planned_until),
            "asked": work.c.asked + 1,
        },
    )


def _asking_of(whose: ColumnElement[bool]) -> Statement[Any]:
    calendars = select(doctors.c.id, doctors.c.clinic_id, DUE_AT, PLANNED_UNTIL)
    present = calendars.where(whose, doctors.c.deleted_at.is_(None))
    return Statement(asking_for(present.order_by(doctors.c.id)))


ASK_DOCTOR = _asking_of(doctors.c.id == DOCTOR_ID)
ASK_CLINIC = _asking_of(doctors.c.clinic_id == an_id("clinic_id"))


def _asking_at_end_of_holds() -> Statement[Any]:
    s, now = time_slots.alias("s"), instant("now")
    held = (
        select(s.c.doctor_id, s.c.clinic_id, func.min(s.c.held_until))
        .where(
            s.c.clinic_id == clinic_of(DOCTOR_ID),
            s.c.doctor_id == DOCTOR_ID,
            s.c.deleted_at.is_(None),
            s.c.outside_availability,
            s.c.appointment_id.is_(None),
            s.c.starts_at > now,
            s.c.held_until > now,
        )
        .group_by(s.c.doctor_id, s.c.clinic_id)
    )
    asking = insert(work).from_select([work.c.doctor_id, work.c.clinic_id, work.c.due_at], held)
    return Statement(
        asking.on_conflict_do_update(
            index_elements=[work.c.doctor_id],
            set_={"due_at": func.least(work.c.due_at, asking.excluded.due_at)},
        )
    )


AT_END_OF_HOLDS = _asking_at_end_of_holds()
"""SlotQuery for under the doctor's lock: nobody else takes the row meanwhile."""

UNTIL_WHEN: Statement[Any] = Statement(
    select(work.c.planned_until).where(work.c.doctor_id == DOCTOR_ID)
)

TAKE: Statement[Any] = Statement(
    select(work.c.doctor_id)
    .select_from(work.join(doctors, doctors.c.id == work.c.doctor_id))
    .where(work.c.due_at <= instant("now"))
    .order_by(work.c.due_at)
    .limit(1)
    .with_for_update(key_share=True, of=doctors, skip_locked=True)
)
"""Locks the doctor, not the row: who owns that lock may ask without waiting."""

ASKED_FOR: Statement[Any] = Statement(
    select(work.c.doctor_id, work.c.asked, work.c.planned_until).where(
        work.c.doctor_id == DOCTOR_ID, work.c.due_at <= instant("now")
    )
)

_UNLESS_ASKED_AGAIN = (work.c.doctor_id == DOCTOR_ID, work.c.asked == ASKED)

DONE: Statement[Any] = Statement(delete(work).where(*_UNLESS_ASKED_AGAIN))

GO_ON: Statement[Any] = Statement(
    update(work).values(planned_until=PLANNED_UNTIL).where(*_UNLESS_ASKED_AGAIN)
)

PUT_OFF: Statement[Any] = Statement(update(work).values(due_at=DUE_AT).where(*_UNLESS_ASKED_AGAIN))


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
    await ASK_DOCTOR.execute(
        connection, doctor_id=doctor_id, due_at=due_at, planned_until=planned_until
    )


async def ask_clinic(
    connection: asyncpg.Connection,
    clinic_id: ClinicId,
    *,
    due_at: datetime,
    planned_until: datetime | None,
) -> None:
    """Do so for each doctor of the clinic who is there."""
    await ASK_CLINIC.execute(
        connection, clinic_id=clinic_id, due_at=due_at, planned_until=planned_until
    )


async def ask_at_end_of_holds(
    connection: asyncpg.Connection, doctor_id: DoctorId, *, now: datetime
) -> None:
    """Have slots looked at that were left behind for a hold, when the first of these is over.

    The doctor is locked; who takes the work away asks behind that, for the state decides.
    """
    await AT_END_OF_HOLDS.execute(connection, doctor_id=doctor_id, now=now)


async def planned_until(connection: asyncpg.Connection, doctor_id: DoctorId) -> datetime | None:
    """Return from when on (UTC) the calendar is yet to be planned; None where all is done."""
    planned: datetime | None = await UNTIL_WHEN.fetchval(connection, doctor_id=doctor_id)
    return planned


async def take(connection: asyncpg.Connection, *, now: datetime) -> DoctorId | None:
    """Lock one doctor whose calendar is due and whom nobody else has, and say which; or None."""
    taken: DoctorId | None = await TAKE.fetchval(connection, now=now)
    return taken


async def asked_for(
    connection: asyncpg.Connection, doctor_id: DoctorId, *, now: datetime
) -> Any | None:
    """Return the row of the doctor, who is locked, or None where it is no longer due.

    The lock is not the row's: another worker can have done the work between the moment at which
    `take` saw the row and the moment at which the lock was free.
    """
    return await ASKED_FOR.fetchrow(connection, doctor_id=doctor_id, now=now)


async def done(connection: asyncpg.Connection, row: Any) -> bool:
    """Take the row away, unless somebody has asked again since; say whether it is gone."""
    told = await DONE.execute(connection, doctor_id=row["doctor_id"], asked=row["asked"])
    return bool(told == "DELETE 1")


async def go_on(
    connection: asyncpg.Connection, row: Any, *, planned_until: datetime | None
) -> None:
    """Remember how far it is planned, unless somebody has asked again since."""
    await GO_ON.execute(
        connection, doctor_id=row["doctor_id"], asked=row["asked"], planned_until=planned_until
    )


async def put_off(connection: asyncpg.Connection, row: Any, *, until: datetime) -> None:
    """Let it wait, unless somebody has asked again since."""
    await PUT_OFF.execute(connection, doctor_id=row["doctor_id"], asked=row["asked"], due_at=until)
