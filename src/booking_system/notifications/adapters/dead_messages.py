"""Messages that were given up: counted, listed, and sent again when somebody wants it."""

from typing import Any

from sqlalchemy import (
    Double,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    select,
    union_all,
    update,
)

from booking_system.notifications.domain.planning import Lane
from booking_system.notifications.records.tables import message_ledger
from booking_system.platform.postgres.phrases import an_id, how_many, instant
from booking_system.platform.postgres.statement import Statement

MOST = 10_000
"""So many are counted at most."""
QUEUES = {
    Lane.ACCOUNTS: "messages of accounts",
    Lane.CHANGES: "messages of changes",
    Lane.REMINDERS: "reminders",
}

m = message_ledger.c


def _looking(lane: Lane) -> Any:
    is_due = (m.lane == lane.value) & (m.state == "planned") & (m.due_at <= func.now())
    due = select(m.due_at).where(is_due).order_by(m.due_at).limit(literal(MOST)).subquery()
    has_failed = (m.lane == lane.value) & (m.state == "failed")
    failed = select(m.id).where(has_failed).limit(literal(MOST)).subquery()
    seconds = cast(func.extract("epoch", func.now() - func.min(due.c.due_at)), Double)
    return select(
        literal(QUEUES[lane]).label("queue"),
        func.count().label("waiting"),
        func.coalesce(seconds, 0.0).label("seconds"),
        select(func.count()).select_from(failed).scalar_subquery().label("dead"),
    ).select_from(due)


LOOK = Statement(union_all(*map(_looking, Lane)))
DEAD = Statement(
    select(
        m.id,
        m.kind,
        m.channel,
        m.appointment_id,
        m.clinic_id,
        m.reason,
        m.error_code,
        m.provider,
        m.ended_at,
        m.not_after,
    )
    .where(m.state == "failed", m.id > bindparam("after", type_=Uuid()))
    .order_by(m.id)
    .limit(how_many("most"))
)
SEND_AGAIN = Statement(
    update(message_ledger)
    .where(m.id == an_id("id"), m.state == "failed", m.not_after > instant("now"))
    .values(
        state="planned",
        reason=None,
        ended_at=None,
        due_at=instant("now"),
        token=m.token + 1,
        attempts=0,
        began=0,
    )
    .returning(m.id)
)
"""No row: it has not failed, or it is of no use any more."""
