"""Weekly availability makes time slots; time off and closures close them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
BY_HAND = "'by_hand', 'doctor_removed', 'clinic_removed'"
CLOSED_BY = """(closed_by IS NOT NULL)
 = coalesce(closed_because IN ('time_off', 'closure'), false)"""
RULE_CHECKS = {
    "weekdays": "weekdays <@ ARRAY[1, 2, 3, 4, 5, 6, 7] AND cardinality(weekdays) > 0",
    "hours": "0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440",
    "slot": "slot_minutes BETWEEN 1 AND 1440 AND gap_minutes >= 0",
    "valid": "valid_until >= valid_from",
    "mode": "mode IN ('in_person', 'online', 'phone')",
}


def upgrade() -> None:
    op.create_table(
        "availability_rules",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("gap_minutes", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date()),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        _doctor("availability_rules"),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_availability_rules_{name}"))
            for name, rule in RULE_CHECKS.items()
        ),
    )
    op.create_index("ix_availability_rules_doctor", "availability_rules", ["doctor_id", "id"])
    _create_absences()
    for column in (
        sa.Column("rule_id", sa.Uuid()),
        sa.Column("wall_starts_at", sa.DateTime()),
        sa.Column("closed_by", sa.Uuid()),
    ):
        op.add_column("time_slots", column)
    _because(f"{BY_HAND}, 'time_off', 'closure'")
    op.create_check_constraint(op.f("ck_time_slots_closed_by"), "time_slots", CLOSED_BY)
    for name, column_name in (("rule", "rule_id"), ("closed_by", "closed_by")):
        op.create_index(
            f"ix_time_slots_{name}",
            "time_slots",
            [column_name, "starts_at"],
            postgresql_where=sa.text(f"{column_name} IS NOT NULL"),
        )


def _create_absences() -> None:
    op.create_table(
        "time_off",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), nullable=False),
        *_absence(),
        _doctor("time_off"),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_time_off_length")),
    )
    op.create_index("ix_time_off_doctor", "time_off", ["doctor_id", "id"], postgresql_where=LIVE)
    op.create_table(
        "closures",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        *_absence(),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name="fk_closures_clinic_id_clinics"
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_closures_length")),
    )
    op.create_index(
        "uq_closures_clinic_date",
        "closures",
        ["clinic_id", "date"],
        unique=True,
        postgresql_where=LIVE,
    )


def _absence() -> list[sa.Column[object]]:
    return [
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
    ]


def _doctor(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["doctor_id", "clinic_id"],
        ["doctors.id", "doctors.clinic_id"],
        name=f"fk_{table}_doctor_id_clinic_id_doctors",
    )


def _because(words: str) -> None:
    """Say for which reasons a slot may be closed."""
    name = op.f("ck_time_slots_closed_because")
    op.drop_constraint(name, "time_slots")
    op.create_check_constraint(name, "time_slots", f"closed_because IN ({words})")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_time_slots_closed_by"), "time_slots")
    # Nothing would reopen them any more but a hand.
    op.execute(
        "UPDATE time_slots SET closed_because = 'by_hand'"
        " WHERE closed_because IN ('time_off', 'closure')"
    )
    _because(BY_HAND)
    for name in ("closed_by", "rule"):
        op.drop_index(f"ix_time_slots_{name}", "time_slots")
    for name in ("closed_by", "wall_starts_at", "rule_id"):
        op.drop_column("time_slots", name)
    for table in ("closures", "time_off", "availability_rules"):
        op.drop_table(table)
