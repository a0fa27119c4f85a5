"""What is said with numbers by SMS, in SQL."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    Integer,
    LargeBinary,
    Uuid,
    bindparam,
    case,
    column,
    func,
    literal,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as adding

from booking_system.notifications.adapters.planning_statements import KEYS, a, c, p
from booking_system.notifications.domain.planning import PATIENT
from booking_system.notifications.records.tables import message_ledger, sms_talks
from booking_system.platform.postgres.phrases import DAY, a_text, an_id, given, instant, minutes
from booking_system.platform.postgres.statement import Statement

MOST_TOLD = 100

m, t = message_ledger, sms_talks
_hashes = bindparam("hashes", type_=ARRAY(LargeBinary()))
_IT = (t.c.recipient_hash == given(t.c.recipient_hash), t.c.sender == given(t.c.sender))


def _hearing() -> Any:
    now = instant("now")
    new = adding(t).values(
        recipient_hash=given(t.c.recipient_hash),
        sender=given(t.c.sender),
        counted_from=now,
        answers=0,
        updated_at=now,
    )
    is_over = t.c.counted_from < now - DAY
    return new.on_conflict_do_update(
        index_elements=["recipient_hash", "sender"],
        set_={
            "answers": case((is_over, 0), else_=t.c.answers),
            "counted_from": case((is_over, now), else_=t.c.counted_from),
            "updated_at": now,
        },
    ).returning(*t.c)


HEAR = Statement(_hearing())
"""Locks the talk."""

TOLD = Statement(
    select(
        m.c.id,
        m.c.kind,
        m.c.revision.label("told_revision"),
        m.c.appointment_id,
        a.c.patient_id,
        a.c.clinic_id,
        a.c.revision,
        a.c.status,
        a.c.starts_at,
        (a.c.starts_at - minutes(a.c.cancel_notice_minutes)).label("cancel_until"),
        a.c.patient_confirmed_at.is_not(None).label("is_confirmed"),
    )
    .select_from(m.join(a, a.c.id == m.c.appointment_id).join(p, p.c.id == a.c.patient_id))
    .where(
        m.c.sent_to == func.any(_hashes),
        m.c.state.in_(["sending", "unknown", "sent", "delivered"]),
        m.c.recipient_key == PATIENT,
        # A number that is another patient's by now answers for nobody else.
        p.c.phone == a_text("number"),
        p.c.deleted_at.is_(None),
    )
    .order_by(m.c.began_at.desc())
    .limit(literal(MOST_TOLD))
)
"""What went to a number that is its patient's still, the newest first."""

NEW = ("id", *KEYS, "clinic_id", "lane", "due_at", "not_after", "state")
TELL = Statement(
    adding(m)
    .values({**{name: given(m.c[name]) for name in NEW}, "planned_at": given(m.c.due_at)})
    .on_conflict_do_nothing(index_elements=KEYS)
    .returning(m.c.id)
)
"""No row: the same stands there already."""

COUNT = Statement(
    update(t)
    .where(*_IT)
    .values(
        answers=t.c.answers + 1, excused_at=func.coalesce(instant("excused_at"), t.c.excused_at)
    )
)
ASK = Statement(
    update(t)
    .where(*_IT)
    .values(
        {
            name: given(t.c[name])
            for name in ("asked", "message_id", "appointment_ids", "revisions", "asked_at")
        }
    )
)
_NONE = text("'{}'")
CLOSE = Statement(
    update(t)
    .where(*_IT)
    .values(asked=None, message_id=None, appointment_ids=_NONE, revisions=_NONE, asked_at=None)
)


def _choices() -> Any:
    named = func.unnest(t.c.appointment_ids, t.c.revisions).table_valued(
        column("id", Uuid()), column("revision", Integer()), with_ordinality="number"
    )
    named = named.render_derived(name="named")
    return (
        select(
            named.c.number,
            a.c.starts_at,
            c.c.id.label("clinic_id"),
            c.c.name.label("clinic_name"),
            c.c.time_zone,
        )
        .select_from(
            t.join(named, true())
            .join(a, (a.c.id == named.c.id) & (a.c.revision == named.c.revision))
            .join(c, c.c.id == a.c.clinic_id)
        )
        .where(t.c.message_id == an_id("id"))
        .order_by(named.c.number)
    )


CHOICES = Statement(_choices())
"""What a question asks about, as it is now; what changed since is left out."""
