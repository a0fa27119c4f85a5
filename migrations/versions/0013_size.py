"""Indexes for searches among millions of time slots: by mode, and by specialty."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
BY_MODE = {
    "ix_time_slots_doctor_mode": ["doctor_id", "mode", "starts_at", "id"],
    "ix_time_slots_mode": ["mode", "starts_at", "id"],
}


def upgrade() -> None:
    for name, columns in BY_MODE.items():
        op.create_index(name, "time_slots", columns, postgresql_where=LIVE)
    _index_specialties(postgresql_include=["specialty"])


def downgrade() -> None:
    _index_specialties()
    for name in reversed(BY_MODE):
        op.drop_index(name, "time_slots")


def _index_specialties(**covering: list[str]) -> None:
    op.drop_index("ix_doctors_specialty", "doctors")
    op.create_index(
        "ix_doctors_specialty",
        "doctors",
        [sa.text("lower(specialty)"), "id"],
        postgresql_where=LIVE,
        **covering,
    )
