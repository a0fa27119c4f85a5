"""Clinics take money at accounts of their own, and lost accounts are a matter for people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
MATTERS = "'account', 'mode', 'currency', 'amount', 'reference', 'refund_failed', 'refund_by_hand'"


def upgrade() -> None:
    op.create_table(
        "clinic_payment_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("key_id", sa.LargeBinary()),
        sa.Column("hints", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("verified_at", INSTANT),
        sa.Column("removed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic_payment_accounts")),
        sa.ForeignKeyConstraint(
            ["clinic_id"],
            ["clinics.id"],
            name=op.f("fk_clinic_payment_accounts_clinic_id_clinics"),
        ),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["users.id"], name=op.f("fk_clinic_payment_accounts_changed_by_users")
        ),
        sa.UniqueConstraint(
            "clinic_id", "provider", "name", "is_live", name="uq_clinic_payment_accounts_name"
        ),
        sa.CheckConstraint(
            "provider IN ('stripe', 'paypal')", name=op.f("ck_clinic_payment_accounts_provider")
        ),
        sa.CheckConstraint(
            "num_nonnulls(sealed, key_id) <> 1", name=op.f("ck_clinic_payment_accounts_sealed")
        ),
        sa.CheckConstraint(
            "removed_at IS NOT NULL OR sealed IS NOT NULL",
            name=op.f("ck_clinic_payment_accounts_usable"),
        ),
    )
    op.create_index(
        "uq_clinic_payment_accounts_present",
        "clinic_payment_accounts",
        ["clinic_id", "provider"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        "ix_clinic_payment_accounts_removed_at",
        "clinic_payment_accounts",
        ["removed_at"],
        postgresql_where=sa.text("removed_at IS NOT NULL AND sealed IS NOT NULL"),
    )
    # The column may be empty, and the constraint is another one with more words in it.
    op.add_column("payment_work", sa.Column("problem_since", INSTANT))
    _replace_kinds(f"{MATTERS}, 'no_account'")


def downgrade() -> None:
    op.execute("DELETE FROM payment_quarantine WHERE kind = 'no_account'")
    _replace_kinds(MATTERS)
    op.drop_column("payment_work", "problem_since")
    op.drop_table("clinic_payment_accounts")


def _replace_kinds(kinds: str) -> None:
    op.drop_constraint(op.f("ck_payment_quarantine_kind"), "payment_quarantine")
    op.create_check_constraint(
        op.f("ck_payment_quarantine_kind"), "payment_quarantine", f"kind IN ({kinds})"
    )
