"""Roles are given by invitation, and a password of somebody else's has to be changed first."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ROLE = (
    "CASE role WHEN 'doctor' THEN doctor_id IS NOT NULL"
    " WHEN 'clinic_admin' THEN doctor_id IS NULL WHEN 'receptionist' THEN doctor_id IS NULL"
    " ELSE false END"
)
ACCEPTED = "(accepted_at IS NULL) = (accepted_by IS NULL)"


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    temporary = sa.Column(
        "password_is_temporary", sa.Boolean(), nullable=False, server_default=sa.text("false")
    )
    op.add_column("users", temporary)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("clinic_id", sa.Uuid(), sa.ForeignKey("clinics.id"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("doctor_id", sa.Uuid(), sa.ForeignKey("doctors.id")),
        sa.Column("invited_by", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False),
        instant("created_at"),
        instant("expires_at"),
        instant("revoked_at", nullable=True),
        instant("accepted_at", nullable=True),
        sa.Column("accepted_by", sa.Uuid(), sa.ForeignKey("users.id")),
        sa.CheckConstraint(ROLE, name=op.f("ck_invitations_role")),
        sa.CheckConstraint(ACCEPTED, name=op.f("ck_invitations_accepted")),
        sa.CheckConstraint(
            "accepted_at IS NULL OR revoked_at IS NULL", name=op.f("ck_invitations_ended_once")
        ),
    )
    op.create_index("ix_invitations_clinic", "invitations", ["clinic_id", "id"])
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"])


def downgrade() -> None:
    op.drop_table("invitations")
    op.drop_column("users", "password_is_temporary")
