"""The slot's owner without a foreign key of its own: it is written by the appointment's statement.

Appointments are never deleted, so the key refused nothing, and cost every booking a look-up and a
lock on the row that it had just inserted.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = "fk_time_slots_appointment_id_appointments"


def upgrade() -> None:
    op.drop_constraint(NAME, "time_slots")


def downgrade() -> None:
    op.create_foreign_key(NAME, "time_slots", "appointments", ["appointment_id"], ["id"])
