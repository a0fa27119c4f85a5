"""Claims in SQL: the messages that are due longest, or in a burst some of each clinic."""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    SmallInteger,
    and_,
    bindparam,
    func,
    literal,
    select,
    true,
    update,
)

from booking_system.notifications.adapters.ledger_statements import within
from booking_system.notifications.records.tables import message_ledger
from booking_system.platform.postgres.phrases import how_many, instant, materialized
from booking_system.platform.postgres.statement import Statement

BURST = 500
"""Where so many are due at a time, clinics take turns."""
MOST_OF_CLINIC = 4
"""Of one clinic, of a claim in a burst."""

m = message_ledger


def _is_due() -> ColumnElement[bool]:
    lane = bindparam("lane", type_=SmallInteger())
    return and_(m.c.state == "planned", m.c.lane == lane, m.c.due_at <= instant("now"))


COUNT_DUE = Statement(
    select(func.count()).select_from(
        select(m.c.id).where(_is_due()).limit(literal(BURST)).subquery("due")
    )
)


def _claiming(found: CTE) -> Any:
    return (
        update(m)
        .where(m.c.id == found.c.id)
        .values(state="claimed", token=m.c.token + 1, lease_until=within("lease"))
        .returning(m.c.id, m.c.token, m.c.channel, m.c.attempts)
    )


def _in_turn() -> CTE:
    found = select(m.c.id).where(_is_due()).order_by(m.c.due_at).limit(how_many("most"))
    return materialized("found", found.with_for_update(skip_locked=True))


def _clinics_in_turn() -> CTE:
    """The oldest of each clinic: clinics are found one after the other, each by the index."""
    planned = m.alias("planned")
    lane = bindparam("lane", type_=SmallInteger())
    is_of_lane = and_(planned.c.state == "planned", planned.c.lane == lane)
    order = planned.c.clinic_id
    first = select(planned.c.clinic_id).where(is_of_lane).order_by(order).limit(1)
    seen = first.cte("seen", recursive=True)
    following = (
        select(planned.c.clinic_id)
        .where(is_of_lane, planned.c.clinic_id > seen.c.clinic_id)
        .order_by(order)
        .limit(1)
        .correlate(seen)
        .scalar_subquery()
    )
    seen = seen.union_all(select(following).where(seen.c.clinic_id.is_not(None)))
    turn = func.row_number().over(order_by=m.c.due_at).label("turn")
    of_clinic = (
        select(m.c.id, m.c.due_at, turn)
        .where(_is_due(), m.c.clinic_id == seen.c.clinic_id)
        .order_by(m.c.due_at)
        .limit(MOST_OF_CLINIC)
        .lateral("of_clinic")
    )
    turns = select(of_clinic).select_from(seen.join(of_clinic, true())).subquery("turns")
    chosen = (
        select(m.c.id)
        .join(turns, turns.c.id == m.c.id)
        .where(m.c.state == "planned")
        .order_by(turns.c.turn, turns.c.due_at)
        .limit(how_many("most"))
        .with_for_update(of=m, skip_locked=True)
    )
    return materialized("found", chosen)


CLAIM = Statement(_claiming(_in_turn()))
CLAIM_IN_BURST = Statement(_claiming(_clinics_in_turn()))
