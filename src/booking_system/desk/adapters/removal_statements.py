"""The statements that only the removal of a service needs."""

from booking_system.booking.adapters.span_statements import IN_ORDER, slots_of

OF_SERVICE = "clinic_id = (SELECT v.clinic_id FROM services v WHERE v.id = $1) AND a.service_id"
"""Whose appointments they are. There is no index by service: a booking would pay for it, and the
one by clinic and time leads to what the clinic has to come."""

LOCK_SERVICE = """SELECT v.id, v.version, v.clinic_id, v.deleted_at IS NOT NULL AS is_removed,
 c.deleted_at IS NOT NULL AS clinic_is_removed
 FROM services v JOIN clinics c ON c.id = v.clinic_id WHERE v.id = $1 FOR NO KEY UPDATE OF v"""

_OPEN = f"a.{OF_SERVICE} = $1 AND a.status IN ('confirmed', 'checked_in') AND a.starts_at > $2"

LOCK_SLOTS_OF_SERVICE = f"""SELECT count(*) FROM (SELECT s.id FROM time_slots s WHERE s.id IN (
  {slots_of(_OPEN)}){IN_ORDER}) AS locked"""  # noqa: S608
