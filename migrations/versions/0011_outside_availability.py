"""A slot that is kept for an appointment or a hold, although no rule wants it any more, says so."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

REASONS = "'by_hand', 'doctor_removed', 'clinic_removed', 'time_off', 'closure'"
OUTSIDE = """CASE WHEN outside_availability THEN closed_because IS NOT NULL
 ELSE closed_because IS DISTINCT FROM 'outside_availability' END"""


def upgrade() -> None:
    op.add_column(
        "time_slots",
        sa.Column(
            "outside_availability", sa.Boolean(), nullable=False, server_default=sa.text("false")
        ),
    )
    _because(f"{REASONS}, 'outside_availability'")
    op.create_check_constraint(op.f("ck_time_slots_outside_availability"), "time_slots", OUTSIDE)
    op.create_index(
        "ix_time_slots_outside_availability",
        "time_slots",
        ["clinic_id", "starts_at"],
        postgresql_where=sa.text("outside_availability"),
    )
    op.create_index(
        "ix_time_off_clinic",
        "time_off",
        ["clinic_id", "ends_at"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _because(words: str) -> None:
    """Say for which reasons a slot may be closed."""
    name = op.f("ck_time_slots_closed_because")
    op.drop_constraint(name, "time_slots")
    op.create_check_constraint(name, "time_slots", f"closed_because IN ({words})")


def downgrade() -> None:
    op.drop_index("ix_time_off_clinic", "time_off")
    op.drop_index("ix_time_slots_outside_availability", "time_slots")
    op.drop_constraint(op.f("ck_time_slots_outside_availability"), "time_slots")
    # Nothing would reopen them any more but a hand.
    op.execute(
        "UPDATE time_slots SET closed_because = 'by_hand'"
        " WHERE closed_because = 'outside_availability'"
    )
    _because(REASONS)
    op.drop_column("time_slots", "outside_availability")
