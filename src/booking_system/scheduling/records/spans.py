"""Which time slots a service takes from a slot on, and whether its time is free, as SQL.

Every question about a span is asked with these texts: searches, overviews, alternatives, `explain`,
holds, bookings and moves. `slot` and `need` are aliases in the asking statement: a row of
`time_slots`, and a row with `duration_minutes`, `buffer_before_minutes`, `buffer_after_minutes`.
"""

DURATION = "{need}.duration_minutes * interval '1 minute'"

_FOLLOWING = """(
   (SELECT n.* FROM time_slots n
    WHERE n.doctor_id = {slot}.doctor_id AND n.deleted_at IS NULL
    AND n.starts_at >= {slot}.starts_at AND n.starts_at < {slot}.starts_at + {duration})
   UNION ALL
   (SELECT n.* FROM time_slots n
    WHERE n.doctor_id = {slot}.doctor_id AND n.deleted_at IS NULL
    AND n.starts_at >= {slot}.starts_at + {duration}
    AND n.starts_at < {slot}.starts_at + interval '1 day' ORDER BY n.starts_at LIMIT 1))"""
"""The slots that begin while the service lasts, and the next one: a service that ends inside the
gap behind a slot takes the slot behind the gap, too."""

_GAP = """CASE WHEN n.rule_id IS NOT NULL THEN coalesce(g.gap_minutes,
    (SELECT e.gap_minutes[i] FROM availability_exceptions e, generate_subscripts(e.modes, 1) i
     WHERE e.id = n.rule_id AND extract(hour FROM n.wall_starts_at) * 60
      + extract(minute FROM n.wall_starts_at) BETWEEN e.start_minutes[i] AND e.end_minutes[i] - 1
     LIMIT 1)) END"""
"""The minutes that the rule, or the exception, which made the slot leaves behind it."""

_IN_ROW = """SELECT o.*, bool_and(o.goes_on) OVER (ORDER BY o.starts_at) AS is_in_row FROM (
  SELECT n.id, n.starts_at, n.ends_at, {free} AS is_free,
   n.id = {slot}.id OR coalesce(n.mode = {slot}.mode
    AND n.wall_starts_at::date = {slot}.wall_starts_at::date
    AND n.ends_at <= {slot}.starts_at + interval '1 day'
    AND n.starts_at - lag(n.ends_at) OVER in_time
     <= coalesce(lag({gap}) OVER in_time, 0) * interval '1 minute', false) AS goes_on,
   n.id = {slot}.id OR lag(n.ends_at) OVER in_time < {slot}.starts_at + {duration} AS is_needed
  FROM {following} n LEFT JOIN availability_rules g ON g.id = n.rule_id
  WINDOW in_time AS (ORDER BY n.starts_at)) o WHERE o.is_needed"""

_SPAN = """(SELECT array_agg(i.id ORDER BY i.starts_at) FILTER (WHERE i.is_in_row) AS slot_ids,
  max(i.ends_at) FILTER (WHERE i.is_in_row) AS ends_at,
  bool_and(i.is_free) AS is_free,
  bool_and(i.is_in_row) AND max(i.ends_at) >= {slot}.starts_at + {duration} AS is_whole
 FROM ({in_row}) i)"""


def span_of(slot: str, need: str, *, free: str = "true") -> str:
    """Return the subquery for what a service takes from a slot on, to be joined `LATERAL`.

    `slot_ids` in time order and `ends_at` of the last, as far as slots follow in a row: of the same
    mode and local day, each no further from the last than the gap of that one's rule, and within a
    day. `is_whole`: they cover the service. `is_free`: the condition `free` on a slot `n` holds for
    each slot that the service needs.
    """
    duration = DURATION.format(need=need)
    following = _FOLLOWING.format(slot=slot, duration=duration)
    in_row = _IN_ROW.format(slot=slot, duration=duration, free=free, following=following, gap=_GAP)
    return _SPAN.format(slot=slot, duration=duration, in_row=in_row)


def is_one_slot(slot: str, need: str) -> str:
    """Return the condition that the slot by itself is all that the service takes or keeps free."""
    return f"""({need}.buffer_before_minutes + {need}.buffer_after_minutes = 0
  AND {DURATION.format(need=need)} <= {slot}.ends_at - {slot}.starts_at)"""


def ends_of(slot: str, need: str) -> str:
    """Return when what is taken from the slot on ends; a slot that is enough is not looked behind.

    Only of a slot from which on there is enough.
    """
    return f"""CASE WHEN {DURATION.format(need=need)} <= {slot}.ends_at - {slot}.starts_at
  THEN {slot}.ends_at ELSE (SELECT t.ends_at FROM {span_of(slot, need)} t) END"""  # noqa: S608


def untaken(slot: str, now: str, *, but: str = "") -> str:
    """Return the condition that the slot is open, and nobody has it or is about to have it.

    `but` is an appointment that is looked at as if it were not there.
    """
    owner, around = f"{slot}.appointment_id IS NULL", f"{slot}.blocked_by IS NULL"
    if but:
        owner = f"({owner} OR {slot}.appointment_id = {but})"
        around = f"({around} OR {slot}.blocked_by <@ ARRAY[{but}])"
    return f"""{slot}.closed_because IS NULL AND {owner} AND {around}
 AND ({slot}.held_until IS NULL OR {slot}.held_until <= {now})"""


def blocked_from(slot: str, need: str) -> str:
    """Return from when on the doctor has to be free."""
    return f"{slot}.starts_at - {need}.buffer_before_minutes * interval '1 minute'"


def blocked_until(span: str, need: str) -> str:
    """Return until when the doctor has to be free, behind a row of `span_of`."""
    return f"{span}.ends_at + {need}.buffer_after_minutes * interval '1 minute'"


def no_appointment(doctor: str, during: str, *, but: str = "") -> str:
    """Return the condition that no appointment of the doctor has any of the time.

    `but` is an appointment that is looked at as if it were not there.
    """
    other = f" AND a.id IS DISTINCT FROM {but}" if but else ""
    return f"""NOT EXISTS (SELECT FROM appointments a WHERE a.doctor_id = {doctor}
  AND a.status <> 'cancelled' AND a.doctor_time && {during}{other})"""


def no_hold(doctor: str, during: str, now: str) -> str:
    """Return the condition that no hold in force keeps any of the doctor's time.

    A slot that it is on is its own for as long as it lasts, also where it is only kept clear.
    """
    return f"""NOT EXISTS (SELECT FROM time_slots h WHERE h.doctor_id = {doctor}
  AND h.hold_id IS NOT NULL AND h.held_until > {now} AND h.deleted_at IS NULL
  AND (tstzrange(h.starts_at, h.ends_at) && {during} OR h.hold_blocks && {during}))"""
