"""Judges what people were told: what is done is there, and what is refused is not, and why."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from booking_lab.weave.deeds import ELSEWHERE, Deed
from booking_lab.weave.records import NOT_DONE, Record
from booking_lab.weave.scene import MINUTE, PATIENTS, SLOT_MINUTES
from booking_lab.weave.seen import Row, Seen
from booking_lab.weave.threads import Order

SLOT_CODES = {"slot_already_booked", "slot_held", "slot_unavailable", "slot_not_found"}
REMOVES = {"time off", "remove doctor", "remove patient", "remove service"}
TAKES = {"hold", "book", "overbook", "move"}
CODES = {
    "hold": SLOT_CODES | {"patient_overlap", "too_many_holds", "service_not_offered",
                          "patient_not_found", "not_found", "hold_expired"},
    "book": SLOT_CODES | {"patient_overlap", "service_not_offered", "patient_not_found",
                          "not_found"},
    "overbook": SLOT_CODES | {"patient_overlap", "service_not_offered", "patient_not_found",
                              "not_found"},
    "move": SLOT_CODES | {"patient_overlap", "service_not_offered", "booking_not_active",
                          "not_found", "cancel_too_late"},
    "release": {"hold_not_found", "not_found"},
    "extend": {"hold_not_found", "hold_expired", "hold_already_extended", "not_found"},
    "cancel": {"booking_not_active", "not_found", "cancel_too_late"},
    "dismiss": {"booking_not_active", "not_found"},
    "time off": {"bookings_affected", "not_found"},
    "end time off": {"not_found"},
    "close": SLOT_CODES | {"not_found"},
    "reopen": SLOT_CODES | {"not_found"},
    "delete": SLOT_CODES | {"not_found"},
    "hours": {"not_found", "validation_error"},
    "remove doctor": {"bookings_affected", "not_found"},
    "restore doctor": {"not_found"},
    "remove patient": {"bookings_affected", "not_found", "cancel_too_late"},
    "remove service": {"bookings_affected", "not_found"},
    "take off": {"not_found"},
    # Jobs that fail are done again later.
    "tidy": {"transient"},
    "plan": {"transient"},
    "relay": {"transient"},
    "planner": {"transient"},
    "send": {"transient"},
    "start": {"booking_not_active", "not_found", "payment_already_made", "payment_in_progress"},
    "desk takes": {"booking_not_active", "not_found", "payment_already_made", "validation_error"},
    "gives back": {"not_found", "refund_exceeds_payment"},
    "no show": {"invalid_transition", "not_found"},
    "check in": {"invalid_transition", "not_found"},
    "undo": {"invalid_transition", "not_found", "patient_overlap"},
    "stop": {"transient"},
    "let in": {"consultation_not_open", "forbidden"},
    "put back": {"consultation_not_open", "forbidden"},
    "end room": {"consultation_not_open", "forbidden"},
    "say": {"consultation_not_open"},
    "follow": {"transient"},
    "open rooms": set[str](),
    "wait": set[str](),
    **{what: {"transient"} for what in ("follower", "money", "sweep", "reconcile", "hooks")},
    **{what: set[str]() for what in ("mood", *ELSEWHERE)},
}  # fmt: skip
"""What each deed may be refused for."""


def wrong_answer(record: Record, committed: Sequence[Seen]) -> Iterator[str]:
    """Yield what is wrong with the answer, given all that was committed until now."""
    what, answer, now = record.deed.what, record.answer or "", committed[-1]
    if record.surprise is not None:
        yield f"{what}: {type(record.surprise).__name__} surprises"
        return
    if record.is_refused and answer not in CODES[what] | NOT_DONE:
        yield f"{what}: refused as {answer}"
    if (
        answer in {"outcome_unknown", "dependency_unavailable", "transient"}
        and not record.misfortunes
    ):
        yield f"{what}: {answer} without a misfortune"
    if answer == "outcome_unknown" and Order.LEAVE in record.misfortunes:
        yield f"{what}: somebody who has left was answered"
    if what in {"book", "overbook"}:
        yield from _booked(record, now)
        yield from _offered(record, committed[record.begun :])
    if what in {"cancel", "dismiss"} and record.is_done:
        yield from _cancelled(record, now)
    if what in REMOVES and record.is_done and record.deed.how != "keep":
        yield from _away(record.deed, now)
    if what == "hold" and record.is_done and record.deed.is_long:
        yield from _held(record.deed, now)
    if what in TAKES and answer in SLOT_CODES:
        yield from _without_reason(record, committed[record.begun :])


def _booked(record: Record, now: Seen) -> Iterator[str]:
    made = now.by_mark(record.mark)
    if record.is_done and record.made not in {row["id"] for row in made}:
        yield "somebody was told of an appointment that is not there"
    if record.deed.key:
        of_key = now.keys.get(record.deed.key)
        if len(made) > 1:
            yield "one key has made two appointments"
        has_it = of_key is not None or bool(made)
        if has_it and record.is_refused and record.answer not in NOT_DONE:
            yield "somebody was refused what they had booked with the same key"
        return
    if record.is_refused and made:
        yield "somebody was refused, and has the appointment"


def _offered(record: Record, during: Sequence[Seen]) -> Iterator[str]:
    """A hold keeps what was agreed, also where the doctor offers it no more."""
    deed, patient = record.deed, PATIENTS[record.deed.patient]
    if not record.is_done or deed.key:
        return
    if not any(
        seen.is_offered(deed) or seen.slots[deed.slot_id]["held_for"] == patient for seen in during
    ):
        yield "somebody was booked for what the doctor did not offer"


def _cancelled(record: Record, now: Seen) -> Iterator[str]:
    if record.made is not None and now.visits[record.made]["status"] != "cancelled":
        yield "somebody was told that it is cancelled, and it is not"


def _away(deed: Deed, now: Seen) -> Iterator[str]:
    slot, patient = now.slots[deed.slot_id], PATIENTS[deed.patient]
    is_open = slot["closed_because"] is None and not slot["is_deleted"]
    if deed.what == "time off" and is_open:
        yield "time off: a slot stayed open"
    for row in now.active():
        is_in_it = row["starts_at"] < slot["ends_at"] and slot["starts_at"] < row["ends_at"]
        is_with_them = row["doctor_id"] == deed.doctor_id
        if {
            "time off": is_in_it and is_with_them,
            "remove doctor": is_with_them,
            "remove patient": row["patient_id"] == patient,
            "remove service": row["service_id"] == deed.service_id,
        }[deed.what]:
            yield f"{deed.what}: an appointment was overlooked"


def _held(deed: Deed, now: Seen) -> Iterator[str]:
    holds = [s for s in now.slots.values() if now.holder(s) == PATIENTS[deed.patient]]
    if holds and len({slot["hold_id"] for slot in holds}) == len(holds):
        yield "a hold of two slots keeps one of them"


def _without_reason(record: Record, during: Sequence[Seen]) -> Iterator[str]:
    """Somebody was told of something that was so at no moment since they asked."""
    patient = PATIENTS[record.deed.patient]
    if not any(_is_so(record, seen, patient) for seen in during):
        yield f"{record.deed.what}: {record.answer} although it was not so"


def _is_so(record: Record, seen: Seen, patient: UUID) -> bool:
    wanted = _wanted(record.deed, seen)
    if record.answer == "slot_not_found":
        is_gone = record.deed.doctor_id in seen.gone
        return is_gone or any(slot["is_deleted"] for slot in wanted)
    if record.answer == "slot_held":
        # They are judged by the time at which they asked.
        held = [slot for slot in wanted if slot["hold_id"] and slot["held_until"] > record.since]
        return any(slot["held_for"] != patient for slot in held)
    if record.answer == "slot_unavailable":
        return any(slot["closed_because"] is not None for slot in wanted)
    ids = {slot["id"] for slot in wanted}
    return any(slot["appointment_id"] is not None for slot in wanted) or any(
        not ids.isdisjoint(row["time_slot_ids"]) for row in seen.active()
    )


def _wanted(deed: Deed, seen: Seen) -> list[Row]:
    first = seen.slots[deed.slot_id]
    # A move takes what was agreed, which the deed does not say.
    long = deed.is_long or deed.what == "move"
    until = first["starts_at"] + (2 if long else 1) * SLOT_MINUTES * MINUTE
    return [
        slot
        for slot in seen.slots.values()
        if slot["doctor_id"] == first["doctor_id"]
        and first["starts_at"] <= slot["starts_at"] < until
        and (slot["id"] == first["id"] or not slot["is_deleted"])
    ]
