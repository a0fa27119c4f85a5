"""Booking's tables, with the constraints that are the last wall against double booking."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE, ExcludeConstraint

from booking_system.directory.records.references import noted_columns
from booking_system.platform.postgres.derived_columns import add_derived_columns
from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.row_checks import add_row_checks

OPEN = text("status IN ('confirmed', 'checked_in') AND NOT overbooked")
OVERBOOKED = text("overbooked")
UNPAID = text("pay_by IS NOT NULL")
OVERRIDE = """(override_codes IS NULL) = (override_reason IS NULL)
 AND (NOT overbooked OR 'slot_already_booked' = ANY (override_codes)) IS TRUE
 AND (NOT patient_doubled OR 'patient_overlap' = ANY (override_codes)) IS TRUE
 AND overbooked = (doctor_shared IS NOT NULL)
 AND patient_doubled = (patient_shared IS NOT NULL)"""
"""Nothing is overbooked, and no patient in two places, but on purpose and with a reason."""
PREVIOUS = """CASE WHEN status = ANY (ARRAY['checked_in', 'no_show'])
  THEN previous_status = 'confirmed'
 WHEN status = 'completed' THEN previous_status = ANY (ARRAY['confirmed', 'checked_in'])
 ELSE previous_status IS NULL END IS TRUE"""
"""What a mark is undone to; `IS TRUE`, because a check lets an unknown answer pass."""
STATUS = """status = ANY (ARRAY['confirmed', 'checked_in', 'completed', 'no_show', 'cancelled',
 'pending_payment', 'expired'])"""
PAYMENT_STATUS = """payment_status = ANY (ARRAY['not_required', 'unpaid', 'paid', 'partially_paid',
 'refunded', 'partially_refunded'])"""
UNPAID_HAS_NO_TIME = """CASE WHEN status = ANY (ARRAY['pending_payment', 'expired'])
  THEN released_at = blocked_from AND NOT overbooked AND NOT patient_doubled
 ELSE true END IS TRUE"""
"""While money is waited for, a hold keeps the time: no constraint knows what the clock says."""
WAITING = """(status = 'pending_payment') = (pay_by IS NOT NULL)
 AND (pay_by IS NULL OR due_first_amount > 0) IS TRUE"""
ACTION = """action = ANY (ARRAY['rescheduled', 'cancelled', 'checked_in', 'completed', 'no_show',
 'undone', 'slot_inherited', 'patient_confirmed', 'confirmed', 'expired', 'payment'])"""
MOVED = """num_nonnulls(from_slot_id, from_starts_at, to_slot_id, to_starts_at)
 = CASE WHEN action = 'rescheduled' THEN 4 ELSE 0 END"""


def _claimed(since: str, until: str, shared: str) -> str:
    """The time that nobody else may have: none of a cancelled one, and none that others share."""
    return f"""CASE WHEN status = 'cancelled' THEN tstzmultirange()
 ELSE tstzmultirange(tstzrange({since}, greatest({since}, least({until}, released_at))))
  - coalesce({shared}, tstzmultirange()) END"""


TIMES = {
    "doctor_time": _claimed("blocked_from", "blocked_until", "doctor_shared"),
    "patient_time": _claimed("starts_at", "ends_at", "patient_shared"),
}


def _never_twice(whose: str) -> ExcludeConstraint:
    return ExcludeConstraint(
        (f"{whose}_id", "="),
        (f"{whose}_time", "&&"),
        name=f"ex_appointments_{whose}_never_twice",
        where=text("status <> 'cancelled'"),
        using="gist",
    )


appointments = Table(
    "appointments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("time_slot_id", Uuid, nullable=False),
    Column("time_slot_ids", ARRAY(Uuid), nullable=False),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("patient_id", Uuid, ForeignKey("patients.id"), nullable=False),
    Column("service_id", Uuid),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("blocked_from", DateTime(timezone=True), nullable=False),
    Column("blocked_until", DateTime(timezone=True), nullable=False),
    # What was agreed: how long the service takes; its slots may last longer.
    Column("duration_minutes", Integer, nullable=False),
    Column("mode", Text, nullable=False),
    Column("reason", Text),
    Column("price_amount", Integer),
    Column("price_currency", Text),
    Column("cancel_notice_minutes", Integer, nullable=False),
    Column("booked_by", Uuid, nullable=False),
    Column("previous_status", Text),
    Column("cancelled_by", Text),
    Column("cancel_reason", Text),
    Column("override_codes", ARRAY(Text)),
    Column("override_reason", Text),
    Column("overbooked", Boolean, nullable=False, server_default=text("false")),
    Column("patient_doubled", Boolean, nullable=False, server_default=text("false")),
    # What has to be paid by when, of the price, before it is confirmed; and the clinic's terms of
    # the day of booking, where it is paid for through us.
    Column("pay_by", DateTime(timezone=True)),
    Column("due_first_amount", Integer),
    Column("late_cancel_minutes", Integer),
    Column("late_cancel_percent", Integer),
    Column("no_show_percent", Integer),
    # When the rest of its time was given back, by a no-show or an early end.
    Column("released_at", DateTime(timezone=True)),
    # When the patient said that they will come; said of a time that it was moved from: none.
    Column("patient_confirmed_at", DateTime(timezone=True)),
    # What of its time another appointment had already when staff booked both on purpose.
    Column("doctor_shared", TSTZMULTIRANGE),
    Column("patient_shared", TSTZMULTIRANGE),
    Column("doctor_time", TSTZMULTIRANGE),
    Column("patient_time", TSTZMULTIRANGE),
    Column("version", Integer, nullable=False, server_default=text("1")),
    # Of what people are told: raised by a move and a cancellation, by no mark.
    Column("revision", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("reference"),
    # With the doctor and the clinic in the key, they can never differ from the slot's.
    ForeignKeyConstraint(
        ["time_slot_id", "doctor_id", "clinic_id"],
        ["time_slots.id", "time_slots.doctor_id", "time_slots.clinic_id"],
    ),
    ForeignKeyConstraint(["service_id", "clinic_id"], ["services.id", "services.clinic_id"]),
    _never_twice("doctor"),
    _never_twice("patient"),
    Index("uq_appointments_active_slot", "time_slot_id", unique=True, postgresql_where=OPEN),
    Index(
        "ix_appointments_overbooked",
        "time_slot_ids",
        postgresql_using="gin",
        postgresql_where=OVERBOOKED,
    ),
    Index("ix_appointments_pay_by", "pay_by", postgresql_where=UNPAID),
    Index("ix_appointments_clinic", "clinic_id", "starts_at", "id"),
    Index("ix_appointments_doctor", "doctor_id", "starts_at", "id"),
    Index("ix_appointments_patient", "patient_id", "starts_at", "id"),
)

add_derived_columns(appointments, TIMES)

add_row_checks(
    appointments,
    {
        "length": "ends_at > starts_at",
        "status": STATUS,
        "previous_status": PREVIOUS,
        "payment_status": PAYMENT_STATUS,
        "waiting": WAITING,
        "unpaid_has_no_time": UNPAID_HAS_NO_TIME,
        "mode": "mode = ANY (ARRAY['in_person', 'online', 'phone'])",
        "cancelled_by": "cancelled_by = ANY (ARRAY['patient', 'clinic', 'system'])",
        "revision": "revision >= 1 AND revision <= version",
        "cancelled": "(status = 'cancelled') = (cancelled_by IS NOT NULL)",
        "price": "(price_amount IS NULL) = (price_currency IS NULL)",
        "override": OVERRIDE,
        "slots": "time_slot_ids[1] = time_slot_id",
        "blocked": "blocked_from <= starts_at AND blocked_until >= ends_at",
    },
)

appointment_history = Table(
    "appointment_history",
    metadata,
    Column("appointment_id", Uuid, ForeignKey("appointments.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("action", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    # None is the system, and unknown of what was cancelled before there was a history.
    Column("by_user_id", Uuid),
    Column("side", Text, nullable=False),
    Column("reason", Text),
    Column("from_slot_id", Uuid),
    Column("from_starts_at", DateTime(timezone=True)),
    Column("to_slot_id", Uuid),
    Column("to_starts_at", DateTime(timezone=True)),
)

add_row_checks(
    appointment_history,
    {
        "action": ACTION,
        "side": "side = ANY (ARRAY['patient', 'clinic', 'system'])",
        "system": "side <> 'system' OR by_user_id IS NULL",
        "version": "version > 1",
        "moved": MOVED,
    },
)

# Apart from the appointment: a booking that nobody else knows by an id of theirs writes nothing.
appointment_references = Table(
    "appointment_references",
    metadata,
    Column("appointment_id", Uuid, ForeignKey("appointments.id"), primary_key=True),
    *noted_columns("appointment"),
)

told_overlaps = Table(
    "told_overlaps",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    # None: two records of the patient were to be merged.
    Column("time_slot_id", Uuid),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Index("ix_told_overlaps_told_at", "told_at"),
)
"""When staff learned by trying that a patient has an appointment where they do not work."""
