"""The statements of the booking path, two between BEGIN and COMMIT where one slot is enough."""

from booking_system.booking.adapters.span_statements import IN_ORDER, slots_of
from booking_system.booking.domain.events import AppointmentCancelled
from booking_system.directory.records.acquaintance import clinics_that_know, knows
from booking_system.platform.postgres.idempotency import STORE
from booking_system.scheduling.records.calendar_work import ASK_AGAIN, ASK_OF
from booking_system.scheduling.records.holds import HOLD_COLUMNS, LET_GO
from booking_system.scheduling.records.spans import is_one_slot, no_appointment

SLOT = f"""s.id AS slot_id, s.clinic_id, s.doctor_id, s.starts_at, s.ends_at, s.mode,
 s.closed_because, s.appointment_id, s.version AS slot_version, s.blocked_by, {HOLD_COLUMNS}"""

END_HOLDS = f"""WITH over AS (UPDATE time_slots SET version = version + 1, {LET_GO}
  WHERE hold_id = ANY($1) RETURNING doctor_id, clinic_id, outside_availability)
 {ASK_OF} SELECT DISTINCT doctor_id, clinic_id, $2::timestamptz, NULL::timestamptz FROM over
 WHERE outside_availability ORDER BY doctor_id {ASK_AGAIN}"""  # noqa: S608
"""What a rule had left behind for these holds goes in the background, from $2 on."""

HOLDS_ANY = "SELECT EXISTS (SELECT FROM time_slots WHERE hold_id = $1 AND held_until > $2)"

MOVING = """SELECT id, doctor_id, starts_at, ends_at, blocked_from, blocked_until, duration_minutes,
 mode FROM appointments WHERE id = $1"""
"""What was agreed for an appointment that somebody wants to move."""

# No appointment lasts longer than a day: with that, an index leads to the one that overlaps.
_FACTS = f"""SELECT {SLOT},
 c.name AS clinic_name, c.time_zone, c.currency, c.min_notice_minutes, c.cancel_notice_minutes,
 c.horizon_days, c.max_open_bookings_per_patient, c.hold_minutes AS clinic_hold_minutes,
 c.anonymous_holds,
 EXISTS (SELECT FROM services o WHERE o.clinic_id = s.clinic_id AND o.deleted_at IS NULL)
  AS offers_services,
 d.full_name AS doctor_name, d.title AS doctor_title, d.specialty, d.photo_url,
 p.full_name AS patient_name, {knows("s.clinic_id", "$2")} AS is_known_here,
 EXISTS (SELECT FROM appointments a WHERE a.patient_id = $2 AND a.status <> 'cancelled'{{others}}
  {{told}} AND a.starts_at < {{ends_at}} AND least(a.ends_at, a.released_at) > s.starts_at
  AND a.starts_at > s.starts_at - interval '1 day') AS is_busy,
 (SELECT count(*) FROM appointments a WHERE a.patient_id = $2 AND a.starts_at > $4
  AND a.clinic_id = s.clinic_id AND a.status IN ('confirmed', 'checked_in'){{others}})
  AS open_bookings,
 {{is_clear}} AS is_clear,
 v.name AS service_name, v.duration_minutes, v.buffer_before_minutes, v.buffer_after_minutes,
 v.mode AS service_mode, v.price_amount, v.payment, v.deleted_at IS NULL AS service_is_live,
 EXISTS (SELECT FROM service_doctors o WHERE o.service_id = $3 AND o.doctor_id = s.doctor_id)
  AS is_offered_by_doctor
 FROM time_slots s
 JOIN clinics c ON c.id = s.clinic_id AND c.deleted_at IS NULL
 JOIN doctors d ON d.id = s.doctor_id AND d.deleted_at IS NULL
 LEFT JOIN patients p ON p.id = $2 AND {{is_there}}
 LEFT JOIN services v ON v.id = $3 AND v.clinic_id = s.clinic_id
 WHERE s.id = $1 AND s.deleted_at IS NULL"""  # noqa: S608

_HERE = "AND a.clinic_id = s.clinic_id"
"""What staff may be told of a patient's appointments, where it costs them nothing to ask."""


def _facts(told: str) -> str:
    return _FACTS.format(
        told=told,
        others=" AND a.id IS DISTINCT FROM $8",
        ends_at="$5",
        is_clear=no_appointment("s.doctor_id", "tstzrange($6, $7)", but="$8"),
        is_there="(p.deleted_at IS NULL OR ($8::uuid IS NOT NULL AND p.merged_into IS NULL))",
    )


def _attempt(told: str) -> str:
    facts = _FACTS.format(
        told=told, others="", ends_at="s.ends_at", is_clear="true", is_there="p.deleted_at IS NULL"
    )
    is_enough = f"coalesce({is_one_slot('s', 'v')}, true)"
    return f"{facts}\n AND s.hold_blocks IS NULL AND {is_enough} FOR UPDATE OF s"


