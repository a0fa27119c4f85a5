"""Parts of statements about all slots that appointments have, as text."""


def near(slot: str, whose: str) -> str:
    """Return the condition that a live slot meets the time that `whose` blocks, for an index.

    No slot lasts longer than a day.
    """
    return f"""{slot}.doctor_id = {whose}.doctor_id AND {slot}.deleted_at IS NULL
  AND {slot}.starts_at < {whose}.blocked_until AND {slot}.ends_at > {whose}.blocked_from
  AND {slot}.starts_at > {whose}.blocked_from - interval '1 day'"""


REACHES_FURTHER = """(a.blocked_from < a.starts_at OR a.blocked_until > a.ends_at
  OR cardinality(a.time_slot_ids) > 1)"""
"""The appointment claims time outside of its slots: around them, or in the gaps between them."""


def slots_of(which: str) -> str:
    """Return the query for the ids of all slots that these appointments `a` have or keep free."""
    return f"""SELECT unnest(a.time_slot_ids) FROM appointments a WHERE {which}
 UNION ALL SELECT n.id FROM appointments a JOIN time_slots n ON {near("n", "a")}
  WHERE {REACHES_FURTHER} AND {which}"""  # noqa: S608


IN_ORDER = " ORDER BY s.id FOR UPDATE OF s"
"""Behind any query of slots `s`: lock them in the order of all."""
