"""What is to be booked, as SQL: a service as it is offered now, an appointment as it was agreed.

A statement about either begins `WITH need AS MATERIALIZED (...), need_doctors AS MATERIALIZED
(...)`, so that what is asked of each slot is answered by a few rows that are read once.
"""

from booking_system.scheduling.records.spans import (
    blocked_from,
    blocked_until,
    is_one_slot,
    no_appointment,
    no_hold,
    span_of,
    untaken,
)

OF_SERVICE = """SELECT v.id, v.name, v.clinic_id, v.mode, v.duration_minutes,
  v.buffer_before_minutes, v.buffer_after_minutes, v.price_amount, NULL::text AS price_currency,
  v.version FROM services v WHERE v.id = ${0} AND v.deleted_at IS NULL"""
"""The service with the number of this parameter; its price is in the currency of its clinic."""

DOCTORS_OF_SERVICE = "SELECT o.doctor_id FROM service_doctors o WHERE o.service_id = ${0}"

OF_APPOINTMENT = """SELECT a.service_id AS id, v.name, a.clinic_id, a.mode, a.duration_minutes,
  (extract(epoch FROM a.starts_at - a.blocked_from) / 60)::int AS buffer_before_minutes,
  (extract(epoch FROM a.blocked_until - a.ends_at) / 60)::int AS buffer_after_minutes,
  a.price_amount, a.price_currency, a.version, a.starts_at
 FROM appointments a LEFT JOIN services v ON v.id = a.service_id WHERE a.id = ${0}"""
"""What was agreed, even if the service has changed since; and when it begins today."""

DOCTORS_OF_APPOINTMENT = """SELECT a.doctor_id FROM appointments a WHERE a.id = ${0}
 UNION SELECT o.doctor_id FROM appointments a
  JOIN service_doctors o ON o.service_id = a.service_id WHERE a.id = ${0}
 UNION SELECT d.id FROM appointments a JOIN doctors d ON d.clinic_id = a.clinic_id
  AND d.deleted_at IS NULL WHERE a.id = ${0} AND a.service_id IS NULL"""
"""Its own, and who offers its service; of one without a service, all of the clinic."""

WITH_NEED = """WITH need AS MATERIALIZED ({need}),
 need_doctors AS MATERIALIZED ({doctors})
 SELECT * FROM ({statement}) AS answer"""
"""PostgreSQL leaves a sorted subquery in its order."""


def needing(statement: str, *, service: int | None, moves: int | None) -> str:
    """Return the statement with `need` and `need_doctors` before it.

    `moves` is the number of the parameter that is an appointment to be moved, `service` that of a
    service. Where there is neither, the statement as it is.
    """
    if moves is not None:
        need, doctors, place = OF_APPOINTMENT, DOCTORS_OF_APPOINTMENT, moves
    elif service is not None:
        need, doctors, place = OF_SERVICE, DOCTORS_OF_SERVICE, service
    else:
        return statement
    return WITH_NEED.format(
        need=need.format(place), doctors=doctors.format(place), statement=statement
    )


def offered_by(slot: str, now: str, *, but: str = "") -> str:
    """Return the condition that what is needed could begin in an untaken slot.

    Its doctor offers it, and enough time is free in a row. What fits into one slot, as most do,
    costs no more than a look at it. `but` is an appointment that is looked at as if it were not
    there.
    """
    span = span_of(slot, "v", free=f"({untaken('n', now, but=but)})")
    around = f"tstzrange({blocked_from(slot, 'v')}, {blocked_until('t', 'v')})"
    return f"""EXISTS (SELECT FROM need v WHERE v.mode = {slot}.mode
 AND {slot}.doctor_id IN (SELECT o.doctor_id FROM need_doctors o)
 AND CASE WHEN {is_one_slot(slot, "v")} THEN true ELSE EXISTS (
  SELECT FROM {span} t WHERE t.is_whole AND t.is_free
   AND {no_appointment(f"{slot}.doctor_id", around, but=but)}
   AND {no_hold(f"{slot}.doctor_id", around, now)}) END)"""  # noqa: S608
