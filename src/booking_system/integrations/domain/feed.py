"""The feed of events: numbers without a gap, in the order of the commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from booking_system.integrations.domain.refusals import FeedReset
from booking_system.shared_kernel.identifiers import ClinicId

PATIENT = "patient_id"
"""How the names of ids end that say who a patient is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """An event with its number; `data` holds ids and times, nothing else of a patient."""

    seq: int
    id: UUID
    name: str
    clinic_id: ClinicId | None
    occurred_at: datetime
    data: Mapping[str, Any]

    def without_patients(self) -> "FeedEvent":
        """Return it for readers who may not learn whose appointment it is."""
        data = {name: value for name, value in self.data.items() if not name.endswith(PATIENT)}
        return replace(self, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """The history that the numbers belong to, and the last and the first that are there.

    Where nothing is there yet, `head` is 0 and `oldest` is 1.
    """

    epoch: UUID
    head: int
    oldest: int

    def refuse_another_history(self, *, epoch: UUID | None, after: int) -> None:
        """Raise `FeedReset` where what the reader has read is not what these numbers go on from.

        From the beginning, `after` 0, all that is there goes on.
        """
        if epoch is not None and epoch != self.epoch:
            raise FeedReset("The numbers belong to another history of the database.")
        if after > self.head:
            raise FeedReset("So many events there are not: the database was set back.")
        if 0 < after < self.oldest - 1:
            raise FeedReset("Events behind this number are not kept any more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Some events in their order; `next_after` is from where to go on."""

    state: FeedState
    events: Sequence[FeedEvent]
    next_after: int
