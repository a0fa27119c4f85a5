"""The statements of overviews, each made once; they read no more than they need of an index."""

from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    Integer,
    Uuid,
    all_,
    func,
    literal,
    null,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import array

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.phrases import (
    INSTANT,
    an_id,
    days,
    how_many,
    instants,
)
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.adapters.slot_page import ON_PAGE, ShownPage, in_order
from booking_system.scheduling.adapters.slot_statements import shown_columns
from booking_system.scheduling.adapters.wanted_slots import (
    FROM_NOW,
    NO_ID,
    UNTIL,
    Filters,
    WantedSlots,
    begins_before,
    slots,
)

DAYS_GONE_THROUGH = 3

MOST_DOCTORS, MOST_OF_EACH = how_many("most_doctors"), how_many("most_of_each")

MOST_OF_ONE = 20
"""Nobody may ask for more of one doctor; a general plan, which does not know the other bound, does
know this one."""


@cache
def soonest(filters: Filters, *, one_by_one: int) -> Statement[Any]:
    """Return the statement for the doctors with the soonest slots, and their first ones.

    `one_by_one` times as many as are asked for are each asked for their first slot. Of more, the
    slots of the next days are gone through in the order of time until enough doctors were met;
    where they were not, each doctor is asked after all.
    """
    wanted, s = WantedSlots(filters, by_doctor=True), slots
    many = _met_in_order(wanted, one_by_one)
    are_enough = select(func.count()).select_from(many).correlate_except(many).scalar_subquery()
    own = in_order(
        select(s.c.starts_at, s.c.id)
        .where(s.c.doctor_id == wanted.wanted.c.id, wanted.is_bookable, *wanted.of_slot)
        .correlate(wanted.wanted),
        s,
        1,
    ).lateral("f")
    few = (
        select(wanted.wanted.c.id.label("doctor_id"), own.c.starts_at, own.c.id)
        .select_from(wanted.wanted.join(own, true()))
        .where(are_enough <= MOST_DOCTORS)
        .cte("few")
    )
    met = select(many.c.doctor_id, many.c.starts_at, many.c.id)
    one = union_all(
        select(few.c.doctor_id, few.c.starts_at, few.c.id),
        met.where(many.c.met > 0, are_enough > MOST_DOCTORS),
    ).subquery("one")
    first = in_order(select(one), one, MOST_DOCTORS).cte("soonest")
    shown = ShownPage(wanted, _first_of_each(wanted, first))
    columns = shown_columns(shown.slot, shown.doctor, shown.clinic, shown.need)
    by_doctor = (shown.slot.c.soonest_at, shown.slot.c.soonest)
    in_time = (shown.slot.c.starts_at, shown.slot.c.id)
    return Statement(shown.showing(*columns).order_by(*by_doctor, *in_time))


def _met_in_order(wanted: WantedSlots, one_by_one: int) -> CTE:
    """Meet one doctor after the other among the slots in the order of time."""
    s = slots
    nobody = select(
        literal(0).label("met"),
        array([], type_=Uuid()).label("doctors"),
        FROM_NOW.label("starts_at"),
        NO_ID.label("id"),
        null().cast(Uuid).label("doctor_id"),
    ).where(wanted.how_many_wanted >= one_by_one * MOST_DOCTORS)
    many = nobody.cte("many", recursive=True)
    m = many.alias("m")
    soon = FROM_NOW + days(literal(DAYS_GONE_THROUGH))
    # In place of the usual range: an index is entered at the first bound that it is given.
    behind = (
        s.c.starts_at >= m.c.starts_at,
        tuple_(s.c.starts_at, s.c.id) > tuple_(m.c.starts_at, m.c.id),
        begins_before(func.least(UNTIL, soon, type_=INSTANT)),
    )
    found = in_order(
        select(s.c.starts_at, s.c.id, s.c.doctor_id)
        .where(
            wanted.is_untaken,
            *behind,
            wanted.is_accepted_anywhere,
            *wanted.of_slot,
            *wanted.of_scan,
            wanted.is_of_wanted,
            s.c.doctor_id != all_(m.c.doctors),
        )
        .correlate(m),
        s,
        1,
    ).lateral("f")
    doctors_met = func.array_append(m.c.doctors, found.c.doctor_id)
    following = (
        select(m.c.met + 1, doctors_met, found.c.starts_at, found.c.id, found.c.doctor_id)
        .select_from(m.join(found, true()))
        .where(m.c.met < MOST_DOCTORS)
    )
    return many.union_all(following)


def _first_of_each(wanted: WantedSlots, first: CTE) -> Any:
    s, n = slots, first.alias("n")
    within = in_order(
        select(*(s.c[name] for name in ON_PAGE))
        .where(
            s.c.doctor_id == n.c.doctor_id,
            wanted.is_bookable,
            *wanted.of_slot,
            s.c.starts_at >= n.c.starts_at,
        )
        .correlate(n),
        s,
        MOST_OF_ONE,
    ).subquery("s")
    own = in_order(select(within), within, MOST_OF_EACH).lateral("f")
    soonest_slot = (n.c.starts_at.label("soonest_at"), n.c.id.label("soonest"))
    return select(own, *soonest_slot).select_from(n.join(own, true()))


@cache
def per_day(filters: Filters) -> Statement[Any]:
    """Return the statement that counts the slots of each day, and says when the first begins.

    Each day ends where the next one begins.
    """
    wanted, s = WantedSlots(filters), slots
    conditions = [wanted.is_bookable, *wanted.of_slot]
    if filters.specialty or filters.language:
        conditions.append(wanted.is_of_wanted)
    place = func.width_bucket(s.c.starts_at, instants("days_since"), type_=Integer())
    query = select(
        (place - 1).label("place"),
        func.count().label("open_slots"),
        func.min(s.c.starts_at).label("first"),
    )
    return Statement(query.where(*conditions).group_by(place))


def _zone(*, of_doctor: bool) -> Statement[Any]:
    c, d = clinics.alias("c"), doctors.alias("d")
    if not of_doctor:
        clinic_id = an_id("clinic_id")
        query = select(c.c.time_zone).where(c.c.id == clinic_id, c.c.deleted_at.is_(None))
        return Statement(query)
    joined = d.join(c, c.c.id == d.c.clinic_id)
    query = select(c.c.time_zone).select_from(joined)
    return Statement(query.where(d.c.id == an_id("doctor_id"), d.c.deleted_at.is_(None)))


ZONE_OF_DOCTOR, ZONE_OF_CLINIC = _zone(of_doctor=True), _zone(of_doctor=False)
