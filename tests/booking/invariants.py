"""What holds of all that booking has stored, after every step."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from typing import Any

from booking_system.booking.domain.history import REVISING, Action
from booking_system.booking.domain.holding import (
    MOST_OF_A_NETWORK,
    MOST_OF_A_PATIENT,
    MOST_OF_A_USER,
)
from tests.booking import scene
from tests.booking.stored import Row, Stored


def check(stored: Stored, before: Stored, now: datetime) -> None:
    _slots_have_the_owners_they_should(stored)
    _time_around_is_kept_clear(stored)
    _nobody_is_in_two_places(stored)
    _holds_are_few(stored, now)
    _every_version_has_its_entry_and_its_event(stored)
    _keys_name_one_appointment_each(stored)
    _what_changes_is_a_new_version(before.slots, stored.slots)
    _what_changes_is_a_new_version(before.appointments, stored.appointments)
    assert stored.appointments.keys() >= before.appointments.keys()
    assert stored.history.items() >= before.history.items(), "history is not rewritten"


def check_nothing_happened(stored: Stored, before: Stored) -> None:
    """What was refused left no trace; only a key that is too old may be gone."""
    assert replace(stored, keys=before.keys) == before
    assert stored.keys.items() <= before.keys.items()


def active(stored: Stored) -> list[Row]:
    return [row for row in stored.appointments.values() if row["status"] != "cancelled"]


def claims(row: Row, since: datetime, until: datetime) -> bool:
    """Say whether the doctor's time is an appointment's own then."""
    return any(start < until and since < end for start, end in row["doctor_time"])


def _slots_have_the_owners_they_should(stored: Stored) -> None:
    having: dict[Any, list[Row]] = {}
    for row in active(stored):
        for slot_id in row["time_slot_ids"]:
            slot = stored.slots.get(slot_id)
            gave_back = row["released_at"]
            if gave_back is None or (slot is not None and slot["ends_at"] <= gave_back):
                assert slot is not None, "its slots are not deleted"
                having.setdefault(slot_id, []).append(row)
    for slot in stored.slots.values():
        of_it = having.get(slot["id"], [])
        assert (slot["appointment_id"] is None) == (not of_it), "free, or somebody's who has it"
        assert slot["appointment_id"] in {None, *(row["id"] for row in of_it)}
        owners = {row["id"] for row in of_it if not row["overbooked"]}
        assert owners <= {slot["appointment_id"]}, "whoever is not overbooked owns all its slots"
        assert slot["appointment_id"] is None or slot["hold_id"] is None, "booked and held"
    for row in stored.appointments.values():
        slots = [stored.slots.get(slot_id, {}) for slot_id in row["time_slot_ids"]]
        assert row["time_slot_ids"][0] == row["time_slot_id"]
        assert slots[0].get("starts_at", row["starts_at"]) == row["starts_at"]
        assert slots[-1].get("ends_at", row["ends_at"]) == row["ends_at"]
        for name in ("clinic_id", "doctor_id", "mode"):
            assert {slot.get(name, row[name]) for slot in slots} == {row[name]}


def _time_around_is_kept_clear(stored: Stored) -> None:
    for slot in stored.slots.values():
        around = {
            row["id"]
            for row in active(stored)
            if row["doctor_id"] == slot["doctor_id"]
            and row["released_at"] is None
            and slot["id"] not in row["time_slot_ids"]
            and blocks(row, slot["starts_at"], slot["ends_at"])
        }
        assert set(slot["blocked_by"]) == around
        assert len(slot["blocked_by"]) == len(around)


def blocks(row: Row, since: datetime, until: datetime) -> bool:
    """Say whether the doctor of an appointment can have nothing else then."""
    met: bool = row["blocked_from"] < until and since < row["blocked_until"]
    return met


def _nobody_is_in_two_places(stored: Stored) -> None:
    for one, other in combinations(active(stored), 2):
        if one["patient_id"] == other["patient_id"] and meet(one, other):
            assert one["patient_doubled"] or other["patient_doubled"]
        if one["doctor_id"] == other["doctor_id"]:
            assert not any(claims(one, *stretch) for stretch in other["doctor_time"])
        if one["patient_id"] == other["patient_id"]:
            assert not set(one["patient_time"]) & set(other["patient_time"])
    for row in active(stored):
        if row["status"] in {"confirmed", "checked_in"} and not row["overbooked"]:
            assert row["doctor_time"] == ((row["blocked_from"], row["blocked_until"]),)


def ends(row: Row) -> datetime:
    """When its time is over, be it because it was given back."""
    ended: datetime = min(row["ends_at"], row.get("released_at") or row["ends_at"])
    return ended


def meet(one: Row, other: Row) -> bool:
    met: bool = one["starts_at"] < ends(other) and other["starts_at"] < ends(one)
    return met


def _holds_are_few(stored: Stored, now: datetime) -> None:
    held = [row for row in stored.slots.values() if row["hold_id"] and row["held_until"] > now]
    users = {one.id: one.user_id for one in scene.PATIENTS}
    own = [row for row in held if row["held_by"] and users.get(row["held_for"]) == row["held_by"]]
    of_others = [row for row in held if row not in own]
    for_all = [row for row in stored.slots.values() if row["hold_id"]]
    for most, whose, rows in (
        (MOST_OF_A_PATIENT, "held_for", own),
        (MOST_OF_A_USER, "held_by", of_others),
        (MOST_OF_A_NETWORK, "hold_network", of_others),
    ):
        holds = {(row[whose], row["hold_id"]) for row in rows if row[whose] is not None}
        counted = Counter(owner for owner, _ in holds)
        assert max(counted.values(), default=0) <= most
    for hold_id in {row["hold_id"] for row in for_all}:
        same = [row for row in for_all if row["hold_id"] == hold_id]
        for name in ("held_until", "hold_extended", "held_for", "held_by", "doctor_id"):
            assert len({row[name] for row in same}) == 1, "one hold is the same in all its slots"
        places = [row["hold_place"] for row in same if row["hold_place"]]
        assert len(places) == len(set(places))


def _every_version_has_its_entry_and_its_event(stored: Stored) -> None:
    wanted = {
        (row["id"], version)
        for row in stored.appointments.values()
        for version in range(2, row["version"] + 1)
    }
    assert stored.history.keys() == wanted
    assert sorted(_numbers(stored)) == sorted(_numbers_told(stored))
    for row in stored.history.values():
        assert row["action"] in set(Action) - {Action.BOOKED}


def _numbers(stored: Stored) -> Iterator[tuple[str, int, int]]:
    """Each version of each appointment, and the revision that it had then."""
    for row in stored.appointments.values():
        revision = 1
        yield str(row["id"]), 1, revision
        for version in range(2, row["version"] + 1):
            revision += stored.history[row["id"], version]["action"] in REVISING
            yield str(row["id"]), version, revision
        assert row["revision"] == revision


def _numbers_told(stored: Stored) -> Iterator[tuple[str, int, int]]:
    for name, payload, _ in stored.outbox:
        if name.startswith("booking."):
            told = json.loads(payload)
            yield told["appointment_id"], told["version"], told["revision"]


def _keys_name_one_appointment_each(stored: Stored) -> None:
    named = [row["appointment_id"] for row in stored.keys.values()]
    assert len(named) == len(set(named))
    for row in stored.keys.values():
        assert stored.appointments[row["appointment_id"]]["created_at"] == row["created_at"]


QUIET = {"doctor_time", "patient_time", "patient_doubled"}
"""What nobody is shown: it changes with the appointments of others."""


def _what_changes_is_a_new_version(before: dict[Any, Row], now: dict[Any, Row]) -> None:
    for key, row in now.items():
        if key in before and any(row[it] != before[key][it] for it in row.keys() - QUIET):
            assert row["version"] > before[key]["version"], "changed without a new version"
