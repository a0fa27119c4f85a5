"""Webhooks: endpoints of clinics and of the platform, and deliveries, which are queue and log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _make_endpoints()
    _make_deliveries()
    # What happened before nobody is told of now: what no relay has taken yet gets the next numbers.
    op.execute(
        "INSERT INTO feed_consumers (name, seq)"
        " SELECT 'webhooks', coalesce(max(seq), 0) + (SELECT count(*) FROM outbox) FROM event_feed"
    )


def _make_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid()),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("events", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("with_patients", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("former_secret", sa.LargeBinary()),
        sa.Column("former_until", INSTANT),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("state_since", INSTANT, nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", INSTANT),
        sa.Column("rests_until", INSTANT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.ForeignKeyConstraint(
            ["clinic_id"], ["clinics.id"], name=op.f("fk_webhook_endpoints_clinic_id_clinics")
        ),
        sa.CheckConstraint(
            "state IN ('enabled', 'paused', 'disabled')", name=op.f("ck_webhook_endpoints_state")
        ),
        sa.CheckConstraint(
            "(reason IS NOT NULL) = (state = 'disabled')", name=op.f("ck_webhook_endpoints_reason")
        ),
        sa.CheckConstraint(
            "clinic_id IS NOT NULL OR NOT with_patients",
            name=op.f("ck_webhook_endpoints_with_patients"),
        ),
        sa.CheckConstraint(
            "(former_secret IS NULL) = (former_until IS NULL)",
            name=op.f("ck_webhook_endpoints_former"),
        ),
    )
    op.create_index(
        "ix_webhook_endpoints_clinic",
        "webhook_endpoints",
        ["clinic_id", "id"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_seq", sa.BigInteger()),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("stored_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("token", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", INSTANT),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempted_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("last_status", sa.SmallInteger()),
        sa.Column("error_code", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id_webhook_endpoints"),
        ),
        sa.UniqueConstraint("endpoint_id", "event_seq", name="uq_webhook_deliveries_event"),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'delivered', 'failed', 'paused')",
            name=op.f("ck_webhook_deliveries_state"),
        ),
        sa.CheckConstraint(
            "(lease_until IS NOT NULL) = (state = 'sending')",
            name=op.f("ck_webhook_deliveries_lease"),
        ),
        sa.CheckConstraint(
            "octet_length(answer) <= 1024", name=op.f("ck_webhook_deliveries_answer")
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "due_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_webhook_deliveries_lease",
        "webhook_deliveries",
        ["lease_until"],
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index("ix_webhook_deliveries_page", "webhook_deliveries", ["endpoint_id", "id"])


def downgrade() -> None:
    op.execute("DELETE FROM dead_events WHERE consumer = 'webhooks'")
    op.execute("DELETE FROM feed_consumers WHERE name = 'webhooks'")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_endpoints")
