"""When appointments take whose time: all that scheduling knows of them.

Booking owns the table, and stands above. Scheduling asks it in its own statements, because the
answer of an earlier one may be out of date when a slot is offered. So the columns that it needs are
named here once more, and nowhere else in scheduling; `tests/architecture/test_table_owners.py`
compares them with booking's.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    case,
    column,
    func,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE

from booking_system.platform.postgres.phrases import INSTANT, meets

appointments = table(
    "appointments",
    column("id", Uuid()),
    column("clinic_id", Uuid()),
    column("doctor_id", Uuid()),
    column("patient_id", Uuid()),
    column("status", Text()),
    column("starts_at", INSTANT),
    column("ends_at", INSTANT),
    column("pay_by", INSTANT),
    column("doctor_time", TSTZMULTIRANGE()),
    column("patient_time", TSTZMULTIRANGE()),
)

CANCELLED = "cancelled"


def _taking(a: FromClause, doctor_id: ColumnElement[Any], time: ColumnElement[Any]) -> Any:
    return (
        a.c.doctor_id == doctor_id,
        a.c.status != CANCELLED,
        meets(a.c.doctor_time, time),
    )


def no_appointment(
    doctor_id: ColumnElement[Any],
    time: ColumnElement[Any],
    *,
    but: ColumnElement[Any] | None = None,
) -> ColumnElement[bool]:
    """Return the condition that no appointment of the doctor has any of the time.

    `but` is an appointment that is looked at as if it were not there.
    """
    a = appointments.alias("a")
    query = select(a.c.id).where(*_taking(a, doctor_id, time))
    if but is not None:
        query = query.where(a.c.id.is_distinct_from(but))
    return ~query.correlate_except(a).exists()


def appointments_in(doctor_id: ColumnElement[Any], time: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the array of the doctor's appointments that have some of the time; null: none has."""
    a = appointments.alias("a")
    query = select(func.array_agg(a.c.id)).where(*_taking(a, doctor_id, time))
    return query.correlate_except(a).scalar_subquery()


def visits_of(
    patient_id: ColumnElement[Any],
    *,
    since: ColumnElement[Any],
    but: ColumnElement[Any] | None = None,
) -> Select[Any]:
    """Return the query for `patient_time` and `clinic_id` of the patient's appointments to come.

    `but` is an appointment that is looked at as if it were not there.
    """
    a = appointments.alias("a")
    # While money is waited for, the row has no time of its own, but the patient is not free.
    whole = func.tstzmultirange(func.tstzrange(a.c.starts_at, a.c.ends_at), type_=TSTZMULTIRANGE())
    waits = a.c.pay_by > since
    time = case((waits, whole), else_=a.c.patient_time).label("patient_time")
    query = select(time, a.c.clinic_id).where(
        a.c.patient_id == patient_id,
        a.c.status != CANCELLED,
        or_(waits, meets(a.c.patient_time, func.tstzrange(since, None))),
    )
    return query if but is None else query.where(a.c.id != but)
