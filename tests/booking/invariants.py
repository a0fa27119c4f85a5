"""What holds of all that booking has stored, after every step."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from typing import Any

from booking_system.booking.domain.history import Action
from booking_system.booking.domain.holding import (
    MOST_OF_A_NETWORK,
    MOST_OF_A_PATIENT,
    MOST_OF_A_USER,
)
from tests.booking.stored import Row, Stored


def check(stored: Stored, before: Stored, now: datetime) -> None:
    _slots_have_the_owners_they_should(stored)
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


def _slots_have_the_owners_they_should(stored: Stored) -> None:
    owners: dict[Any, list[Any]] = {}
    for row in active(stored):
        claims = owners.setdefault(row["time_slot_id"], [])
        if not row["overbooked"]:
            claims.append(row["id"])
    for slot_id, claims in owners.items():
        assert len(claims) == 1, "an active appointment, overbooked or not, is in an owned slot"
        assert slot_id in stored.slots, "its slot is not deleted"
    for slot in stored.slots.values():
        assert [slot["appointment_id"]] == owners.get(slot["id"], [None])
        assert slot["appointment_id"] is None or slot["hold_id"] is None, "booked and held"
    for row in stored.appointments.values():
        slot = stored.slots.get(row["time_slot_id"], {})
        for name in ("clinic_id", "doctor_id", "starts_at", "ends_at", "mode"):
            assert slot.get(name, row[name]) == row[name]


def _nobody_is_in_two_places(stored: Stored) -> None:
    for whose, mark in (("patient_id", "patient_doubled"), ("doctor_id", "overbooked")):
        for one, other in combinations(active(stored), 2):
            if one[whose] == other[whose] and meet(one, other):
                assert one[mark] or other[mark], f"{whose} twice at one time"


def meet(one: Row, other: Row) -> bool:
    met: bool = one["starts_at"] < other["ends_at"] and other["starts_at"] < one["ends_at"]
    return met


def _holds_are_few(stored: Stored, now: datetime) -> None:
    held = [row for row in stored.slots.values() if row["hold_id"] and row["held_until"] > now]
    of_nobody = [row for row in held if row["held_for"] is None]
    for most, whose, rows in (
        (MOST_OF_A_PATIENT, "held_for", held),
        (MOST_OF_A_USER, "held_by", of_nobody),
        (MOST_OF_A_NETWORK, "hold_network", of_nobody),
    ):
        counted = Counter(row[whose] for row in rows if row[whose] is not None)
        assert max(counted.values(), default=0) <= most
    holds = [row["hold_id"] for row in stored.slots.values() if row["hold_id"]]
    assert len(holds) == len(set(holds))


def _every_version_has_its_entry_and_its_event(stored: Stored) -> None:
    wanted = {
        (row["id"], version)
        for row in stored.appointments.values()
        for version in range(2, row["version"] + 1)
    }
    assert stored.history.keys() == wanted
    assert Counter(dict(_versions(stored))) == Counter(_events_of_appointments(stored))
    for row in stored.history.values():
        assert row["action"] in set(Action) - {Action.BOOKED}


def _versions(stored: Stored) -> Iterator[tuple[str, int]]:
    for row in stored.appointments.values():
        yield str(row["id"]), row["version"]


def _events_of_appointments(stored: Stored) -> Iterator[str]:
    for name, payload, _ in stored.outbox:
        if name.startswith("booking."):
            yield payload.partition('"appointment_id": "')[2][:36]


def _keys_name_one_appointment_each(stored: Stored) -> None:
    named = [row["appointment_id"] for row in stored.keys.values()]
    assert len(named) == len(set(named))
    for row in stored.keys.values():
        assert stored.appointments[row["appointment_id"]]["created_at"] == row["created_at"]


def _what_changes_is_a_new_version(before: dict[Any, Row], now: dict[Any, Row]) -> None:
    for key, row in now.items():
        if key in before and row != before[key]:
            assert row["version"] > before[key]["version"], "changed without a new version"
