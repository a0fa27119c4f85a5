"""Work with payments, counted: what is due, what fails, and what people must see to."""

from typing import Any

from sqlalchemy import Double, Integer, cast, func, literal, select, union_all

from booking_system.payments.records.tables import payment_quarantine, payment_work
from booking_system.platform.postgres.statement import Statement

MOST = 10_000
"""So many are counted at most."""

w, q = payment_work.c, payment_quarantine.c


def _counted(found: Any) -> Any:
    return select(func.count()).select_from(found.limit(literal(MOST)).subquery()).scalar_subquery()


_due = (
    select(w.due_at).where(w.due_at <= func.now()).order_by(w.due_at).limit(literal(MOST))
).subquery()
_seconds = cast(func.extract("epoch", func.now() - func.min(_due.c.due_at)), Double)
_open = select(q.id).where(q.resolved_at.is_(None))
# It is removed once it is done, so the table is as long as what there is to do.
_failing = select(w.id).where(w.problem.is_not(None))

LOOK = Statement(
    union_all(
        select(
            literal("payments").label("queue"),
            func.count().label("waiting"),
            func.coalesce(_seconds, 0.0).label("seconds"),
            _counted(_open).label("dead"),
        ).select_from(_due),
        select(
            literal("payments tried again"),
            _counted(_failing),
            literal(0.0, Double),
            literal(0, Integer),
        ),
    )
)
"""Nothing is given up by itself: what counts as dead is a matter open at a clinic's desk."""
