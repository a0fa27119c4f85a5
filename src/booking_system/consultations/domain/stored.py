"""What is stored in a room: chat and decisions, numbered in the order in which they happened."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from booking_system.consultations.domain.room import EndReason
from booking_system.consultations.domain.seat import Seat
from booking_system.files.domain.kinds import MediaKind
from booking_system.files.domain.stored_file import FileId

LONGEST_TEXT = 4000


class EntryKind(StrEnum):
    """What an entry says."""

    CHAT = "chat"
    ADMITTED = "admitted"
    HELD = "held"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a message names, as it was when it was sent; `size` in bytes."""

    id: FileId
    filename: str
    kind: MediaKind
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """Something that is to be stored.

    `seat` is None where the desk did it, `sender_id` as well where the system did. `client_id` is
    the sender's own id of a chat message, by which it is stored once; with a `file` its text may be
    empty. `of` says whose admission it is about.
    """

    kind: EntryKind
    at: datetime
    seat: Seat | None
    sender_id: UUID | None
    client_id: UUID | None = None
    text: str | None = None
    file: Attachment | None = None
    of: Seat | None = None
    reason: EndReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """The same with its number in its room, from 1 on and without a gap."""

    seq: int
