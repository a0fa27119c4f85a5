"""Scheduling's tables."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint

from booking_system.platform.postgres.metadata import metadata
from booking_system.platform.postgres.row_checks import add_row_checks

LIVE = text("deleted_at IS NULL")
LIVE_FOR_THE_WALL = text(
    "coalesce(deleted_at, '-infinity'::timestamptz) = '-infinity'::timestamptz"
)
"""The same in words that no query uses, so that the constraint's index is read by the constraint
alone. PostgreSQL 18.6 forgets live entries of a GiST index where one statement scans it several
times while it grows beyond its first page, and then lets an overlap pass."""
HELD = text("hold_id IS NOT NULL")
RULED = text("rule_id IS NOT NULL")
CLOSED_BY = text("closed_by IS NOT NULL")
OUTSIDE = text("outside_availability")
CLOSED_BECAUSE = """closed_because = ANY (ARRAY['by_hand', 'doctor_removed', 'clinic_removed',
 'time_off', 'closure', 'outside_availability'])"""
CLOSED_BY_AN_ABSENCE = """(closed_by IS NOT NULL)
 = coalesce(closed_because = ANY (ARRAY['time_off', 'closure']), false)"""
OUTSIDE_IS_CLOSED = """CASE WHEN outside_availability THEN closed_because IS NOT NULL
 ELSE coalesce(closed_because <> 'outside_availability', true) END"""
WHOLE_HOLD = """(hold_id IS NULL) = (held_until IS NULL)
 AND (hold_id IS NULL) = (hold_minutes IS NULL)"""
EACH_HOUR_IS_WHOLE = """cardinality(start_minutes) = cardinality(modes)
 AND cardinality(end_minutes) = cardinality(modes)
 AND cardinality(slot_minutes) = cardinality(modes)
 AND cardinality(gap_minutes) = cardinality(modes)"""

time_slots = Table(
    "time_slots",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("mode", Text, nullable=False),
    Column("closed_because", Text),
    Column("appointment_id", Uuid),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    Column("hold_id", Uuid),
    Column("held_until", DateTime(timezone=True)),
    Column("hold_minutes", Integer),
    Column("hold_extended", Boolean, nullable=False, server_default=text("false")),
    Column("held_for", Uuid),
    Column("held_by", Uuid),
    Column("hold_network", LargeBinary),
    # No foreign key: rules are never deleted for good, and a rule makes thousands of slots.
    Column("rule_id", Uuid),
    # What the clinic's clock was to show at its start; its date is the slot's local day.
    Column("wall_starts_at", DateTime, nullable=False),
    Column("closed_by", Uuid),
    # Appointments around which it is kept free.
    Column("blocked_by", ARRAY(Uuid)),
    # Among the slots that its hold is to book; none where it is only kept free around them.
    Column("hold_place", Integer),
    Column("outside_availability", Boolean, nullable=False, server_default=text("false")),
    # What the hold is for: all that booking it would keep of the doctor, and on which terms.
    Column("hold_blocks", TSTZRANGE),
    Column("hold_service_id", Uuid),
    Column("hold_duration_minutes", Integer),
    Column("hold_price_amount", Integer),
    Column("hold_price_currency", Text),
    Column("hold_payment", Text),
    Column("hold_deposit_amount", Integer),
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
    UniqueConstraint("id", "doctor_id", "clinic_id"),
    ExcludeConstraint(
        ("doctor_id", "="),
        (text("tstzrange(starts_at, ends_at)"), "&&"),
        name="ex_time_slots_doctor_never_twice",
        where=LIVE_FOR_THE_WALL,
        using="gist",
    ),
    # No index mentions the owner: booking a slot then stays a heap-only update. Those of the hold
    # are not touched by it either, unless the slot was held.
    Index("ix_time_slots_doctor", "doctor_id", "starts_at", "id", postgresql_where=LIVE),
    Index("ix_time_slots_clinic", "clinic_id", "starts_at", "id", postgresql_where=LIVE),
    Index("ix_time_slots_start", "starts_at", "id", postgresql_where=LIVE),
    # Of a mode that few offer, or nobody, an index by time alone would read all slots of a year.
    Index(
        "ix_time_slots_doctor_mode", "doctor_id", "mode", "starts_at", "id", postgresql_where=LIVE
    ),
    Index("ix_time_slots_mode", "mode", "starts_at", "id", postgresql_where=LIVE),
    Index("ix_time_slots_hold", "hold_id", postgresql_where=HELD),
    Index("ix_time_slots_held_doctor", "doctor_id", postgresql_where=HELD),
    Index("ix_time_slots_held_for", "held_for", postgresql_where=HELD),
    Index("ix_time_slots_held_by", "held_by", postgresql_where=HELD),
    Index("ix_time_slots_hold_network", "hold_network", postgresql_where=HELD),
    Index("ix_time_slots_rule", "rule_id", "starts_at", postgresql_where=RULED),
    Index("ix_time_slots_closed_by", "closed_by", "starts_at", postgresql_where=CLOSED_BY),
    Index("ix_time_slots_outside_availability", "clinic_id", "starts_at", postgresql_where=OUTSIDE),
    postgresql_with={"fillfactor": 80},
)

add_row_checks(
    time_slots,
    {
        "length": "ends_at > starts_at AND ends_at <= (starts_at + interval '24 hours')",
        "mode": "mode = ANY (ARRAY['in_person', 'online', 'phone'])",
        "closed_because": CLOSED_BECAUSE,
        "closed_by": CLOSED_BY_AN_ABSENCE,
        # Whatever opens a slot again cannot open one that no rule wants.
        "outside_availability": OUTSIDE_IS_CLOSED,
        "deleted_is_free": "deleted_at IS NULL OR appointment_id IS NULL",
        "hold": WHOLE_HOLD,
        "booked_is_not_held": "hold_id IS NULL OR appointment_id IS NULL",
    },
)

availability_rules = Table(
    "availability_rules",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("weekdays", ARRAY(Integer), nullable=False),
    Column("start_minute", Integer, nullable=False),
    Column("end_minute", Integer, nullable=False),
    Column("slot_minutes", Integer, nullable=False),
    Column("gap_minutes", Integer, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    Column("mode", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
    CheckConstraint(
        "weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7] AND cardinality(weekdays) > 0", name="weekdays"
    ),
    CheckConstraint(
        "0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name="hours"
    ),
    CheckConstraint("slot_minutes BETWEEN 1 AND 1440 AND gap_minutes >= 0", name="slot"),
    CheckConstraint("valid_until >= valid_from", name="valid"),
    CheckConstraint("mode IN ('in_person', 'online', 'phone')", name="mode"),
    Index("ix_availability_rules_doctor", "doctor_id", "id"),
)

availability_exceptions = Table(
    "availability_exceptions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    Column("doctor_id", Uuid, nullable=False),
    Column("date", Date, nullable=False),
    Column("replaces", Boolean, nullable=False),
    # Hours, one by one: each of these columns has an entry for each of them.
    Column("start_minutes", ARRAY(Integer), nullable=False),
    Column("end_minutes", ARRAY(Integer), nullable=False),
    Column("slot_minutes", ARRAY(Integer), nullable=False),
    Column("gap_minutes", ARRAY(Integer), nullable=False),
    Column("modes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
    CheckConstraint(EACH_HOUR_IS_WHOLE, name="hours"),
    CheckConstraint("replaces OR cardinality(modes) > 0", name="something"),
    Index("ix_availability_exceptions_doctor", "doctor_id", "date", "id", postgresql_where=LIVE),
)

calendar_work = Table(
    "calendar_work",
    metadata,
    Column("doctor_id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("planned_until", DateTime(timezone=True)),
    # How often somebody asked: who has done the work sees by it whether there is more.
    Column("asked", Integer, nullable=False, server_default=text("1")),
    ForeignKeyConstraint(["doctor_id", "clinic_id"], ["doctors.id", "doctors.clinic_id"]),
    Index("ix_calendar_work_due", "due_at"),
)


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
