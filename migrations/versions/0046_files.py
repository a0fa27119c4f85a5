"""Files: clinics have logos, doctors have photos, appointments have documents."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
PRESENT = "state = 'ready' AND deleted_at IS NULL"
OWNER = (
    "CASE purpose WHEN 'clinic_logo' THEN num_nonnulls(doctor_id, appointment_id) = 0"
    " WHEN 'doctor_photo' THEN doctor_id IS NOT NULL AND appointment_id IS NULL"
    " WHEN 'booking_document' THEN doctor_id IS NULL AND appointment_id IS NOT NULL"
    " ELSE false END"
)
STATE = (
    "CASE state WHEN 'uploading' THEN served_key IS NULL AND fault IS NULL"
    " WHEN 'checking' THEN fault IS NULL"
    " WHEN 'ready' THEN served_key IS NOT NULL AND sha256 IS NOT NULL"
    " AND completed_at IS NOT NULL AND fault IS NULL"
    " WHEN 'refused' THEN served_key IS NULL AND fault IS NOT NULL AND stored_bytes = 0"
    " WHEN 'lost' THEN served_key IS NOT NULL ELSE false END"
)
CHECKS = {
    "owner": OWNER,
    "state": STATE,
    "ends": "state = 'ready' OR state = 'lost' OR due_at IS NOT NULL",
    "deleted": "deleted_at IS NULL OR due_at IS NOT NULL",
    "served": "served_key <> upload_key",
    "size": "size > 0 AND stored_bytes >= 0",
}


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.Uuid()),
        sa.Column("appointment_id", sa.Uuid()),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary()),
        sa.Column("upload_key", sa.Text(collation="C"), nullable=False),
        sa.Column("served_key", sa.Text(collation="C")),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.Text()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("completed_at", INSTANT),
        sa.Column("deleted_at", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_files_clinic_id_clinics")
        ),
        sa.ForeignKeyConstraint(
            ["doctor_id", "clinic_id"],
            ["doctors.id", "doctors.clinic_id"],
            name=op.f("fk_files_doctor_id_clinic_id_doctors"),
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_files_appointment_id_appointments"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_files_created_by_users")
        ),
        sa.UniqueConstraint("upload_key", name=op.f("uq_files_upload_key")),
        sa.UniqueConstraint("served_key", name=op.f("uq_files_served_key")),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_files_{name}"))
            for name, condition in CHECKS.items()
        ),
    )
    for name, column, purpose in (
        ("uq_files_logo", "clinic_id", "clinic_logo"),
        ("uq_files_photo", "doctor_id", "doctor_photo"),
    ):
        op.create_index(
            name,
            "files",
            [column],
            unique=True,
            postgresql_where=sa.text(f"purpose = '{purpose}' AND {PRESENT}"),
        )
    op.create_index("ix_files_appointment_id", "files", ["appointment_id", "id"])
    op.create_index("ix_files_doctor_id", "files", ["doctor_id"])
    op.create_index("ix_files_clinic_id", "files", ["clinic_id", "purpose"])
    op.create_index(
        "ix_files_due_at", "files", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_table(
        "clinic_storage",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", name=op.f("pk_clinic_storage")),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_clinic_storage_clinic_id_clinics")
        ),
        sa.CheckConstraint("used_bytes >= 0", name=op.f("ck_clinic_storage_used")),
    )
    op.add_column("clinics", sa.Column("logo_url", sa.Text()))


def downgrade() -> None:
    op.drop_column("clinics", "logo_url")
    op.drop_table("clinic_storage")
    op.drop_table("files")
