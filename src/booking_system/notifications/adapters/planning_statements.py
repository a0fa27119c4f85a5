"""What planning reads of appointments, and how it writes the ledger."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.types import TypeEngine

from booking_system.booking.records.tables import appointment_history, appointments
from booking_system.directory.records.tables import clinics, patients
from booking_system.notifications.domain.message import ASKING_FOR_MONEY, OF_ONE_CAUSE, Kind
from booking_system.notifications.records.tables import message_ledger, notification_preferences
from booking_system.platform.postgres.phrases import INSTANT, a_text, how_many, ids, instant
from booking_system.platform.postgres.statement import Statement

a, c, p = appointments.alias("a"), clinics.alias("c"), patients.alias("p")
w = notification_preferences.alias("w")
PREFERENCES = tuple(
    w.c[name].label(f"wants_{name}")
    for name in ("email", "sms", "reminders", "quiet_from", "quiet_until")
)
"""All null where the patient has set nothing."""


def zone() -> ColumnElement[str]:
    """The patient's, else the clinic's."""
    return func.coalesce(p.c.time_zone, c.c.time_zone)


def _standings() -> Any:
    h = appointment_history.alias("h")
    told = (
        select(h.c.occurred_at, h.c.side)
        .where(h.c.appointment_id == a.c.id, h.c.action.in_(["rescheduled", "cancelled"]))
        .order_by(h.c.version.desc())
        .limit(1)
        .lateral("told")
    )
    # Of the first revision the history says nothing.
    is_first = a.c.revision == 1
    by_patient = case((is_first, a.c.booked_by == p.c.user_id), else_=told.c.side == "patient")
    tells_clinic = func.coalesce(by_patient, False) & c.c.email.is_not(None)
    agreed_at = case((is_first, a.c.created_at), else_=told.c.occurred_at)
    e = appointment_history.alias("e")
    expired_at = (
        select(func.max(e.c.occurred_at))
        .where(e.c.appointment_id == a.c.id, e.c.action == "expired")
        .scalar_subquery()
    )
    return (
        select(
            a.c.id,
            a.c.clinic_id,
            a.c.revision,
            a.c.status,
            a.c.starts_at,
            func.coalesce(agreed_at, a.c.updated_at).label("agreed_at"),
            zone().label("zone"),
            c.c.reminder_offsets_minutes,
            tells_clinic.label("tells_clinic"),
            a.c.pay_by,
            case((a.c.status == "expired", expired_at)).label("expired_at"),
            *PREFERENCES,
        )
        .select_from(
            a.join(c, c.c.id == a.c.clinic_id)
            .join(p, p.c.id == a.c.patient_id)
            .outerjoin(w, w.c.patient_id == p.c.id)
            .outerjoin(told, true())
        )
        .order_by(a.c.id)
    )


STANDINGS = Statement(_standings().where(a.c.id == func.any(ids("ids"))))
"""Appointments as they are now, which may be later than the events said."""
COMING = Statement(
    _standings()
    .where(
        a.c.status.in_(["confirmed", "pending_payment"]),
        a.c.starts_at > instant("now"),
        tuple_(a.c.id) > tuple_(bindparam("after", type_=Uuid())),
    )
    .limit(how_many("most"))
)
"""All that will take place, or will if it is paid for, page by page."""

KEYS = ("appointment_id", "revision", "kind", "offset_minutes", "channel", "recipient_key")
ROWS: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "appointment_id": Uuid(),
    "revision": BigInteger(),
    "kind": Text(),
    "offset_minutes": Integer(),
    "channel": Text(),
    "recipient_key": Text(),
    "clinic_id": Uuid(),
    "lane": SmallInteger(),
    "due_at": INSTANT,
    "not_after": INSTANT,
    "state": Text(),
    "reason": Text(),
}


def _planning() -> Any:
    given = (
        func.jsonb_to_recordset(cast(a_text("rows"), JSONB))
        .table_valued(*(column(name, of) for name, of in ROWS.items()))
        .render_derived(name="given", with_types=True)
    )
    over = case((given.c.state == "planned", None), else_=instant("now"))
    stored = select(*(given.c[name] for name in ROWS), instant("now"), over)
    return (
        insert(message_ledger)
        .from_select([*ROWS, "planned_at", "ended_at"], stored)
        .on_conflict_do_nothing(index_elements=KEYS)
    )


PLAN = Statement(_planning())
"""What stands in the ledger already stays as it is."""


def _withdrawing() -> Any:
    m = message_ledger
    status = appointments.c.status
    is_of_another = and_(
        m.c.revision < appointments.c.revision, m.c.kind.not_in(sorted(OF_ONE_CAUSE))
    )
    waits_no_more = and_(m.c.kind.in_(sorted(ASKING_FOR_MONEY)), status != "pending_payment")
    is_taken_back = and_(m.c.kind == Kind.PAYMENT_EXPIRED.value, status != "expired")
    return (
        update(m)
        .where(
            m.c.appointment_id == appointments.c.id,
            appointments.c.id == func.any(ids("ids")),
            or_(is_of_another, waits_no_more, is_taken_back),
            m.c.state == "planned",
        )
        .values(state="withdrawn", reason="superseded", ended_at=instant("now"))
    )


WITHDRAW = Statement(_withdrawing())
"""What was planned for a revision that is not the present one any more, and what asked for money
that is not waited for."""
