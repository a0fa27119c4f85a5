"""Accounts and invitations have links that go out by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_account_links")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_account_links_user_id_users")
        ),
        sa.CheckConstraint(
            "purpose IN ('password_reset', 'email_verification')",
            name=op.f("ck_account_links_purpose"),
        ),
    )
    op.create_index(
        "ix_account_links_user_id",
        "account_links",
        ["user_id"],
        postgresql_where=sa.text("used_at IS NULL"),
    )
    op.create_index("ix_account_links_expires_at", "account_links", ["expires_at"])
    op.create_table(
        "invitation_links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitation_links")),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name=op.f("fk_invitation_links_invitation_id_invitations"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        op.f("ix_invitation_links_invitation_id"), "invitation_links", ["invitation_id"]
    )


def downgrade() -> None:
    op.drop_table("invitation_links")
    op.drop_table("account_links")
