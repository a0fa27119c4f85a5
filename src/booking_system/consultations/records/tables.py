"""The tables of consultations.

What is in a room's chat belongs to the patient's record and stays with the appointment. Tickets and
the leases of processes are removed when they are over.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from booking_system.platform.postgres.metadata import metadata

SEATS = "IN ('doctor', 'patient', 'guest')"
SWITCH = "IN ('on', 'off', 'interrupted')"
WITH_FILE = """CASE WHEN file_id IS NULL THEN num_nonnulls(file_name, file_kind, file_size) = 0
  AND text IS DISTINCT FROM ''
 ELSE kind = 'chat' AND num_nulls(file_name, file_kind, file_size) = 0 END"""
UNREMOVED = text("removed_at IS NULL")
WHOLE = """CASE kind WHEN 'chat'
  THEN seat IS NOT NULL AND client_id IS NOT NULL AND text IS NOT NULL
 WHEN 'ended' THEN reason IS NOT NULL AND text IS NULL
 ELSE about IS NOT NULL AND text IS NULL END IS TRUE"""


def _instant(name: str, *, nullable: bool = False) -> "Column[object]":
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _room() -> "Column[object]":
    return Column("room_id", Uuid, ForeignKey("consultation_rooms.id"), nullable=False)


consultation_rooms = Table(
    "consultation_rooms",
    metadata,
    # The appointment's id: a room is one appointment's, and the id opens nothing.
    Column("id", Uuid, ForeignKey("appointments.id"), primary_key=True),
    # The number of what was stored last, and of the newest connection.
    Column("seq", BigInteger, nullable=False, server_default=text("0")),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    # For which revision of the appointment it was decided: a move undoes it.
    Column("admitted_revision", Integer),
    Column("extended_revision", Integer),
    Column("ended_revision", Integer),
    Column("end_reason", Text),
    Column("late_revision", Integer),
    Column("late_minutes", SmallInteger, nullable=False, server_default=text("0")),
    _instant("created_at"),
    CheckConstraint(
        "end_reason IN ('ended', 'expired', 'cancelled', 'no_show')", name="end_reason"
    ),
    CheckConstraint("(ended_revision IS NULL) = (end_reason IS NULL)", name="ended"),
    CheckConstraint("late_minutes BETWEEN 0 AND 120", name="late"),
)

consultation_entries = Table(
    "consultation_entries",
    metadata,
    Column("room_id", Uuid, ForeignKey("consultation_rooms.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    # None: the clinic's desk, or with no sender the system.
    Column("seat", Text),
    Column("sender_id", Uuid),
    Column("client_id", Uuid),
    Column("text", Text),
    # A file as it was when it was sent; it may be deleted since. The name is patient data.
    Column("file_id", Uuid),
    Column("file_name", Text),
    Column("file_kind", Text),
    Column("file_size", BigInteger),
    # Whose admission it is about.
    Column("about", Text),
    Column("reason", Text),
    _instant("at"),
    # NULLs are never equal: only chat has a client's id.
    UniqueConstraint("room_id", "sender_id", "client_id", name="uq_consultation_entries_once"),
    CheckConstraint("seq > 0", name="seq"),
    CheckConstraint("kind IN ('chat', 'admitted', 'held', 'ended')", name="kind"),
    CheckConstraint(f"seat {SEATS}", name="seat"),
    CheckConstraint("about IN ('patient', 'guest')", name="about"),
    CheckConstraint("seat IS NULL OR sender_id IS NOT NULL", name="sender"),
    CheckConstraint(WHOLE, name="whole"),
    CheckConstraint(WITH_FILE, name="file"),
)

consultation_sittings = Table(
    "consultation_sittings",
    metadata,
    Column("room_id", Uuid, ForeignKey("consultation_rooms.id"), primary_key=True),
    Column("seat", Text, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("client", Uuid, nullable=False),
    # The process that has the connection.
    Column("instance_id", Uuid, nullable=False),
    Column("mic", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("screen", Text, nullable=False),
    Column("delivered_seq", BigInteger, nullable=False, server_default=text("0")),
    Column("read_seq", BigInteger, nullable=False, server_default=text("0")),
    # Since when this person is there, however often their connection breaks.
    _instant("since"),
    _instant("gone_at", nullable=True),
    _instant("left_at", nullable=True),
    CheckConstraint(f"seat {SEATS}", name="seat"),
    CheckConstraint(f"mic {SWITCH} AND camera {SWITCH} AND screen {SWITCH}", name="media"),
    CheckConstraint("read_seq <= delivered_seq", name="read"),
)
"""Who is where by now: a seat has one row, which its next connection takes over."""

consultation_guests = Table(
    "consultation_guests",
    metadata,
    Column("id", Uuid, primary_key=True),
    _room(),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("invited_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("link_hash", LargeBinary, nullable=False),
    # By which a guest who came in comes back; made when the link is used.
    Column("return_hash", LargeBinary),
    Column("is_admitted", Boolean, nullable=False, server_default=text("false")),
    _instant("created_at"),
    _instant("expires_at"),
    _instant("used_at", nullable=True),
    _instant("removed_at", nullable=True),
    UniqueConstraint("link_hash"),
    UniqueConstraint("return_hash"),
    CheckConstraint("kind IN ('interpreter', 'relative', 'other')", name="kind"),
    CheckConstraint("(used_at IS NULL) = (return_hash IS NULL)", name="used"),
    Index("uq_consultation_guests_one", "room_id", unique=True, postgresql_where=UNREMOVED),
    Index("ix_consultation_guests_room", "room_id", "id"),
)

consultation_tickets = Table(
    "consultation_tickets",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    _room(),
    Column("seat", Text, nullable=False),
    # A user with their session, or a guest.
    Column("user_id", Uuid),
    Column("session_id", Uuid),
    Column("guest_id", Uuid, ForeignKey("consultation_guests.id")),
    _instant("expires_at"),
    _instant("used_at", nullable=True),
    CheckConstraint(f"seat {SEATS}", name="seat"),
    CheckConstraint(
        "(seat = 'guest') = (guest_id IS NOT NULL)"
        " AND (user_id IS NULL) = (session_id IS NULL)"
        " AND num_nonnulls(user_id, guest_id) = 1",
        name="whose",
    ),
    Index("ix_consultation_tickets_expires_at", "expires_at"),
)

consultation_instances = Table(
    "consultation_instances",
    metadata,
    Column("id", Uuid, primary_key=True),
    _instant("alive_until"),
    Index("ix_consultation_instances_alive_until", "alive_until"),
)
"""Processes that have connections: one row each, renewed as long as they live."""
