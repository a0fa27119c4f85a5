"""Statements for a page of slots: an index is entered once and left at the end of the page.

They have to be good as general plans, too, which know neither the range nor the limit. So what
would tempt a planner to begin elsewhere, read all slots of the range and sort them, is kept out of
the joins.
"""

from typing import Any

from booking_system.scheduling.domain.search import SlotFilter
from booking_system.scheduling.records import needs, spans

IN_RANGE = "s.starts_at >= $1 AND s.starts_at < $2 AND s.starts_at > $3"

TAKEN = """EXISTS (SELECT FROM clinics c WHERE c.id = s.clinic_id
  AND s.starts_at >= $3 + c.min_notice_minutes * interval '1 minute'
  AND {within} OFFSET 0)"""
"""The clinic takes bookings of this time. With `OFFSET` it stays a question that is asked of single
slots: as a join it makes plans that begin with the clinics, read all slots of the range and sort
them, where an index has a page of them in order."""

WITHIN = "s.starts_at <= $3 + c.horizon_days * interval '1 day'"
WITHIN_OR_NO_LATER = f"({WITHIN} OR s.starts_at <= (SELECT starts_at FROM need))"  # noqa: S608
"""What is moved does not have to come nearer than it is."""

ANY_CLINIC = "true"
ITS_CLINIC = "p.id = ${}"
ITS_DOCTORS_CLINIC = "p.id = (SELECT clinic_id FROM doctors WHERE id = ${})"
CLINIC_OF_NEED = "p.id = (SELECT clinic_id FROM need)"

POLICY = """policy AS MATERIALIZED (SELECT max(p.min_notice_minutes) AS minutes,
  min(p.horizon_days) AS days FROM clinics p WHERE {})"""
"""The latest notice and the nearest horizon of the clinics in question."""

TAKEN_BY_ALL = """(s.starts_at
  BETWEEN $3 + (SELECT minutes FROM policy) * interval '1 minute'
  AND $3 + (SELECT days FROM policy) * interval '1 day' OR {taken})"""
"""The same, and for most slots without a look at their clinic: all take bookings of this time."""

LONGEST_PAGE = 201
"""A page of two hundred, and the one behind it."""

SCAN = """SELECT s.* FROM (SELECT s.* FROM time_slots s WHERE {bookable}{of_slot}
  ORDER BY s.starts_at, s.id LIMIT {longest}) s ORDER BY s.starts_at, s.id LIMIT ${most}"""
"""The bound within says to a general plan, which does not know the other, that this ends early."""

FEW = 8
"""So many doctors are each asked for a page of slots. Of more, the slots are gone through in the
order of time until there is a page of theirs."""

WANTED = "wanted AS MATERIALIZED (SELECT d.id FROM doctors d WHERE d.deleted_at IS NULL{})"

IS_WANTED = "coalesce(s.doctor_id IN (SELECT id FROM wanted), false)"
"""`coalesce` keeps it a condition: as a join it would begin with the doctors, and sort."""

OF_WANTED = """(SELECT f.* FROM wanted w CROSS JOIN LATERAL ({of_one}) f
  WHERE (SELECT count(*) FROM wanted) <= {few}) UNION ALL ({of_all})"""

SPECIALTY = "lower(d.specialty) = lower(${})"
SPECIALTY_NEAR = "coalesce(lower(d.specialty), '') = lower(${})"
"""For doctors who are named otherwise, too, so that not all of the specialty are read first."""

LANGUAGE = "lower(${}) = ANY(d.languages)"
"""Languages are stored in small letters."""

OFFERS = "d.id = ANY (ARRAY(SELECT o.doctor_id FROM need_doctors o))"
AT_CLINIC_OF = "s.clinic_id = (SELECT clinic_id FROM need)"

VISITS = """visits AS MATERIALIZED (SELECT a.patient_time, a.clinic_id FROM appointments a
  WHERE a.patient_id = ${} AND a.status <> 'cancelled'
  AND a.patient_time && tstzrange($3, NULL){})"""
"""When the patient has appointments: few, and read once."""

HAS_TIME = """coalesce(NOT EXISTS (SELECT FROM (SELECT {ends} AS until OFFSET 0) AS own
 CROSS JOIN visits WHERE visits.patient_time && tstzrange(s.starts_at, own.until){which}), false)"""

OF_ITS_CLINIC = " AND visits.clinic_id = s.clinic_id"
"""Where else the patient has appointments is not told to others."""

SHOWN = """page AS MATERIALIZED ({page}),
 their_doctors AS MATERIALIZED (SELECT d.* FROM doctors d
  WHERE d.id = ANY (ARRAY(SELECT DISTINCT doctor_id FROM page))),
 their_clinics AS MATERIALIZED (SELECT c.* FROM clinics c
  WHERE c.id = ANY (ARRAY(SELECT DISTINCT clinic_id FROM page)))
 SELECT {columns} FROM page s JOIN their_doctors d ON d.id = s.doctor_id
 JOIN their_clinics c ON c.id = s.clinic_id{need}"""
"""Looks each doctor and each clinic up once, not once for each slot."""


JOIN_NEED = " CROSS JOIN need v"


