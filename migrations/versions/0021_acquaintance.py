"""A clinic knows a patient for a reason; what staff are told of other clinics is written down."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

REASON = "known_because IN ('registered', 'taken_on', 'booked')"
CALLED = sa.text("known_as IS NOT NULL")

# A booking wrote its own moment; who has no account was registered by the first clinic.
REASONS = """UPDATE clinic_patients k SET known_because = CASE
  WHEN EXISTS (SELECT FROM appointments a WHERE a.clinic_id = k.clinic_id
   AND a.patient_id = k.patient_id AND a.created_at = k.known_since) THEN 'booked'
  WHEN p.user_id IS NULL AND NOT EXISTS (SELECT FROM clinic_patients o
   WHERE o.patient_id = k.patient_id
   AND (o.known_since, o.clinic_id) < (k.known_since, k.clinic_id)) THEN 'registered'
  ELSE 'taken_on' END
 FROM patients p WHERE p.id = k.patient_id"""


def upgrade() -> None:
    op.add_column(
        "clinic_patients",
        sa.Column("known_because", sa.Text(), nullable=False, server_default=sa.text("'booked'")),
    )
    op.add_column("clinic_patients", sa.Column("known_as", sa.Text()))
    op.execute(REASONS)
    op.create_check_constraint(op.f("ck_clinic_patients_known_because"), "clinic_patients", REASON)
    op.create_index(
        "ix_clinic_patients_known_as", "clinic_patients", ["clinic_id"], postgresql_where=CALLED
    )
    op.create_table(
        "told_overlaps",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("time_slot_id", sa.Uuid()),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_told_overlaps_told_at", "told_overlaps", ["told_at"])


def downgrade() -> None:
    op.drop_table("told_overlaps")
    op.drop_index("ix_clinic_patients_known_as", "clinic_patients")
    op.drop_column("clinic_patients", "known_as")
    op.drop_column("clinic_patients", "known_because")
