"""Ids of other systems, and notes of theirs, for doctors, services, patients and appointments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

TABLES = ["appointment_references", "patient_references", "service_references", "doctor_references"]


def upgrade() -> None:
    for owner in ("doctor", "service"):
        of_clinic = sa.ForeignKeyConstraint(
            [f"{owner}_id", "clinic_id"],
            [f"{owner}s.id", f"{owner}s.clinic_id"],
            name=op.f(f"fk_{owner}_references_{owner}_id_clinic_id_{owner}s"),
        )
        _make(owner, [f"{owner}_id"], of_clinic)
    _make(
        "patient",
        ["patient_id", "clinic_id"],
        _key("patient", "patient_id", "patients"),
        _key("patient", "clinic_id", "clinics"),
    )
    _make("appointment", ["appointment_id"], _key("appointment", "appointment_id", "appointments"))


def _key(owner: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{owner}_references_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def _make(owner: str, primary: list[str], *keys: sa.ForeignKeyConstraint) -> None:
    table = f"{owner}_references"
    op.create_table(
        table,
        sa.Column(f"{owner}_id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("metadata", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint(*primary, name=op.f(f"pk_{table}")),
        *keys,
        sa.CheckConstraint(
            "octet_length(external_id) BETWEEN 1 AND 128", name=op.f(f"ck_{table}_external_id")
        ),
        sa.CheckConstraint("jsonb_typeof(metadata) = 'object'", name=op.f(f"ck_{table}_metadata")),
    )
    op.create_index(
        f"uq_{table}_external_id",
        table,
        ["clinic_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
