"""The table of the accounts at providers of payments that clinics have set themselves."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from booking_system.platform.postgres.metadata import metadata

clinic_payment_accounts = Table(
    "clinic_payment_accounts",
    metadata,
    # Random in all its bits: it is in the address that the provider calls. Attempts, the ledger and
    # events name an account by it, so no row is ever deleted.
    Column("id", Uuid, primary_key=True),
    Column("clinic_id", Uuid, ForeignKey("clinics.id"), nullable=False),
    Column("provider", Text, nullable=False),
    # What the provider calls the account: another name, or another mode, is another row.
    Column("name", Text, nullable=False),
    Column("is_live", Boolean, nullable=False),
    # What else was set, none of it secret: ways to pay, public keys, ids of webhooks.
    Column("options", JSONB, nullable=False),
    # None once the keys were deleted, a while behind the removal.
    Column("sealed", LargeBinary),
    # The name of the key that has sealed them.
    Column("key_id", LargeBinary),
    # The last characters of each secret, so that people tell one from another.
    Column("hints", JSONB, nullable=False),
    # Counts all changes of a clinic's accounts at a provider, so that no tag comes twice.
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", Uuid, ForeignKey("users.id"), nullable=False),
    # When the provider last took these keys.
    Column("verified_at", DateTime(timezone=True)),
    # Nothing new begins with it; what had begun goes on.
    Column("removed_at", DateTime(timezone=True)),
    UniqueConstraint(
        "clinic_id", "provider", "name", "is_live", name="uq_clinic_payment_accounts_name"
    ),
    CheckConstraint("provider IN ('stripe', 'paypal')", name="provider"),
    CheckConstraint("num_nonnulls(sealed, key_id) <> 1", name="sealed"),
    CheckConstraint("removed_at IS NOT NULL OR sealed IS NOT NULL", name="usable"),
    Index(
        "uq_clinic_payment_accounts_present",
        "clinic_id",
        "provider",
        unique=True,
        postgresql_where=text("removed_at IS NULL"),
    ),
    # Removed accounts, whose keys are deleted some day.
    Index(
        "ix_clinic_payment_accounts_removed_at",
        "removed_at",
        postgresql_where=text("removed_at IS NOT NULL AND sealed IS NOT NULL"),
    ),
)
