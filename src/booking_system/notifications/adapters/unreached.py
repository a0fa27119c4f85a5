"""Whom no message has reached, read from the ledger."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import and_, case, select, true, tuple_

from booking_system.booking.records.tables import appointments
from booking_system.directory.records.tables import clinics, patients
from booking_system.notifications.application.show_unreached import Missed, Unreached
from booking_system.notifications.domain.message import ASKING_FOR_MONEY, Channel, Kind, State
from booking_system.notifications.records.tables import message_ledger, was_missed
from booking_system.platform.postgres.phrases import an_id, how_many, ids, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import ClinicId

a, p = appointments.alias("a"), patients.alias("p")
m, o = message_ledger.alias("m"), message_ledger.alias("o")
MAY_ARRIVE = ["planned", "claimed", "sending", "unknown", "sent", "delivered"]

# What went the other way in the end has reached the patient, or still may.
_other = (
    select(o.c.id)
    .where(
        o.c.appointment_id == m.c.appointment_id,
        o.c.revision == m.c.revision,
        o.c.kind == m.c.kind,
        o.c.offset_minutes == m.c.offset_minutes,
        o.c.recipient_key == m.c.recipient_key,
        o.c.channel != m.c.channel,
        o.c.state.in_(MAY_ARRIVE),
    )
    .exists()
)
# What asked for money that is not waited for any more is nothing to tell.
_still_matters = case(
    (m.c.kind.in_(sorted(ASKING_FOR_MONEY)), a.c.status == "pending_payment"),
    (m.c.kind == Kind.PAYMENT_EXPIRED.value, a.c.status == "expired"),
    else_=true(),
)
_missed = (
    select(m.c.id)
    .where(
        m.c.clinic_id == an_id("clinic_id"),
        m.c.appointment_id == a.c.id,
        m.c.revision == a.c.revision,
        was_missed(m),
        _still_matters,
        ~_other,
    )
    .exists()
)
_names = (
    a.c.id,
    a.c.starts_at,
    a.c.status,
    a.c.doctor_id,
    a.c.patient_id,
    p.c.full_name,
    p.c.phone,
    p.c.email,
)
PAGE = Statement(
    select(*_names)
    .select_from(a.join(p, p.c.id == a.c.patient_id))
    .where(
        a.c.clinic_id == an_id("clinic_id"),
        a.c.starts_at > instant("now"),
        tuple_(a.c.starts_at, a.c.id) > tuple_(instant("since"), an_id("after")),
        _missed,
    )
    .order_by(a.c.starts_at, a.c.id)
    .limit(how_many("most"))
)
MESSAGES = Statement(
    select(
        m.c.appointment_id,
        m.c.kind,
        m.c.channel,
        m.c.state,
        m.c.reason,
        m.c.error_code,
        m.c.ended_at,
    )
    .select_from(m.join(a, and_(a.c.id == m.c.appointment_id, a.c.revision == m.c.revision)))
    .where(
        m.c.clinic_id == an_id("clinic_id"),
        m.c.appointment_id == ids("appointment_ids").any_(),
        was_missed(m),
        _still_matters,
        ~_other,
    )
    .order_by(m.c.ended_at, m.c.id)
)
CLINIC = Statement(
    select(clinics.c.id).where(clinics.c.id == an_id("clinic_id"), clinics.c.deleted_at.is_(None))
)
NOBODY = UUID(int=0)


class PostgresUnreached:
    """Two statements for a page: the appointments, and their messages."""

    def __init__(self, database: Database) -> None:
        """Nothing is written."""
        self._database = database

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Look in the directory."""
        async with self._database.reading() as connection:
            return await CLINIC.fetchval(connection, clinic_id=clinic_id) is not None

    async def page(
        self,
        clinic_id: ClinicId,
        *,
        now: datetime,
        behind: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Unreached]:
        """Read a page by keyset on start and id."""
        since, after = behind or (now, NOBODY)
        async with self._database.reading() as connection:
            rows = await PAGE.fetch(
                connection,
                clinic_id=clinic_id,
                now=now,
                since=since,
                after=after,
                most=limit + 1,
            )
            found = [row["id"] for row in rows]
            told = await MESSAGES.fetch(connection, clinic_id=clinic_id, appointment_ids=found)
        missed = defaultdict[Any, list[Missed]](list)
        for row in told:
            missed[row["appointment_id"]].append(_missed_of(row))
        return [_unreached_of(row, missed[row["id"]]) for row in rows]


def _missed_of(row: asyncpg.Record) -> Missed:
    return Missed(
        kind=Kind(row["kind"]),
        channel=Channel(row["channel"]),
        state=State(row["state"]),
        reason=row["reason"],
        error_code=row["error_code"],
        ended_at=row["ended_at"],
    )


def _unreached_of(row: asyncpg.Record, missed: Sequence[Missed]) -> Unreached:
    return Unreached(
        appointment_id=row["id"],
        starts_at=row["starts_at"],
        status=row["status"],
        doctor_id=row["doctor_id"],
        patient_id=row["patient_id"],
        patient_name=row["full_name"],
        phone=row["phone"],
        email=row["email"],
        missed=missed,
    )
