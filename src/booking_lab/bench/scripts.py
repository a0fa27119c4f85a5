"""What pgbench does: bare transactions, and the program's own statements."""

import re
from collections.abc import Mapping
from typing import Any

from booking_lab.bench.plan import CONNECTIONS
from booking_system.booking.adapters.add_statements import ADD_PLAIN_SERVICE, ADD_SERVICE
from booking_system.booking.adapters.attempt_statements import ATTEMPT_OWN
from booking_system.booking.domain.events import AppointmentBooked
from booking_system.platform.postgres.statement import Statement

PARAMETER = re.compile(r"\$(\d+)")

# Each client counts for itself, so that no two ever meet: what is measured is work, not waiting.
COUNTED = f"\\set step :step + 1\n\\set n :step * {CONNECTIONS} + :client_id\n"

BARE = f"""{COUNTED}BEGIN;
SELECT id, doctor_id, starts_at, ends_at, status, version FROM bench.plain_slots \
 WHERE id = (SELECT id FROM bench.plain_orders WHERE n = :n) FOR UPDATE \\gset
INSERT INTO bench.plain_bookings VALUES (uuidv7(), :id, :doctor_id, uuidv7(), :starts_at, \
 :ends_at, 'booked', :doctor_id, now());
UPDATE bench.plain_slots SET status = 'booked', version = version + 1 WHERE id = :id;
COMMIT;
"""  # noqa: S608  (its parameters are pgbench's)

GUARDED = f"""{COUNTED}BEGIN;
SELECT id, doctor_id, starts_at, ends_at, status, version FROM bench.guarded_slots \
 WHERE id = (SELECT slot_id FROM bench.orders WHERE kind = 'sql' AND n = :n) FOR UPDATE \\gset
INSERT INTO bench.guarded_bookings SELECT uuidv7(), :id, :doctor_id, patient_id, :starts_at, \
 :ends_at, 'booked', user_id, now() FROM bench.orders WHERE kind = 'sql' AND n = :n;
UPDATE bench.guarded_slots SET status = 'booked', version = version + 1 WHERE id = :id;
COMMIT;
"""  # noqa: S608  (its parameters are pgbench's)

# Gives each booking its values: rows by their keys, outside the transaction. What `ATTEMPT_OWN`
# finds of clinic and service comes as records, which pgbench does not take apart.
LOOK_UP = """SELECT o.slot_id AS wanted, o.service_id, o.patient_id, o.user_id, now() AS now,
 uuidv7() AS new_id, uuidv7() AS event_id, substr(md5(o.slot_id::text), 1, 12) AS reference,
 jsonb_build_object('appointment_id', uuidv7(), 'time_slot_id', o.slot_id,
  'time_slot_ids', ARRAY[o.slot_id], 'version', 1, 'revision', 1, 'status', 'confirmed',
  'patient_id', o.patient_id, 'clinic_id', o.service_id, 'doctor_id', o.user_id,
  'starts_at', now(), 'ends_at', now()) AS event_payload,
 v.duration_minutes, v.price_amount, c.currency, c.cancel_notice_minutes
 FROM bench.orders o JOIN services v ON v.id = o.service_id JOIN clinics c ON c.id = v.clinic_id
 WHERE o.kind = 'sql' AND o.n = :n"""

WANTED = {
    "slot_id": ":wanted",
    "patient_id": ":patient_id",
    "service_id": ":service_id",
    "now": ":now",
}
"""The values of `ATTEMPT_OWN`: variables, or literals."""

NULL = "NULL"

ADDED = {name: f":{name}" for name in ADD_SERVICE.names} | {
    "id": ":new_id",
    "status": "'confirmed'",
    "payment_status": "'unpaid'",
    "time_slot_id": ":wanted",
    "time_slot_ids": "ARRAY[:wanted]::uuid[]",
    "blocked_from": ":starts_at",
    "blocked_until": ":ends_at",
    "reason": "'First visit'",
    "price_currency": ":currency",
    "booked_by": ":user_id",
    "created_at": ":now",
    "overbooked": "'false'",
    "patient_doubled": "'false'",
    "override_codes": NULL,
    "override_reason": NULL,
    "event_name": f"'{AppointmentBooked.name}'",
}
"""The values of `ADD_SERVICE`: most are what was looked up, or found, under the same name."""


def with_values(statement: Statement[Any], values: Mapping[str, str]) -> str:
    """Return the statement with these values in place of `$1`, `$2` ..., on one line."""

    def value(place: re.Match[str]) -> str:
        return values[statement.names[int(place[1]) - 1]]

    return " ".join(PARAMETER.sub(value, statement.text).split())


def own_script() -> str:
    """Return the statements of the program as a script: only the values differ."""
    attempt, look_up = with_values(ATTEMPT_OWN, WANTED), " ".join(LOOK_UP.split())
    usual, other = (with_values(one, ADDED) for one in (ADD_PLAIN_SERVICE, ADD_SERVICE))
    add = f"\\if :is_known_here\n{usual};\n\\else\n{other};\n\\endif"
    return f"{COUNTED}{look_up} \\gset\nBEGIN;\n{attempt} \\gset\n{add}\nCOMMIT;\n"
