"""What another context does with files that wait for their use, in its own transaction."""

from typing import Any

from sqlalchemy import Interval, func, literal, update

from booking_system.files.domain.purposes import RULES, FilePurpose
from booking_system.files.records.tables import files
from booking_system.platform.postgres.phrases import an_id, instant
from booking_system.platform.postgres.statement import Statement

f = files
KEPT = RULES[FilePurpose.CHAT_ATTACHMENT].kept

ATTACH: Statement[Any] = Statement(
    update(f)
    .where(
        f.c.id == an_id("file_id"),
        f.c.purpose == str(FilePurpose.CHAT_ATTACHMENT),
        f.c.appointment_id == an_id("appointment_id"),
        f.c.created_by == an_id("user_id"),
        f.c.state == "ready",
        f.c.deleted_at.is_(None),
    )
    .values(
        used_at=func.coalesce(f.c.used_at, instant("now")),
        due_at=f.c.completed_at + literal(KEPT, Interval()),
    )
    .returning(f.c.id, f.c.filename, f.c.kind, f.c.size)
)
"""No row: there is no such attachment of that user in that chat, or it is not there to be read."""
