"""The statements that change an appointment: each writes an entry of its history and its events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    Integer,
    Update,
    Uuid,
    any_,
    bindparam,
    column,
    false,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from booking_system.booking.domain.history import Action
from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.booking.records.claimed_time import shared
from booking_system.booking.records.tables import appointment_history, appointments
from booking_system.platform.postgres.outbox import recording
from booking_system.platform.postgres.phrases import an_id, during, given, ids
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import given_back, given_to
from booking_system.scheduling.records.tables import time_slots


class Change(NamedTuple):
    """One change of an appointment, as its history has it, and the events that tell of it."""

    appointment_id: UUID
    version: int
    action: str
    occurred_at: datetime
    by_user_id: UUID | None
    side: str
    reason: str | None
    from_slot_id: UUID | None
    from_starts_at: datetime | None
    to_slot_id: UUID | None
    to_starts_at: datetime | None
    events: str


class Marking(NamedTuple):
    """What a mark changes."""

    change: Change
    status: str
    previous_status: str | None
    released_at: datetime | None


class Paying(NamedTuple):
    """What money changes, or want of it."""

    change: Change
    status: str
    payment_status: str
    pay_by: datetime | None
    released_at: datetime | None


class Moving(NamedTuple):
    """What a move changes: where the appointment is now, and what staff set aside for it."""

    change: Change
    revision: int
    doctor_id: UUID
    ends_at: datetime
    mode: str
    overbooked: bool
    patient_doubled: bool
    override_codes: Sequence[str] | None
    override_reason: str | None
    time_slot_ids: Sequence[UUID]
    blocked_from: datetime
    blocked_until: datetime


class Cancelling(NamedTuple):
    """Cancellations of one moment by one party, for one reason; the lists go side by side."""

    appointment_ids: Sequence[UUID]
    versions: Sequence[int]
    revisions: Sequence[int]
    slot_ids: Sequence[UUID]
    occurred_at: datetime
    by_user_id: UUID | None
    side: str
    reason: str | None
    events: str


ENTRY = {name: given(appointment_history.c[name]) for name in Change._fields if name != "events"}
IT = appointments.c.id == ENTRY["appointment_id"]


def _changing(**columns: Any) -> Update:
    """Write the columns, the new version, the entry and the events."""
    entry = insert(appointment_history).values(ENTRY).cte("entry")
    usual = {"version": ENTRY["version"], "updated_at": ENTRY["occurred_at"]}
    return update(appointments).values(usual | columns).where(IT).add_cte(entry, recording())


def _moving() -> Update:
    row = {
        name: given(appointments.c[name])
        for name in Moving._fields
        if name not in {"change", "appointment_id"}
    }
    slot_ids = row["time_slot_ids"]
    owned = (
        given_to(ENTRY["appointment_id"], shared=row["overbooked"])
        .where(time_slots.c.id == any_(slot_ids))
        .cte("owned")
    )
    starts_at = ENTRY["to_starts_at"]
    return _changing(
        **row,
        time_slot_id=ENTRY["to_slot_id"],
        starts_at=starts_at,
        patient_confirmed_at=null(),
        doctor_shared=shared(
            "doctor",
            row["doctor_id"],
            time=during(row["blocked_from"], row["blocked_until"]),
            marked=row["overbooked"],
            but=ENTRY["appointment_id"],
        ),
        patient_shared=shared(
            "patient",
            appointments.c.patient_id,
            time=during(starts_at, row["ends_at"]),
            marked=row["patient_doubled"],
            but=ENTRY["appointment_id"],
        ),
    ).add_cte(owned)


def _cancelling() -> Update:
    cancelled = _cancelled()
    entries = insert(appointment_history).from_select(
        ["appointment_id", "version", "action", "occurred_at", "by_user_id", "side", "reason"],
        select(
            cancelled.c.id,
            cancelled.c.version,
            literal(Action.CANCELLED, appointment_history.c.action.type),
            ENTRY["occurred_at"],
            ENTRY["by_user_id"],
            ENTRY["side"],
            ENTRY["reason"],
        ),
    )
    freed = given_back().where(
        time_slots.c.id == any_(ids("slot_ids")),
        time_slots.c.appointment_id == any_(ids("appointment_ids")),
    )
    return (
        update(appointments)
        .values(
            status=AppointmentStatus.CANCELLED,
            previous_status=null(),
            cancelled_by=ENTRY["side"],
            cancel_reason=ENTRY["reason"],
            pay_by=null(),
            version=cancelled.c.version,
            revision=cancelled.c.revision,
            updated_at=ENTRY["occurred_at"],
        )
        .where(appointments.c.id == cancelled.c.id)
        .add_cte(freed.cte("freed"), entries.cte("entries"), recording())
    )


def _cancelled() -> CTE:
    lists = (ids("appointment_ids"), _numbers("versions"), _numbers("revisions"))
    side_by_side = (
        func.unnest(*lists)
        .table_valued(
            column("id", Uuid()), column("version", Integer()), column("revision", Integer())
        )
        .render_derived(name="one")
    )
    return select(side_by_side).cte("cancelled")


def _numbers(name: str) -> Any:
    return bindparam(name, type_=ARRAY(Integer()))


MARK = Statement(
    _changing(**{name: given(appointments.c[name]) for name in Marking._fields[1:]}), Marking
)

CONFIRM = Statement(_changing(patient_confirmed_at=ENTRY["occurred_at"]), Change)

PAY = Statement(
    _changing(**{name: given(appointments.c[name]) for name in Paying._fields[1:]}), Paying
)

MOVE = Statement(_moving(), Moving)
"""It goes to other slots, which it has from then on; those that it leaves were left before."""

INHERIT = Statement(_changing(overbooked=false(), doctor_shared=null()), Change)

CANCEL = Statement(_cancelling(), Cancelling)
"""Cancels, and frees the slots."""

LEAVE_SLOTS = Statement(
    given_back()
    .where(
        time_slots.c.id.in_(select(func.unnest(appointments.c.time_slot_ids)).where(IT)),
        time_slots.c.appointment_id == ENTRY["appointment_id"],
    )
    .returning(time_slots.c.id)
)

FREE_THE_REST = Statement(
    given_back()
    .where(
        time_slots.c.id == any_(ids("slot_ids")),
        time_slots.c.appointment_id == an_id("appointment_id"),
        time_slots.c.ends_at > given(appointments.c.released_at),
    )
    .returning(time_slots.c.id)
)
"""What is not over of an appointment that ended early is anybody's again."""

TAKE_BACK = Statement(
    given_to(an_id("appointment_id")).where(
        time_slots.c.id == any_(ids("slot_ids")),
        time_slots.c.appointment_id.is_(None),
        time_slots.c.deleted_at.is_(None),
    )
)
"""What a hold has left in the row is over: a hold in force was refused."""
