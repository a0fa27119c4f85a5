"""Holds that end: before their time, by what takes their slots, and long after it."""

from datetime import timedelta

from sqlalchemy import Update, any_, null, select, update
from sqlalchemy.dialects.postgresql import Insert

from booking_system.platform.postgres.phrases import INSTANT, ago, ids, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore, in_batch
from booking_system.scheduling.records.calendar_work import asking_for
from booking_system.scheduling.records.claims import let_go
from booking_system.scheduling.records.holds import NO_HOLD
from booking_system.scheduling.records.tables import time_slots


def _ending() -> Insert:
    """Let go of their slots; the calendars of those that a rule has left are asked for."""
    columns = (time_slots.c.doctor_id, time_slots.c.clinic_id, time_slots.c.outside_availability)
    of_them = time_slots.c.hold_id == any_(ids("hold_ids"))
    over = let_go().where(of_them).returning(*columns).cte("over")
    calendars = (
        select(
            over.c.doctor_id, over.c.clinic_id, instant("now").label("due_at"), null().cast(INSTANT)
        )
        .where(over.c.outside_availability)
        .distinct()
        .order_by(over.c.doctor_id)
    )
    return asking_for(calendars)


END_HOLDS = Statement(_ending())
"""What a rule had left behind for these holds goes in the background, from now on (UTC)."""


def _tidying() -> Update:
    """Without a new version: nobody sees a difference."""
    held = time_slots.alias("held")
    over = (
        select(held.c.id)
        .where(held.c.hold_id.is_not(None), held.c.held_until < ago(timedelta(hours=1)))
        .with_for_update(skip_locked=True)
    )
    return update(time_slots).values(NO_HOLD).where(in_batch(time_slots, over))


OLD_HOLDS = Chore("holds", Statement(_tidying()).text)
"""What is over has no effect any more; a client that asks for it a little late is still told so."""
