"""Statements for a page of slots: an index is entered once and left at the end of the page.

They have to be good as general plans, too, which know neither the range nor the limit. So what
would tempt a planner to begin elsewhere, read all slots of the range and sort them, is kept out of
the joins.
"""

from typing import Any

UNTAKEN = """s.deleted_at IS NULL AND s.closed_because IS NULL AND s.appointment_id IS NULL
 AND s.blocked_by IS NULL AND (s.held_until IS NULL OR s.held_until <= $3)"""

IN_RANGE = "s.starts_at >= $1 AND s.starts_at < $2 AND s.starts_at > $3"

TAKEN = """EXISTS (SELECT FROM clinics c WHERE c.id = s.clinic_id
  AND s.starts_at >= $3 + c.min_notice_minutes * interval '1 minute'
  AND s.starts_at <= $3 + c.horizon_days * interval '1 day' OFFSET 0)"""
"""The clinic takes bookings of this time. With `OFFSET` it stays a question that is asked of single
slots: as a join it makes plans that begin with the clinics, read all slots of the range and sort
them, where an index has a page of them in order."""

ANY_CLINIC = "true"
ITS_CLINIC = "p.id = ${}"
ITS_DOCTORS_CLINIC = "p.id = (SELECT clinic_id FROM doctors WHERE id = ${})"

POLICY = """policy AS MATERIALIZED (SELECT max(p.min_notice_minutes) AS minutes,
  min(p.horizon_days) AS days FROM clinics p WHERE {})"""
"""The latest notice and the nearest horizon of the clinics in question."""

TAKEN_BY_ALL = f"""(s.starts_at
  BETWEEN $3 + (SELECT minutes FROM policy) * interval '1 minute'
  AND $3 + (SELECT days FROM policy) * interval '1 day' OR {TAKEN})"""  # noqa: S608
"""The same, and for most slots without a look at their clinic: all take bookings of this time."""

BOOKABLE_BY_POLICY = f"{UNTAKEN} AND {IN_RANGE} AND {TAKEN_BY_ALL}"

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

OFFERS = """d.id = ANY (ARRAY(SELECT o.doctor_id FROM service_doctors o
 WHERE o.service_id = ${}))"""

OF_SERVICE = """WITH services AS MATERIALIZED (SELECT * FROM services WHERE id = ${0}),
 service_doctors AS MATERIALIZED (SELECT * FROM service_doctors WHERE service_id = ${0})
 SELECT * FROM ({1}) AS answer"""
"""In place of both tables, so that what is asked of each slot is answered by the few rows of the
service in question, read once. PostgreSQL leaves a sorted subquery in its order."""

AT_CLINIC_OF = "s.clinic_id = (SELECT v.clinic_id FROM services v WHERE v.id = ${})"

SHOWN = """page AS MATERIALIZED ({page}),
 their_doctors AS MATERIALIZED (SELECT d.* FROM doctors d
  WHERE d.id = ANY (ARRAY(SELECT DISTINCT doctor_id FROM page))),
 their_clinics AS MATERIALIZED (SELECT c.* FROM clinics c
  WHERE c.id = ANY (ARRAY(SELECT DISTINCT clinic_id FROM page)))
 SELECT {columns} FROM page s JOIN their_doctors d ON d.id = s.doctor_id
 JOIN their_clinics c ON c.id = s.clinic_id"""
"""Looks each doctor and each clinic up once, not once for each slot."""


class Wish:
    """Conditions of slots and of doctors, and the values that they speak of."""

    def __init__(self, values: list[Any]) -> None:
        """`values` are the bounds of the range, and now."""
        self.values = values
        self.of_slot: list[str] = []
        self._of_doctor: list[str] = []
        self._of_scan: list[str] = []
        self._at = ANY_CLINIC

    def place_of(self, value: object) -> int:
        """Take a value; return the number of its parameter."""
        self.values.append(value)
        return len(self.values)

    def filter(
        self, value: object, of_slot: str, of_doctor: str = "", *, scan: str = "", at: str = ""
    ) -> None:
        """Take the conditions unless there is no value; `scan` leads one that asks no doctor."""
        if value is None:
            return
        place = self.place_of(value)
        for conditions, condition in (
            (self.of_slot, of_slot),
            (self._of_doctor, of_doctor),
            (self._of_scan, scan),
        ):
            if condition:
                conditions.append(condition.format(place))
        if at:
            self._at = at.format(place)

    def policy(self) -> str:
        """Return the part that knows how far ahead bookings are taken."""
        return POLICY.format(self._at)

    def wanted(self) -> str:
        """Return the part that finds the doctors."""
        return WANTED.format("".join(f" AND {one}" for one in self._of_doctor))

    def page(self, most: int, *more: str) -> str:
        """Return what goes through the slots in the order of time."""
        conditions = "".join(f" AND {one}" for one in (*self.of_slot, *more))
        return SCAN.format(
            bookable=BOOKABLE_BY_POLICY, of_slot=conditions, longest=LONGEST_PAGE, most=most
        )

    def page_of_wanted(self, most: int) -> str:
        """Return what asks each wanted doctor, or, of more than a few, goes through all slots."""
        are_many = f"(SELECT count(*) FROM wanted) > {FEW}"  # noqa: S608  (a number of ours)
        return OF_WANTED.format(
            of_one=self.page(most, "s.doctor_id = w.id"),
            of_all=self.page(most, *self._of_scan, IS_WANTED, are_many),
            few=FEW,
        )