FACTS, FACTS_TOLD = _facts(""), _facts(_HERE)
"""What the rules judge, read without a lock, or behind locks: of a booking until $5 that needs the
doctor from $6 to $7, as if the appointment $8 were not there. A patient who was removed keeps the
appointments that were kept, and these can be moved."""

ATTEMPT, ATTEMPT_TOLD = _attempt(""), _attempt(_HERE)
"""The same, and the lock, where the slot by itself is enough; otherwise no row, and no lock."""

_SHARED = """CASE WHEN {mark} THEN coalesce(
  (SELECT range_agg(o.{whose}_time) FROM appointments o WHERE o.{whose}_id = {id}
    AND o.status <> 'cancelled' AND o.id <> $1 AND o.{whose}_time && {during})
  * tstzmultirange({during}), tstzmultirange()) END"""
"""What of the time of a marked appointment others have already."""


def shared(whose: str, mark: str, identity: str, since: str, until: str) -> str:
    """Return the time that an appointment $1 shares, if it bears the mark; parameters by place."""
    during = f"tstzrange({since}::timestamptz, {until}::timestamptz)"
    return _SHARED.format(whose=whose, mark=mark, id=identity, during=during)


_ADD = """WITH there AS (SELECT FROM patients WHERE id = $8 AND deleted_at IS NULL FOR KEY SHARE),
 booked AS (
 INSERT INTO appointments (id, reference, status, payment_status, time_slot_id, clinic_id,
  doctor_id, patient_id, service_id, starts_at, ends_at, mode, reason, price_amount,
  price_currency, cancel_notice_minutes, booked_by, created_at, updated_at, overbooked,
  patient_doubled, override_codes, override_reason, time_slot_ids, blocked_from, blocked_until,
  duration_minutes, doctor_shared, patient_shared)
 SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18,
  $22, $23, $24, $25, $26, $27, $28, $29, {doctor_shared}, {patient_shared} FROM there),
 owned AS (UPDATE time_slots SET version = version + 1, {let_go},
  appointment_id = CASE WHEN $22 THEN coalesce(appointment_id, $1) ELSE $1 END
  FROM there WHERE id = ANY($26)),
 known AS (INSERT INTO clinic_patients (clinic_id, patient_id, known_since)
  SELECT $6, $8, $18 FROM there WHERE NOT EXISTS (
   SELECT FROM clinic_patients k WHERE k.clinic_id = $6 AND k.patient_id = $8)
  ON CONFLICT DO NOTHING){named}
 INSERT INTO outbox (id, name, payload, occurred_at) SELECT $19, $20, $21::text::jsonb, $18
 FROM there"""
"""Nothing is written for a patient who went while the slot was waited for. The lock is the one that
the foreign key takes anyway; a merge of the patient's record keeps it waiting."""

NOTHING = "INSERT 0 0"
"""What the driver says where that was so."""

_ADDED = {
    "let_go": LET_GO,
    "doctor_shared": shared("doctor", "$22", "$7", "$27", "$28"),
    "patient_shared": shared("patient", "$23", "$8", "$10", "$11"),
}

ADD = _ADD.format(named="", **_ADDED)

ADD_NAMED = _ADD.format(
    **_ADDED,
    named=f""",
 named AS ({STORE}
  SELECT $30, $31, $32, $33, ARRAY[$1::uuid], $18 FROM there)""",  # noqa: S608
)
"""The same for a request with an idempotency key, which is stored by the statement that books."""

CARD = """a.id, a.reference, a.status, a.payment_status, a.time_slot_ids, a.clinic_id,
 a.doctor_id, a.patient_id, a.service_id, a.starts_at, a.ends_at, a.blocked_from, a.blocked_until,
 a.duration_minutes, a.released_at, a.mode, a.reason, a.price_amount,
 a.price_currency, a.cancel_notice_minutes, a.booked_by, a.previous_status, a.cancelled_by,
 a.cancel_reason, a.override_codes, a.override_reason, a.overbooked,
 a.version, a.created_at, a.updated_at, c.name AS clinic_name, c.time_zone,
 d.full_name AS doctor_name, d.title AS doctor_title, d.specialty, d.photo_url,
 p.full_name AS patient_name, v.name AS service_name,
 c.deleted_at IS NOT NULL AS clinic_is_removed"""

CARD_JOINS = """FROM appointments a JOIN clinics c ON c.id = a.clinic_id
 JOIN doctors d ON d.id = a.doctor_id JOIN patients p ON p.id = a.patient_id
 LEFT JOIN services v ON v.id = a.service_id"""

LOCK_SLOTS_OF = f"""SELECT s.id, s.outside_availability FROM time_slots s
 WHERE s.id IN ({slots_of("a.id = $1")}){IN_ORDER}"""  # noqa: S608

LOCK_CARD = f"""SELECT {CARD} {CARD_JOINS} WHERE a.id = $1 FOR UPDATE OF a"""

