"""Users, their sessions and roles, and the feed by which every process learns of changes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLE = (
    "CASE role"
    " WHEN 'platform_admin' THEN num_nonnulls(clinic_id, doctor_id, patient_id) = 0"
    " WHEN 'clinic_admin' THEN clinic_id IS NOT NULL AND num_nonnulls(doctor_id, patient_id) = 0"
    " WHEN 'receptionist' THEN clinic_id IS NOT NULL AND num_nonnulls(doctor_id, patient_id) = 0"
    " WHEN 'doctor' THEN clinic_id IS NOT NULL AND doctor_id IS NOT NULL AND patient_id IS NULL"
    " WHEN 'patient' THEN patient_id IS NOT NULL AND num_nonnulls(clinic_id, doctor_id) = 0"
    " ELSE false END"
)


def instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _create_users()
    _create_sessions()
    _create_role_grants()
    op.create_table(
        "access_changes",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid()),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
        ),
    )
    op.create_index("ix_access_changes_changed_at", "access_changes", ["changed_at"])


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text()),
        sa.Column("time_zone", sa.Text()),
        instant("email_verified_at", nullable=True),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        instant("created_at"),
        instant("updated_at"),
        instant("deleted_at", nullable=True),
    )
    op.create_index(
        "uq_users_email_key",
        "users",
        ["email_key"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        instant("created_at"),
        instant("last_used_at"),
        instant("ended_at", nullable=True),
        sa.Column("ended_because", sa.Text()),
        sa.Column("user_agent", sa.Text()),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id_users"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_because IS NULL)", name=op.f("ck_sessions_ended")
        ),
        sa.CheckConstraint(
            "ended_because IN ('signed_out', 'ended_by_user', 'password_changed',"
            " 'token_reused', 'ended_by_admin')",
            name=op.f("ck_sessions_ended_because"),
        ),
        sa.CheckConstraint("length(user_agent) <= 300", name=op.f("ck_sessions_user_agent")),
    )
    op.create_index(
        "ix_sessions_user_id",
        "sessions",
        ["user_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        instant("issued_at"),
        instant("expires_at"),
        instant("used_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="fk_refresh_tokens_session_id_sessions"
        ),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])


def _create_role_grants() -> None:
    op.create_table(
        "role_grants",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("clinic_id", sa.Uuid()),
        sa.Column("doctor_id", sa.Uuid()),
        sa.Column("patient_id", sa.Uuid()),
        instant("created_at"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_role_grants_user_id_users"),
        sa.UniqueConstraint(
            "user_id",
            "role",
            "clinic_id",
            "doctor_id",
            "patient_id",
            name="uq_role_grants_once",
            postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint(ROLE, name=op.f("ck_role_grants_role")),
    )
    op.create_index(
        "ix_role_grants_clinic_id",
        "role_grants",
        ["clinic_id"],
        postgresql_where=sa.text("clinic_id IS NOT NULL"),
    )


def downgrade() -> None:
    for table in ("access_changes", "role_grants", "refresh_tokens", "sessions", "users"):
        op.drop_table(table)
