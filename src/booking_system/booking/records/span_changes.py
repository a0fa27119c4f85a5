"""The statements that keep time around an appointment's slots free, and that lock what it has."""

from typing import Any

from sqlalchemy import FromClause, Select, Update, all_, any_, select

from booking_system.booking.records.claimed_time import reaches_further, slots_of
from booking_system.booking.records.tables import appointments
from booking_system.platform.postgres.phrases import an_id, ids, meets
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.claims import (
    is_near,
    kept_clear_for,
    locked,
    not_kept_clear_for,
)
from booking_system.scheduling.records.tables import time_slots

ITS_SLOTS = slots_of(lambda a: a.c.id == an_id("appointment_id"))
"""The query for the ids of all slots that the appointment has, or keeps free."""

LOCK_SLOTS_OF = Statement(locked(ITS_SLOTS))


def _calendars() -> Select[Any]:
    a, s = appointments.alias("a"), time_slots.alias("s")
    has = s.c.id == any_(a.c.time_slot_ids)
    query = select(s.c.doctor_id).select_from(a.join(s, has)).distinct()
    return query.where(a.c.id == an_id("appointment_id"), s.c.outside_availability)


CALENDARS_OF = Statement(_calendars())
"""Whose hours take over what the appointment may give back."""


def _around(a: FromClause) -> Update:
    change = kept_clear_for(a.c.id).where(a.c.id == an_id("appointment_id"))
    return change.where(is_near(time_slots, a), time_slots.c.id != all_(a.c.time_slot_ids))


BLOCK = Statement(_around(appointments.alias("a")))


def _around_no_more() -> Update:
    a, n = appointments.alias("a"), time_slots.alias("n")
    gone = ids("appointment_ids")
    near = (
        select(n.c.id)
        .select_from(a.join(n, is_near(n, a)))
        .where(a.c.id == any_(gone), reaches_further(a))
    )
    change = not_kept_clear_for(gone).where(time_slots.c.id.in_(near))
    return change.where(meets(time_slots.c.blocked_by, gone))


UNBLOCK = Statement(_around_no_more())
