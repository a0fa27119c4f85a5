"""Payments follow what becomes of appointments, by the feed of events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import any_, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from booking_system.payments.application.ports import WorkKind
from booking_system.payments.records.tables import payment_work, payments
from booking_system.platform.postgres.consumers import StoredEvent
from booking_system.platform.postgres.phrases import ids, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.clock import Clock

CONSUMER = "payments"
"""Its place in the feed, in `feed_consumers`."""
CHANGING = frozenset(
    {
        "booking.rescheduled",
        "booking.cancelled",
        "booking.completed",
        "booking.no_show",
        "booking.undone",
        "booking.expired",
    }
)
"""Behind these another sum may be kept, or nothing is to be paid any more.

What expires may have a part of its money from the desk, and no payment that would look at it.
"""

p, w = payments, payment_work


def _settling() -> Any:
    """One piece of work for an appointment, named after its first attempt."""
    rows = (
        select(
            func.gen_random_uuid().label("id"),
            literal(WorkKind.SETTLE.value).label("kind"),
            p.c.id.label("payment_id"),
            instant("now").label("due_at"),
        )
        .where(p.c.appointment_id == any_(ids("appointment_ids")))
        .ext(distinct_on(p.c.appointment_id))
        .order_by(p.c.appointment_id, p.c.id)
    )
    plan = insert(w).from_select(["id", "kind", "payment_id", "due_at"], rows)
    return plan.on_conflict_do_update(
        constraint="uq_payment_work_once",
        set_={
            "due_at": func.least(w.c.due_at, plan.excluded.due_at),
            "asked": w.c.asked + 1,
        },
    )


SETTLE = Statement(_settling())
"""Of appointments that nobody has begun to pay for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Plans that the money of changed appointments is looked at, in the consumer's transaction."""

    clock: Clock

    async def take(self, connection: asyncpg.Connection, events: Sequence[StoredEvent]) -> None:
        """Plan it for those that the events tell of; again, it changes nothing."""
        changed = {UUID(one.data["appointment_id"]) for one in events if one.name in CHANGING}
        if changed:
            await SETTLE.execute(connection, appointment_ids=[*changed], now=self.clock.now())
