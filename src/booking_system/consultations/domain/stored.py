"""What is stored in a room: chat and decisions, numbered in the order in which they happened."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from booking_system.consultations.domain.room import EndReason
from booking_system.consultations.domain.seat import Seat

LONGEST_TEXT = 4000


class EntryKind(StrEnum):
    """What an entry says."""

    CHAT = "chat"
    ADMITTED = "admitted"
    HELD = "held"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """Something that is to be stored.

    `seat` is None where the desk did it, `sender_id` as well where the system did. `client_id` is
    the sender's own id of a chat message, by which it is stored once; `of` says whose admission it
    is about.
    """

    kind: EntryKind
    at: datetime
    seat: Seat | None
    sender_id: UUID | None
    client_id: UUID | None = None
    text: str | None = None
    of: Seat | None = None
    reason: EndReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """The same with its number in its room, from 1 on and without a gap."""

    seq: int
