"""What other systems call a record of a clinic, and note about it: for the clinic's staff alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from booking_system.shared_kernel.errors import Conflict, Invalid

MOST_KEYS = 20

Noted = Mapping[str, Any]
"""What changes: `external_id` where it is named (None: none any more), and `metadata`.

Of the metadata keys that are not named stay as they are; None removes a key.
"""


class ExternalIdTaken(Conflict):
    """Another record of this kind has this external id in the clinic.

    Look for it: `?external_id=` on the list finds that record. If it is the same thing, go on with
    it; else send `"external_id": null` to its `references`, and try again.
    """

    code = "external_id_taken"


class Kind(StrEnum):
    """Of what the directory keeps such notes."""

    DOCTOR = "doctor"
    SERVICE = "service"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The record's id in another system, unique in the clinic, and up to 20 notes by key."""

    external_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `Invalid` for too many keys."""
        if len(self.metadata) > MOST_KEYS:
            raise Invalid.field("/metadata", f"has more than {MOST_KEYS} keys", "too_long")
