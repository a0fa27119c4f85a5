"""Which slots a search wants, as conditions: one statement for each combination of filters.

They have to be good as general plans, too, which know neither the range nor the limit. So what
would tempt a planner to begin elsewhere, read all slots of the range and sort them, is kept out of
the joins.
"""

from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Uuid,
    and_,
    any_,
    cast,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)

from booking_system.directory.records.tables import clinics, doctors
from booking_system.platform.postgres.phrases import (
    INSTANT,
    a_text,
    an_id,
    asked_singly,
    days,
    during,
    instant,
    materialized,
    meets,
    minutes,
)
from booking_system.scheduling.domain.search import SlotFilter
from booking_system.scheduling.records import needs
from booking_system.scheduling.records.appointment_times import visits_of
from booking_system.scheduling.records.needs import NOW, Need, Needed
from booking_system.scheduling.records.spans import is_untaken
from booking_system.scheduling.records.tables import time_slots

SINCE, UNTIL = instant("since"), instant("until")
CLINIC_ID, DOCTOR_ID = an_id("clinic_id"), an_id("doctor_id")

NO_ID = cast(literal(str(UUID(int=0))), Uuid)
"""Before all that there are."""
FROM_NOW = func.greatest(SINCE, NOW + literal_column("interval '1 microsecond'"), type_=INSTANT)
"""From when on a search looks: later than now, as no instant is told more exactly."""

slots = time_slots.alias("s")


class Filters(NamedTuple):
    """Which filters a search names: each combination has a statement, and a plan, of its own."""

    clinic: bool
    doctor: bool
    needed: Needed | None
    specialty: bool
    language: bool
    mode: bool
    visits: bool
    visits_elsewhere: bool

    @classmethod
    def of(cls, wanted: SlotFilter) -> "Filters":
        """Return what the search names."""
        visits = wanted.visits
        return cls(
            wanted.clinic_id is not None,
            wanted.doctor_id is not None,
            Needed.by(wanted),
            wanted.specialty is not None,
            wanted.language is not None,
            wanted.mode is not None,
            visits is not None,
            visits is not None and visits.are_all_told,
        )

    @property
    def choose_doctors(self) -> bool:
        """Say whether only some doctors are wanted, of whom it is not said which."""
        return self.needed is not None or self.specialty or self.language

    @property
    def is_near(self) -> bool:
        """Say whether what is wanted is of one clinic."""
        return self.needed is not None or self.clinic or self.doctor


def values_of(wanted: SlotFilter) -> dict[str, Any]:
    """Return the values that the conditions speak of."""
    named = {
        "clinic_id": wanted.clinic_id,
        "doctor_id": wanted.doctor_id,
        "specialty": wanted.specialty,
        "language": wanted.language,
        "mode": wanted.mode,
        "patient_id": None if wanted.visits is None else wanted.visits.patient_id,
    }
    values = {name: value for name, value in named.items() if value is not None}
    return {**values, **needs.values_of(wanted)}


