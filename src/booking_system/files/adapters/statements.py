"""The statements over files."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql

from booking_system.files.adapters.rows import MOVING
from booking_system.files.domain.purposes import FilePurpose
from booking_system.files.records.tables import clinic_storage, files
from booking_system.platform.postgres.phrases import (
    a_text,
    an_id,
    given,
    how_many,
    instant,
    materialized,
    row_of,
    texts,
)
from booking_system.platform.postgres.statement import Statement

f, room = files, clinic_storage
_bytes = bindparam("bytes", type_=BigInteger())
_is_it = f.c.id == an_id("file_id")
WAITING = ("uploading", "checking")

READ: Statement[Any] = Statement(select(f).where(_is_it))
LOCK: Statement[Any] = Statement(select(f).where(_is_it).with_for_update())
ADD: Statement[Any] = Statement(row_of(f, list(f.c.keys())))
SAVE: Statement[Any] = Statement(
    update(f).where(_is_it).values({name: given(f.c[name]) for name in MOVING})
)
REMOVE: Statement[Any] = Statement(delete(f).where(_is_it))

_present = (f.c.state == "ready", f.c.deleted_at.is_(None))
PRESENT_LOGO: Statement[Any] = Statement(
    select(f)
    .where(f.c.clinic_id == an_id("owner_id"), f.c.purpose == "clinic_logo", *_present)
    .with_for_update()
)
PRESENT_PHOTO: Statement[Any] = Statement(
    select(f)
    .where(f.c.doctor_id == an_id("owner_id"), f.c.purpose == "doctor_photo", *_present)
    .with_for_update()
)

_taking = postgresql.insert(room).values(clinic_id=an_id("clinic_id"), used_bytes=_bytes)
TAKE: Statement[Any] = Statement(
    _taking.on_conflict_do_update(
        index_elements=[room.c.clinic_id],
        set_={"used_bytes": room.c.used_bytes + _bytes},
        where=room.c.used_bytes + _bytes <= bindparam("most", type_=BigInteger()),
    ).returning(room.c.used_bytes)
)
"""No row where there is no room; a clinic without any files has room for one."""
CHANGE_ROOM: Statement[Any] = Statement(
    update(room)
    .where(room.c.clinic_id == an_id("clinic_id"))
    .values(used_bytes=room.c.used_bytes + _bytes)
)
USED: Statement[Any] = Statement(
    select(room.c.used_bytes).where(room.c.clinic_id == an_id("clinic_id"))
)
_owned = {
    FilePurpose.CLINIC_LOGO: f.c.clinic_id,
    FilePurpose.DOCTOR_PHOTO: f.c.doctor_id,
    FilePurpose.BOOKING_DOCUMENT: f.c.appointment_id,
    FilePurpose.CHAT_ATTACHMENT: f.c.appointment_id,
}
COUNT: Mapping[FilePurpose, Statement[Any]] = {
    purpose: Statement(
        select(func.count())
        .select_from(f)
        .where(owner == an_id("owner_id"), f.c.purpose == str(purpose), f.c.state != "refused")
    )
    for purpose, owner in _owned.items()
}
"""Asked behind `TAKE`, which keeps others of the clinic from adding meanwhile."""

OF_APPOINTMENT: Statement[Any] = Statement(
    select(f)
    .where(
        f.c.appointment_id == an_id("appointment_id"),
        f.c.purpose == "booking_document",
        or_(an_id("after").is_(None), f.c.id > an_id("after")),
        *_present,
    )
    .order_by(f.c.id)
    .limit(how_many("most"))
)

_leased = {"due_at": instant("until"), "fence": f.c.fence + 1}
_due = materialized(
    "due",
    select(f.c.id)
    .where(f.c.due_at <= instant("now"))
    .order_by(f.c.due_at)
    .limit(how_many("most"))
    .with_for_update(skip_locked=True),
)
CLAIM_DUE: Statement[Any] = Statement(
    update(f).where(f.c.id.in_(select(_due.c.id))).values(_leased).returning(f)
)
CLAIM_ONE: Statement[Any] = Statement(
    update(f)
    .where(_is_it, f.c.state == "checking", f.c.due_at <= instant("now"), f.c.deleted_at.is_(None))
    .values(_leased)
    .returning(f)
)

KNOWN: Statement[Any] = Statement(
    select(f.c.upload_key)
    .where(f.c.upload_key == func.any(texts("keys")), f.c.state.in_(WAITING))
    .union_all(select(f.c.served_key).where(f.c.served_key == func.any(texts("keys"))))
)
"""What was sent behind its completion nobody waits for."""
SERVED: Statement[Any] = Statement(
    select(f)
    .where(
        f.c.served_key > a_text("after"),
        f.c.served_key < a_text("end"),
        f.c.completed_at < instant("before"),
        *_present,
    )
    .order_by(f.c.served_key)
    .limit(how_many("most"))
)
