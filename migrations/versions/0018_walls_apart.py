"""No query reads the index of the wall between a doctor's time slots."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NAME = "ex_time_slots_doctor_never_twice"


def upgrade() -> None:
    _wall("coalesce(deleted_at, '-infinity'::timestamptz) = '-infinity'::timestamptz")


def downgrade() -> None:
    _wall("deleted_at IS NULL")


def _wall(which: str) -> None:
    op.drop_constraint(NAME, "time_slots")
    op.execute(
        f"ALTER TABLE time_slots ADD CONSTRAINT {NAME}"
        " EXCLUDE USING gist (doctor_id WITH =, tstzrange(starts_at, ends_at) WITH &&)"
        f" WHERE ({which})"
    )
