"""What the sandbox of payments keeps: checkouts where nobody pays."""

from sqlalchemy import Column, DateTime, Index, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from booking_system.platform.postgres.metadata import metadata

sandbox_checkouts = Table(
    "sandbox_checkouts",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("document", JSONB, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Index("ix_sandbox_checkouts_made_at", "made_at"),
)
"""As another machine would have it: nothing of ours refers to it."""