class Wish:
    """A filter as SQL: conditions of slots and of doctors, and the values that they speak of."""

    def __init__(self, wanted: SlotFilter, values: list[Any], *, by_doctor: bool = False) -> None:
        """`values` are the bounds of the range, and now.

        Where slots are looked for doctor `by_doctor`, only what goes through the slots of many asks
        for their clinic.
        """
        self.values = values
        self.of_slot: list[str] = []
        self.of_doctor: list[str] = []
        self.of_scan: list[str] = []
        self._at = ANY_CLINIC
        self._visits = ""
        place = self._place_of_named
        self._moves, self._service = place(wanted.moves), place(wanted.service_id)
        if wanted.moves is not None:
            self._at = CLINIC_OF_NEED
        for value, condition, of_doctor, at in (
            (wanted.clinic_id, "s.clinic_id = ${}", "d.clinic_id = ${}", ITS_CLINIC),
            (wanted.doctor_id, "s.doctor_id = ${}", "d.id = ${}", ITS_DOCTORS_CLINIC),
        ):
            self.filter(
                value,
                "" if by_doctor else condition,
                of_doctor,
                scan=condition if by_doctor else "",
                at=at,
            )
        if self.needs:
            self.of_slot.append(f"coalesce({needs.offered_by('s', '$3', but=self.but)}, false)")
            self.of_doctor.append(OFFERS)
            self.of_scan.append(AT_CLINIC_OF)
        is_near = self.needs or any((wanted.clinic_id, wanted.doctor_id))
        self.filter(wanted.specialty, "", SPECIALTY_NEAR if is_near else SPECIALTY)
        self.filter(wanted.language, "", LANGUAGE)
        self.filter(wanted.mode, "s.mode = ${}")
        if (visits := wanted.visits) is not None:
            other = f" AND a.id <> {self.but}" if self.but else ""
            self._visits = VISITS.format(self.place_of(visits.patient_id), other) + ", "
            which = "" if visits.are_all_told else OF_ITS_CLINIC
            self.of_slot.append(HAS_TIME.format(ends=self.ends, which=which))

    @property
    def needs(self) -> bool:
        """Say whether it is known what is to be booked."""
        return self._moves is not None or self._service is not None

    @property
    def but(self) -> str:
        """The parameter that is the appointment which moves; empty where none does."""
        return "" if self._moves is None else f"${self._moves}::uuid"

    @property
    def ends(self) -> str:
        """When a booking that begins in `s` ends; `need v` has to be at hand."""
        if not self.needs:
            return "s.ends_at"
        return f"(SELECT {spans.ends_of('s', 'v')} FROM need v)"  # noqa: S608

    @property
    def untaken(self) -> str:
        """The condition that the slot could be had."""
        return f"s.deleted_at IS NULL AND {spans.untaken('s', '$3', but=self.but)}"

    @property
    def taken(self) -> str:
        """The condition that its clinic takes bookings of its time."""
        return TAKEN.format(within=WITHIN_OR_NO_LATER if self.but else WITHIN)

    @property
    def taken_by_all(self) -> str:
        """The same, where `policy` is at hand."""
        return TAKEN_BY_ALL.format(taken=self.taken)

    @property
    def bookable(self) -> str:
        """The condition that a slot of the range can be booked, where `policy` is at hand."""
        return f"{self.untaken} AND {IN_RANGE} AND {self.taken_by_all}"

    def place_of(self, value: object) -> int:
        """Take a value; return the number of its parameter."""
        self.values.append(value)
        return len(self.values)

    def _place_of_named(self, value: object) -> int | None:
        return None if value is None else self.place_of(value)

    def filter(
        self, value: object, of_slot: str, of_doctor: str = "", *, scan: str = "", at: str = ""
    ) -> None:
        """Take the conditions unless there is no value; `scan` leads one that asks no doctor."""
        if value is None:
            return
        place = self.place_of(value)
        for conditions, condition in (
            (self.of_slot, of_slot),
            (self.of_doctor, of_doctor),
            (self.of_scan, scan),
        ):
            if condition:
                conditions.append(condition.format(place))
        if at:
            self._at = at.format(place)

    def asked(self, statement: str) -> str:
        """Return the whole statement."""
        return needs.needing(statement, service=self._service, moves=self._moves)

    def known(self) -> str:
        """Return the parts that know how far ahead bookings are taken, and when patients come."""
        return self._visits + POLICY.format(self._at)

    def with_visits(self, statement: str) -> str:
        """Return the statement behind the part that knows when the patient comes."""
        return f"WITH {self._visits.removesuffix(', ')} {statement}" if self._visits else statement

    def shown(self, page: str, columns: str) -> str:
        """Return what shows the slots of a page."""
        return SHOWN.format(page=page, columns=columns, need=JOIN_NEED if self.needs else "")

    def wanted(self) -> str:
        """Return the part that finds the doctors."""
        return WANTED.format("".join(f" AND {one}" for one in self.of_doctor))

    def page(self, most: int, *more: str) -> str:
        """Return what goes through the slots in the order of time."""
        conditions = "".join(f" AND {one}" for one in (*self.of_slot, *more))
        return SCAN.format(
            bookable=self.bookable, of_slot=conditions, longest=LONGEST_PAGE, most=most
        )

    def page_of_wanted(self, most: int) -> str:
        """Return what asks each wanted doctor, or, of more than a few, goes through all slots."""
        are_many = f"(SELECT count(*) FROM wanted) > {FEW}"  # noqa: S608  (a number of ours)
        return OF_WANTED.format(
            of_one=self.page(most, "s.doctor_id = w.id"),
            of_all=self.page(most, *self.of_scan, IS_WANTED, are_many),
            few=FEW,
        )
