"""What files are for: who may see them, of which kinds and how large they are, how long kept."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from booking_system.files.domain.kinds import PICTURES, MediaKind

MIB = 1024 * 1024


class FilePurpose(StrEnum):
    """What a file is for; by it the owner is a clinic, a doctor or an appointment.

    A document is read by all who see its appointment, an attachment by the two who talk.
    """

    CLINIC_LOGO = "clinic_logo"
    DOCTOR_PHOTO = "doctor_photo"
    BOOKING_DOCUMENT = "booking_document"
    CHAT_ATTACHMENT = "chat_attachment"


class Size(StrEnum):
    """How large a public picture is shown."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"

    @property
    def pixels(self) -> int:
        """The longer side at most."""
        return PIXELS[self]


PIXELS = {Size.SMALL: 96, Size.MEDIUM: 256, Size.LARGE: 768}

WHOLE = "file"
"""The part of a private file: all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for all files of a purpose.

    `most_of_owner` counts those that are there, or may still come. `kept` is the time from when it
    was stored; None: as long as its owner is there. What `waits` is kept for so long only, until it
    is used. Of those that are `single` a new one takes the place of the one before.
    """

    kinds: frozenset[MediaKind]
    most_bytes: int
    is_public: bool
    is_single: bool
    most_of_owner: int
    kept: timedelta | None
    waits: timedelta | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The objects that are stored of one file."""
        return tuple(Size) if self.is_public else (WHOLE,)


_PICTURE = Rules(
    kinds=PICTURES,
    most_bytes=10 * MIB,
    is_public=True,
    is_single=True,
    most_of_owner=10,
    kept=None,
)
_DOCUMENT = Rules(
    kinds=PICTURES | {MediaKind.PDF},
    most_bytes=100 * MIB,
    is_public=False,
    is_single=False,
    most_of_owner=50,
    # Ten years, as papers of a treatment are kept (for one, § 630f BGB).
    kept=timedelta(days=3653),
)
RULES = {
    FilePurpose.CLINIC_LOGO: _PICTURE,
    FilePurpose.DOCTOR_PHOTO: _PICTURE,
    FilePurpose.BOOKING_DOCUMENT: _DOCUMENT,
    # What is chosen in a chat, and then not sent, is nobody's paper.
    FilePurpose.CHAT_ATTACHMENT: replace(_DOCUMENT, most_bytes=25 * MIB, waits=timedelta(days=1)),
}
MOST_BYTES = max(rules.most_bytes for rules in RULES.values())
