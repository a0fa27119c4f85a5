"""Judges what is stored after each commit, and what it has become since the one before."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from uuid import UUID

from booking_lab.weave.records import Record
from booking_lab.weave.scene import PATIENTS
from booking_lab.weave.seen import Row, Seen
from booking_system.booking.domain.holding import MOST_OF_A_PATIENT

MAY_END_HOLDS = frozenset({"overbook", "time off", "remove doctor", "close", "remove patient"})
"""Deeds that end a hold which is another's."""


def wrong_now(seen: Seen) -> Iterator[str]:
    """Yield what may be so at no moment."""
    yield from _owners(seen)
    yield from _marks(seen)
    yield from _two_at_once(seen)
    yield from _holds(seen)


def _owners(seen: Seen) -> Iterator[str]:
    having: dict[UUID, list[Row]] = {}
    for row in seen.active():
        for slot_id in row["time_slot_ids"]:
            having.setdefault(slot_id, []).append(row)
    for slot in seen.slots.values():
        owner, of_it = slot["appointment_id"], having.get(slot["id"], [])
        if (owner is None) != (not of_it):
            yield "a slot is free although somebody has it, or somebody's who has it no more"
        if owner is not None and owner not in {row["id"] for row in of_it}:
            yield "a slot belongs to an appointment that does not have it"
        if any(not row["overbooked"] and row["id"] != owner for row in of_it):
            yield "an appointment does not own all its slots"
        if owner is not None and slot["hold_id"] is not None:
            yield "a slot is booked and held"
        if slot["is_deleted"] and (owner is not None or of_it):
            yield "a slot is deleted and booked"


def _marks(seen: Seen) -> Iterator[str]:
    for row in seen.active():
        others = [one for one in seen.active() if one["id"] != row["id"]]
        if row["overbooked"] and not any(
            one["doctor_id"] == row["doctor_id"]
            and one["starts_at"] < row["ends_at"]
            and row["starts_at"] < one["ends_at"]
            for one in others
        ):
            yield "an appointment is marked as overbooked, and shares its time with nobody"


def _two_at_once(seen: Seen) -> Iterator[str]:
    for one, other in combinations(seen.active(), 2):
        if one["starts_at"] >= other["ends_at"] or other["starts_at"] >= one["ends_at"]:
            continue
        if one["doctor_id"] == other["doctor_id"] and not (
            one["overbooked"] or other["overbooked"]
        ):
            yield "a doctor has two appointments at once"
        if one["patient_id"] == other["patient_id"] and not (
            one["patient_doubled"] or other["patient_doubled"]
        ):
            yield "a patient is in two places"


def _holds(seen: Seen) -> Iterator[str]:
    held = {(seen.holder(slot), slot["hold_id"]) for slot in seen.slots.values()}
    counted = Counter(patient for patient, _ in held if patient is not None)
    if max(counted.values(), default=0) > MOST_OF_A_PATIENT:
        yield "a patient holds more than they may"
    for slot in seen.slots.values():
        if slot["kept_from"] is not None and seen.holder(slot) is not None:
            kept = [
                one["hold_id"]
                for one in seen.slots.values()
                if one["doctor_id"] == slot["doctor_id"]
                and slot["kept_from"] <= one["starts_at"] < slot["kept_until"]
            ]
            if set(kept) != {slot["hold_id"]}:
                yield "a hold keeps a part of its slots"
    until = {(slot["hold_id"], slot["held_until"]) for slot in seen.slots.values()}
    if len(until) != len({hold_id for hold_id, _ in until}):
        yield "a hold ends at two times"


def wrong_since(before: Seen, after: Seen, by: Record) -> Iterator[str]:
    """Yield what may not have become of what was committed before, by this deed."""
    patient = PATIENTS[by.deed.patient]
    for slot_id, slot in after.slots.items():
        was = before.slots.get(slot_id)
        if was is not None:
            yield from _sold(before, after, was, slot, by)
            yield from _hold_gone(before, after, was, slot, by, patient)
    for row in after.visits.values():
        old = before.visits.get(row["id"])
        if old is None and not before.gone.isdisjoint((row["patient_id"], row["doctor_id"])):
            yield "somebody was booked who was removed, or with a doctor who was"
        if old is None and row["service_id"] in before.gone and not _is_agreed(before, row, by):
            yield "somebody was booked for a service that was removed"
        if old is not None and old["status"] == "cancelled" and row["status"] != "cancelled":
            yield "a cancelled appointment is there again"


def _is_agreed(before: Seen, row: Row, by: Record) -> bool:
    """A hold keeps what was agreed, also where the service goes."""
    slot = before.slots[row["time_slot_ids"][0]]
    is_held = slot["hold_id"] is not None and slot["held_until"] > by.since
    return is_held and slot["held_for"] == row["patient_id"]


def _sold(before: Seen, after: Seen, was: Row, slot: Row, by: Record) -> Iterator[str]:
    owner = slot["appointment_id"]
    if owner is None or was["appointment_id"] is not None or by.deed.what == "overbook":
        return
    # A caller is judged by the time at which they asked.
    is_kept = was["hold_id"] is not None and was["held_until"] > by.since
    if was["closed_because"] is not None and not (is_kept and was["outside_availability"]):
        yield "a closed slot was sold"
    holder = before.holder(was) if is_kept and was["held_until"] > after.now else None
    if holder is not None and holder != after.visits[owner]["patient_id"]:
        yield "a slot was sold that is held for another"


def _hold_gone(  # noqa: PLR0913, PLR0917
    before: Seen, after: Seen, was: Row, slot: Row, by: Record, patient: UUID
) -> Iterator[str]:
    holder = before.holder(was)
    if holder is None or was["held_until"] <= after.now:
        return
    if slot["hold_id"] == was["hold_id"] and slot["held_for"] == holder:
        return
    if by.deed.what not in MAY_END_HOLDS and holder != patient:
        yield "a hold ended before its time"
    if by.deed.what in {"tidy", "plan", "hours", "wait"}:
        yield "the background ended a hold before its time"
