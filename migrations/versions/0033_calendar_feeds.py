"""Calendars follow appointments by a secret link."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "calendar_feeds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("doctor_id", sa.Uuid()),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Column("digest", sa.LargeBinary()),
        sa.Column("changed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feeds")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_calendar_feeds_user_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["doctor_id"], ["doctors.id"], name=op.f("fk_calendar_feeds_doctor_id_doctors")
        ),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feeds_token_hash")),
        sa.CheckConstraint("scope IN ('patient', 'doctor')", name=op.f("ck_calendar_feeds_scope")),
        sa.CheckConstraint(
            "(scope = 'doctor') = (doctor_id IS NOT NULL)", name=op.f("ck_calendar_feeds_doctor")
        ),
        sa.CheckConstraint(
            "details IN ('none', 'initials', 'names')", name=op.f("ck_calendar_feeds_details")
        ),
        sa.CheckConstraint(
            "(digest IS NULL) = (changed_at IS NULL)", name=op.f("ck_calendar_feeds_changed")
        ),
    )
    op.create_index(
        "ix_calendar_feeds_user_id",
        "calendar_feeds",
        ["user_id", "id"],
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index(
        "ix_calendar_feeds_revoked_at",
        "calendar_feeds",
        ["revoked_at"],
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("calendar_feeds")