RELEASE = f"""WITH gone AS (
  SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[])
   AS g(id, version, event_id, payload)),
 cancelled AS (UPDATE appointments a SET status = 'cancelled', previous_status = NULL,
   cancelled_by = $5, cancel_reason = $6, version = g.version, updated_at = $7
  FROM gone g WHERE a.id = g.id),
 freed AS (UPDATE time_slots s SET appointment_id = NULL, version = s.version + 1
  WHERE s.id = ANY($9) AND s.appointment_id = ANY($1)),
 kept AS (INSERT INTO appointment_history
   (appointment_id, version, action, occurred_at, by_user_id, side, reason)
  SELECT id, version, 'cancelled', $7, $8, $5, $6 FROM gone)
 INSERT INTO outbox (id, name, payload, occurred_at)
 SELECT event_id, '{AppointmentCancelled.name}', payload::jsonb, $7 FROM gone"""  # noqa: S608

LOCK_DOCTOR = """SELECT d.id, d.version, d.clinic_id, d.deleted_at IS NOT NULL AS is_removed,
 c.deleted_at IS NOT NULL AS clinic_is_removed
 FROM doctors d JOIN clinics c ON c.id = d.clinic_id
 WHERE d.id = $1 FOR NO KEY UPDATE OF d FOR SHARE OF c"""

LOCK_CLINIC = """SELECT c.id, c.version, c.id AS clinic_id, c.deleted_at IS NOT NULL AS is_removed,
 false AS clinic_is_removed FROM clinics c WHERE c.id = $1 FOR NO KEY UPDATE"""

LOCK_PATIENT = f"""SELECT p.id, p.version, p.deleted_at IS NOT NULL AS is_removed,
 p.user_id IS NOT NULL AS has_account, p.merged_into,
 {clinics_that_know("coalesce(p.merged_into, p.id)")} AS known_to
 FROM patients p WHERE p.id = $1 FOR NO KEY UPDATE"""  # noqa: S608

CLOSABLE = "coalesce(s.closed_because = 'outside_availability', true)"
"""What is kept for whoever holds it, and for nobody else, is closed to them as well."""

CLOSE_SLOTS = f"""WITH locked AS (SELECT id FROM time_slots
  WHERE {{whose}} = $1 AND deleted_at IS NULL AND starts_at > $2 ORDER BY id FOR UPDATE)
 UPDATE time_slots s SET version = s.version + 1, {LET_GO},
  closed_because = CASE WHEN {CLOSABLE} THEN $3 ELSE s.closed_because END
 FROM locked WHERE s.id = locked.id AND ({CLOSABLE} OR s.hold_id IS NOT NULL)"""  # noqa: S608
"""A hold keeps slots around it that are closed already: it ends in these, too."""

LOCK_SLOTS_OF_PATIENT = f"""SELECT count(*) FROM (SELECT s.id FROM time_slots s WHERE s.id IN (
  {slots_of("a.patient_id = $1 AND a.status <> 'cancelled' AND a.starts_at > $2")})
 {IN_ORDER}) AS locked"""  # noqa: S608

STANDING = """SELECT 'time_off' AS because, o.id FROM time_off o
  WHERE o.doctor_id = t.doctor_id AND o.deleted_at IS NULL
  AND o.starts_at < t.ends_at AND o.ends_at > t.starts_at
 UNION ALL
 SELECT 'closure', o.id FROM closures o WHERE o.clinic_id = t.clinic_id AND o.deleted_at IS NULL
  AND o.starts_at < t.ends_at AND o.ends_at > t.starts_at
 ORDER BY id LIMIT 1"""
"""What else keeps the slot `t` closed: when one thing that closed it is over, it is the next's."""

REOPEN_SLOTS = f"""WITH locked AS (SELECT s.id FROM time_slots s
  JOIN doctors d ON d.id = s.doctor_id AND d.deleted_at IS NULL
  WHERE s.{{whose}} = $1 AND s.closed_because = $2 ORDER BY s.id FOR UPDATE OF s)
 UPDATE time_slots s SET closed_by = o.id, version = s.version + 1, closed_because = coalesce(
   o.because, CASE WHEN t.outside_availability THEN 'outside_availability' END)
 FROM locked JOIN time_slots t ON t.id = locked.id LEFT JOIN LATERAL ({STANDING}) o ON true
 WHERE s.id = locked.id"""  # noqa: S608

AFFECTED = f"""SELECT {CARD} {CARD_JOINS} WHERE a.{{whose}} = $1
 AND a.status IN ('confirmed', 'checked_in') AND a.starts_at > $2
 ORDER BY a.time_slot_id FOR UPDATE OF a"""

OCCUPANT = """SELECT o.id FROM clinics c JOIN clinics o ON o.slug = c.slug
 WHERE c.id = $1 AND o.id <> c.id AND o.deleted_at IS NULL"""

MARK = """UPDATE {table} SET deleted_at = $2, version = version + 1, updated_at = $3
 WHERE id = $1"""
