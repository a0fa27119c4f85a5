"""Rooms with one protection taken out."""

from typing import Any
from unittest.mock import PropertyMock, patch

from booking_system.consultations.adapters import rooms as postgres
from booking_system.consultations.adapters import statements as sql
from booking_system.consultations.application import act_in_room
from booking_system.consultations.domain.room import Room
from tests.weave.mutants import Mutant, replaced, saying


async def _never_said(*_: Any, **__: Any) -> None:
    return None


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _without_revision(room: Room) -> bool:
    return room.admitted_revision is not None and not room.is_ended


MUTANTS: dict[str, Mutant] = {
    "the revision of an admission": lambda: patch.object(
        Room, "is_admitted", property(_without_revision)
    ),
    "the lock on the room": lambda: saying((sql.LOCK, " FOR UPDATE", "")),
    "the look whether the room is open": replaced(Room, "check_open", _nothing),
    "whose appointment it is": replaced(act_in_room, "check_doctor", _nothing),
    "the look for the same message": replaced(postgres.PostgresLockedRoom, "said", _never_said),
    "the hold behind a move": lambda: patch.object(
        Room, "is_admitted_for_another_time", new_callable=PropertyMock, return_value=False
    ),
    "the end behind a cancellation": replaced(Room, "due_end", _nothing),
}
