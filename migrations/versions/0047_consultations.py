"""Online appointments have rooms: their chat with files, who is there, tickets, guests."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SEATS = "IN ('doctor', 'patient', 'guest')"
SWITCH = "IN ('on', 'off', 'interrupted')"
WHOLE = """CASE kind WHEN 'chat'
  THEN seat IS NOT NULL AND client_id IS NOT NULL AND text IS NOT NULL
 WHEN 'ended' THEN reason IS NOT NULL AND text IS NULL
 ELSE about IS NOT NULL AND text IS NULL END IS TRUE"""
WITH_FILE = """CASE WHEN file_id IS NULL THEN num_nonnulls(file_name, file_kind, file_size) = 0
  AND text IS DISTINCT FROM ''
 ELSE kind = 'chat' AND num_nulls(file_name, file_kind, file_size) = 0 END"""
OWNER = (
    "CASE purpose WHEN 'clinic_logo' THEN num_nonnulls(doctor_id, appointment_id) = 0"
    " WHEN 'doctor_photo' THEN doctor_id IS NOT NULL AND appointment_id IS NULL"
    " WHEN 'booking_document' THEN doctor_id IS NULL AND appointment_id IS NOT NULL"
)
ATTACHED = " WHEN 'chat_attachment' THEN doctor_id IS NULL AND appointment_id IS NOT NULL"
POLICY = {
    "consultation_opens_minutes": (sa.Integer(), "15"),
    "consultation_closes_minutes": (sa.Integer(), "30"),
    "consultation_relay_only": (sa.Boolean(), "false"),
}
TABLES = [
    "consultation_instances",
    "consultation_tickets",
    "consultation_guests",
    "consultation_sittings",
    "consultation_entries",
    "consultation_rooms",
]


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def upgrade() -> None:
    for name, (kind, default) in POLICY.items():
        op.add_column(
            "clinics", sa.Column(name, kind, nullable=False, server_default=sa.text(default))
        )
    _rooms()
    _entries()
    _sittings()
    _guests()
    _tickets()
    table = "consultation_instances"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alive_until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"ix_{table}_alive_until", table, ["alive_until"])
    op.add_column("files", sa.Column("used_at", INSTANT))
    _file_owners(f"{OWNER}{ATTACHED} ELSE false END")


def _file_owners(condition: str) -> None:
    name = op.f("ck_files_owner")
    op.drop_constraint(name, "files")
    op.create_check_constraint(name, "files", condition)


def _rooms() -> None:
    table = "consultation_rooms"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("epoch", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("admitted_revision", sa.Integer()),
        sa.Column("extended_revision", sa.Integer()),
        sa.Column("ended_revision", sa.Integer()),
        sa.Column("end_reason", sa.Text()),
        sa.Column("late_revision", sa.Integer()),
        sa.Column("late_minutes", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        _key(table, "id", "appointments"),
        _check(table, "end_reason", "end_reason IN ('ended', 'expired', 'cancelled', 'no_show')"),
        _check(table, "ended", "(ended_revision IS NULL) = (end_reason IS NULL)"),
        _check(table, "late", "late_minutes BETWEEN 0 AND 120"),
    )


def _entries() -> None:
    table = "consultation_entries"
    op.create_table(
        table,
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seat", sa.Text()),
        sa.Column("sender_id", sa.Uuid()),
        sa.Column("client_id", sa.Uuid()),
        sa.Column("text", sa.Text()),
        sa.Column("file_id", sa.Uuid()),
        sa.Column("file_name", sa.Text()),
        sa.Column("file_kind", sa.Text()),
        sa.Column("file_size", sa.BigInteger()),
        sa.Column("about", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "seq", name=op.f(f"pk_{table}")),
        _key(table, "room_id", "consultation_rooms"),
        sa.UniqueConstraint("room_id", "sender_id", "client_id", name=op.f(f"uq_{table}_once")),
        _check(table, "seq", "seq > 0"),
        _check(table, "kind", "kind IN ('chat', 'admitted', 'held', 'ended')"),
        _check(table, "seat", f"seat {SEATS}"),
        _check(table, "about", "about IN ('patient', 'guest')"),
        _check(table, "sender", "seat IS NULL OR sender_id IS NOT NULL"),
        _check(table, "whole", WHOLE),
        _check(table, "file", WITH_FILE),
    )


def _sittings() -> None:
    table = "consultation_sittings"
    op.create_table(
        table,
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("seat", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("client", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("mic", sa.Text(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("screen", sa.Text(), nullable=False),
        sa.Column("delivered_seq", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("read_seq", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("gone_at", INSTANT),
        sa.Column("left_at", INSTANT),
        sa.PrimaryKeyConstraint("room_id", "seat", name=op.f(f"pk_{table}")),
        _key(table, "room_id", "consultation_rooms"),
        _check(table, "seat", f"seat {SEATS}"),
        _check(table, "media", f"mic {SWITCH} AND camera {SWITCH} AND screen {SWITCH}"),
        _check(table, "read", "read_seq <= delivered_seq"),
    )


def _guests() -> None:
    table = "consultation_guests"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("return_hash", sa.LargeBinary()),
        sa.Column("is_admitted", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("removed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        _key(table, "room_id", "consultation_rooms"),
        _key(table, "invited_by", "users"),
        sa.UniqueConstraint("link_hash", name=op.f(f"uq_{table}_link_hash")),
        sa.UniqueConstraint("return_hash", name=op.f(f"uq_{table}_return_hash")),
        _check(table, "kind", "kind IN ('interpreter', 'relative', 'other')"),
        _check(table, "used", "(used_at IS NULL) = (return_hash IS NULL)"),
    )
    op.create_index(
        f"uq_{table}_one",
        table,
        ["room_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(f"ix_{table}_room", table, ["room_id", "id"])


def _tickets() -> None:
    table = "consultation_tickets"
    op.create_table(
        table,
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=False),
        sa.Column("seat", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("guest_id", sa.Uuid()),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("token_hash", name=op.f(f"pk_{table}")),
        _key(table, "room_id", "consultation_rooms"),
        _key(table, "guest_id", "consultation_guests"),
        _check(table, "seat", f"seat {SEATS}"),
        _check(
            table,
            "whose",
            "(seat = 'guest') = (guest_id IS NOT NULL)"
            " AND (user_id IS NULL) = (session_id IS NULL)"
            " AND num_nonnulls(user_id, guest_id) = 1",
        ),
    )
    op.create_index(f"ix_{table}_expires_at", table, ["expires_at"])


def downgrade() -> None:
    # Nothing that stays knows them; the sweep removes their bytes.
    op.execute("DELETE FROM files WHERE purpose = 'chat_attachment'")
    _file_owners(f"{OWNER} ELSE false END")
    op.drop_column("files", "used_at")
    for table in TABLES:
        op.drop_table(table)
    for name in POLICY:
        op.drop_column("clinics", name)