def begins_before(instant: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a slot begins before then, compared together with an id.

    Of two plain bounds PostgreSQL expects next to nothing in between where it does not know their
    values. Without statistics, as right after a bulk write, any index then seems to hold a row or
    two of what is wanted, and the slots of everybody are read for those of one doctor. This is no
    pair of bounds, so that whose slots they are decides.
    """
    return tuple_(slots.c.starts_at, slots.c.id) < tuple_(instant, NO_ID)


class WantedSlots:
    """The conditions of a combination of filters, of slots and of doctors."""

    def __init__(self, filters: Filters, *, by_doctor: bool = False) -> None:
        """Where slots are looked for doctor `by_doctor`, the doctors are of the clinic already.

        Then only `of_scan`, for what goes through the slots of many, asks for their clinic.
        """
        self._filters = filters
        self.need = None if filters.needed is None else Need.of(filters.needed)
        s, whose = slots, list[ColumnElement[bool]]()
        if filters.doctor:
            whose.append(s.c.doctor_id == DOCTOR_ID)
        if filters.clinic:
            is_there = s.c.clinic_id == CLINIC_ID
            # `coalesce` keeps the doctor's index the better one.
            whose.append(func.coalesce(is_there, false()) if filters.doctor else is_there)
        self.of_slot = [] if by_doctor else whose
        self.of_scan = whose if by_doctor else []
        if self.need is not None:
            # `coalesce` keeps it a condition of single slots.
            self.of_slot.append(func.coalesce(self.need.could_begin_in(s), false()))
            self.of_scan.append(s.c.clinic_id == self.need.clinic_id)
        if filters.mode:
            self.of_slot.append(s.c.mode == a_text("mode"))
        if filters.visits:
            self.of_slot.append(self._patient_has_time)

    @property
    def moving(self) -> ColumnElement[Any] | None:
        """The appointment that moves; None where none does."""
        return None if self.need is None else self.need.moving

    def ends_of(self, slot: FromClause) -> ColumnElement[Any]:
        """Return when a booking that begins in the slot ends."""
        return slot.c.ends_at if self.need is None else self.need.ends_of(slot)

    @property
    def is_untaken(self) -> ColumnElement[bool]:
        """The condition that the slot could be had."""
        return and_(slots.c.deleted_at.is_(None), is_untaken(slots, NOW, but=self.moving))

    @property
    def is_in_range(self) -> ColumnElement[bool]:
        """The condition that the slot begins in the range, and later than now."""
        return and_(slots.c.starts_at >= FROM_NOW, begins_before(UNTIL))

    @property
    def is_bookable(self) -> ColumnElement[bool]:
        """The condition that a slot of the range can be booked."""
        return and_(self.is_untaken, self.is_in_range, self.is_accepted_anywhere)

    @property
    def is_accepted(self) -> ColumnElement[bool]:
        """The condition that its clinic takes bookings of the slot's time.

        It stays a question that is asked of single slots: as a join it makes plans that begin with
        the clinics, read all slots of the range and sort them, where an index has a page of them in
        order.
        """
        c, starts_at = clinics.alias("c"), slots.c.starts_at
        is_near = starts_at <= NOW + days(c.c.horizon_days)
        if self.need is not None and self.moving is not None:
            # What is moved does not have to come nearer than it is.
            is_near = or_(is_near, starts_at <= self.need.starts_at)
        accepting = select(c.c.id).where(
            c.c.id == slots.c.clinic_id,
            starts_at >= NOW + minutes(c.c.min_notice_minutes),
            is_near,
        )
        return asked_singly(accepting.correlate_except(c)).exists()

    @property
    def is_accepted_anywhere(self) -> ColumnElement[bool]:
        """The same, and for most slots without a look at their clinic: all take this time."""
        policy = self._policy
        earliest, latest = (
            select(column).correlate_except(policy).scalar_subquery()
            for column in (policy.c.earliest, policy.c.latest)
        )
        is_in_all = slots.c.starts_at.between(earliest, latest)
        return or_(is_in_all, self.is_accepted)

    @cached_property
    def _policy(self) -> CTE:
        """From when until when all clinics in question take bookings, reckoned once."""
        p, filters = clinics.alias("p"), self._filters
        if filters.doctor:
            d = doctors.alias("d")
            of_doctor = select(d.c.clinic_id).where(d.c.id == DOCTOR_ID)
            at = p.c.id == of_doctor.scalar_subquery()
        elif filters.clinic:
            at = p.c.id == CLINIC_ID
        elif self.need is not None and self.moving is not None:
            at = p.c.id == self.need.clinic_id
        else:
            at = true()
        earliest = NOW + minutes(func.max(p.c.min_notice_minutes))
        latest = NOW + days(func.min(p.c.horizon_days))
        return materialized(
            "policy", select(earliest.label("earliest"), latest.label("latest")).where(at)
        )

    @cached_property
    def wanted(self) -> CTE:
        """The doctors who are wanted."""
        d, filters = doctors.alias("d"), self._filters
        query = select(d.c.id).where(d.c.deleted_at.is_(None))
        if filters.clinic:
            query = query.where(d.c.clinic_id == CLINIC_ID)
        if filters.doctor:
            query = query.where(d.c.id == DOCTOR_ID)
        if self.need is not None:
            query = query.where(d.c.id == any_(self.need.doctor_ids))
        if filters.specialty:
            known = func.lower(d.c.specialty)
            # For doctors who are named otherwise, too, so that not all of it are read first.
            known = func.coalesce(known, "") if filters.is_near else known
            query = query.where(known == func.lower(a_text("specialty")))
        if filters.language:
            # Languages are stored in small letters.
            query = query.where(func.lower(a_text("language")) == any_(d.c.languages))
        return materialized("wanted", query)

    @property
    def is_of_wanted(self) -> ColumnElement[bool]:
        """The condition that the slot is of a wanted doctor.

        `coalesce` keeps it a condition: as a join it would begin with the doctors, and sort.
        """
        theirs = select(self.wanted.c.id).correlate_except(self.wanted)
        return func.coalesce(slots.c.doctor_id.in_(theirs), false())

    @property
    def how_many_wanted(self) -> ColumnElement[int]:
        """The number of wanted doctors."""
        counted = select(func.count()).select_from(self.wanted)
        return counted.correlate_except(self.wanted).scalar_subquery()

    @property
    def _patient_has_time(self) -> ColumnElement[bool]:
        """Their appointments are few, and read once."""
        to_come = visits_of(an_id("patient_id"), since=NOW, but=self.moving)
        visits = materialized("visits", to_come)
        own = asked_singly(select(self.ends_of(slots).label("until")).correlate(slots))
        lasting = own.subquery("own")
        busy = select(visits.c.clinic_id).where(
            meets(visits.c.patient_time, during(slots.c.starts_at, lasting.c.until))
        )
        if not self._filters.visits_elsewhere:
            # Where else the patient has appointments is not told to others.
            busy = busy.where(visits.c.clinic_id == slots.c.clinic_id)
        busy = busy.select_from(lasting.join(visits, true()))
        return func.coalesce(~busy.correlate_except(lasting, visits).exists(), false())
