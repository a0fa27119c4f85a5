"""Time off and closures: when doctors, or whole clinics, are away."""

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    CompoundSelect,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    literal,
    or_,
    select,
    text,
    union_all,
)

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.phrases import during
from booking_system.scheduling.domain.time_slot import ClosedBecause

LIVE = text("deleted_at IS NULL")


def _absence() -> list[Column[Any]]:
    return [
        Column("starts_at", DateTime(timezone=True), nullable=False),
        Column("ends_at", DateTime(timezone=True), nullable=False),
        Column("reason", Text),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("deleted_at", DateTime(timezone=True)),
        Column("version", Integer, nullable=False, server_default=text("1")),
    ]


time_off = Table(
    "time_off",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    *_absence(),
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
    CheckConstraint("ends_at > starts_at", name="length"),
    Index("ix_time_off_doctor", "doctor_id", "starts_at", "id", postgresql_where=LIVE),
    Index("ix_time_off_clinic", "clinic_id", "ends_at", postgresql_where=LIVE),
)

closures = Table(
    "closures",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("date", Date, nullable=False),
    *_absence(),
    CheckConstraint("ends_at > starts_at", name="length"),
    Index("ix_closures_clinic", "clinic_id", "starts_at", "id", postgresql_where=LIVE),
    Index("uq_closures_clinic_date", "clinic_id", "date", unique=True, postgresql_where=LIVE),
)


def absences_to_come(
    clinic_id: ColumnElement[Any], doctor_id: ColumnElement[Any], now: ColumnElement[Any]
) -> CompoundSelect[Any]:
    """Return the query for `because`, `id` and `during` of what closes the doctor's slots."""
    parts = (
        (ClosedBecause.CLOSURE, closures, closures.c.clinic_id == clinic_id),
        (ClosedBecause.TIME_OFF, time_off, time_off.c.doctor_id == doctor_id),
    )
    return union_all(
        *(
            select(
                literal(because.value, Text).label("because"),
                absence.c.id,
                during(absence.c.starts_at, absence.c.ends_at).label("during"),
            ).where(is_theirs, absence.c.deleted_at.is_(None), absence.c.ends_at > now)
            for because, absence, is_theirs in parts
        )
    )


def is_away(
    clinic_id: ColumnElement[Any],
    doctor_id: ColumnElement[Any],
    starts_at: ColumnElement[Any],
    ends_at: ColumnElement[Any],
) -> ColumnElement[bool]:
    """Return the condition that time off of the doctor, or a closure, has some of the time."""
    parts = (
        (time_off, time_off.c.doctor_id == doctor_id),
        (closures, closures.c.clinic_id == clinic_id),
    )
    return or_(
        *(
            select(absence.c.id)
            .where(
                is_theirs,
                absence.c.deleted_at.is_(None),
                absence.c.starts_at < ends_at,
                absence.c.ends_at > starts_at,
            )
            .exists()
            for absence, is_theirs in parts
        )
    )
