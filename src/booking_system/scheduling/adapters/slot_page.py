"""Pages of slots: an index is entered once and left at the end of the page."""

from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Select, any_, select, true, union_all
from sqlalchemy.sql.selectable import GenerativeSelect

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.phrases import array_of, how_many, materialized
from booking_system.scheduling.adapters.wanted_slots import WantedSlots, slots

LONGEST_PAGE = 201
"""A page of two hundred, and the one behind it."""

FEW = 8
"""So many doctors are each asked for a page of slots. Of more, the slots are gone through in the
order of time until there is a page of theirs."""

MOST = how_many("most")

ON_PAGE = (
    "id",
    "clinic_id",
    "doctor_id",
    "starts_at",
    "ends_at",
    "mode",
    "version",
    "wall_starts_at",
)
"""What is read of a slot to show it, and to know when a service that begins in it ends."""


def in_order(query: Select[Any], slot: FromClause, most: Any) -> Select[Any]:
    """Return the first slots in the order of time."""
    return query.order_by(slot.c.starts_at, slot.c.id).limit(most)


def page_of(
    wanted: WantedSlots, *more: ColumnElement[bool], of: FromClause | None = None
) -> Select[Any]:
    """Return what goes through the slots in the order of time, of the doctor in a row `of` them.

    The bound within says to a general plan, which does not know the other, that this ends early.
    """
    s = slots
    within = select(*(s.c[name] for name in ON_PAGE))
    if of is not None:
        within = within.where(s.c.doctor_id == of.c.id).correlate(of)
    within = within.where(wanted.is_bookable, *wanted.of_slot, *more)
    page = in_order(within, s, LONGEST_PAGE).subquery("s")
    return in_order(select(page), page, MOST)


def page_of_wanted(wanted: WantedSlots, few: int) -> GenerativeSelect:
    """Return what asks each wanted doctor, or, of more than a few, goes through all slots."""
    doctor = wanted.wanted.alias("w")
    own = page_of(wanted, of=doctor).lateral("f")
    of_each = select(own).select_from(doctor.join(own, true())).where(wanted.how_many_wanted <= few)
    are_many = wanted.how_many_wanted > few
    of_all = page_of(wanted, *wanted.of_scan, wanted.is_of_wanted, are_many)
    return union_all(of_each, of_all)


class ShownPage:
    """The slots of a page with what is shown of them; looks each doctor and clinic up once."""

    def __init__(self, wanted: WantedSlots, page: GenerativeSelect) -> None:
        """`page` has the columns `ON_PAGE`."""
        on_page = materialized("page", page)
        self.slot = on_page.alias("s")
        self.doctor = _named_in(on_page, doctors, "doctor_id", "d", "their_doctors")
        self.clinic = _named_in(on_page, clinics, "clinic_id", "c", "their_clinics")
        self.need = None if wanted.need is None else wanted.need.need

    def showing(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Return the query for these columns of each slot."""
        slot, doctor, clinic = self.slot, self.doctor, self.clinic
        joined = slot.join(doctor, doctor.c.id == slot.c.doctor_id)
        joined = joined.join(clinic, clinic.c.id == slot.c.clinic_id)
        if self.need is not None:
            joined = joined.join(self.need, true())
        return select(*columns).select_from(joined)


def _named_in(page: CTE, table: FromClause, column: str, alias: str, name: str) -> FromClause:
    one = table.alias(alias)
    theirs = array_of(select(page.c[column]).distinct())
    return materialized(name, select(one).where(one.c.id == any_(theirs))).alias(alias)
