"""Which messages may exist: the model, in plain Python and by its own words.

It is given what became of each appointment, commit by commit, and knows nothing of ledgers.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from booking_lab.weave.deeds import Deed
from booking_lab.weave.scene import MINUTE, REMINDERS
from booking_lab.weave.seen import Row, Seen

BY_PATIENTS = frozenset({"book", "move", "cancel"})
SOON = timedelta(hours=24)
"""What changes so shortly before is told by mail and by SMS."""
LAST_CALL = timedelta(minutes=10)
OPEN = frozenset({"confirmed", "checked_in"})
TRUE_WHILE: Mapping[str, frozenset[str]] = {
    "confirmation": OPEN,
    "change": OPEN,
    "reminder": frozenset({"confirmed"}),
    "cancellation": frozenset({"cancelled"}),
    "staff_notice": OPEN | {"cancelled"},
}
"""In which states of its appointment each kind is true."""


class Message(NamedTuple):
    """A message of a revision; `offset` is a reminder's, in minutes."""

    kind: str
    offset: int
    channel: str
    recipient: str


class Stage(NamedTuple):
    """One revision of an appointment: all that it was called meanwhile, and how it came to be."""

    starts_at: datetime
    agreed_at: datetime
    is_by_patient: bool
    statuses: tuple[str, ...]


Stages = Mapping[tuple[UUID, int], Stage]


def stages(commits: Sequence[tuple[Seen, Deed]]) -> Stages:
    """Return each revision of each appointment; a commit is what was so behind it, and whose."""
    found: dict[tuple[UUID, int], Stage] = {}
    for seen, deed in commits:
        for row in seen.visits.values():
            key, status = (row["id"], row["revision"]), row["status"]
            stage = found.get(key)
            if stage is None:
                is_by_patient = deed.what in BY_PATIENTS
                stage = Stage(row["starts_at"], row["updated_at"], is_by_patient, ())
            if status not in stage.statuses:
                stage = stage._replace(statuses=(*stage.statuses, status))
            found[key] = stage
    return found


def sets_of(revision: int, stage: Stage) -> list[frozenset[Message]]:
    """Return what may be planned of it, depending on what it was called when somebody looked.

    Somebody may have looked twice.
    """
    single = [frozenset(_called_for(revision, stage, status)) for status in stage.statuses]
    return [*single, frozenset[Message]().union(*single)]


def is_true(row: Row, kind: str, revision: int) -> bool:
    """Say whether a message of this kind and revision is true of an appointment."""
    is_present = row["revision"] == revision
    return is_present and row["status"] in TRUE_WHILE[kind]


def reminded(stage: Stage, offset: int) -> tuple[datetime, datetime]:
    """Return from when until when a reminder is of use."""
    due_at = stage.starts_at - offset * MINUTE
    shorter = [one for one in REMINDERS if one < offset]
    over = stage.starts_at - (max(shorter) * MINUTE if shorter else LAST_CALL)
    return due_at, over


def _called_for(revision: int, stage: Stage, status: str) -> Iterator[Message]:
    word = "cancellation"
    if status != "cancelled":
        word = "confirmation" if revision == 1 else "change"
    yield Message(word, 0, "email", "patient")
    if word != "confirmation" and stage.starts_at - stage.agreed_at < SOON:
        yield Message(word, 0, "sms", "patient")
    if stage.is_by_patient:
        yield Message("staff_notice", 0, "email", "clinic")
    if status == "confirmed":
        yield from (Message("reminder", offset, "sms", "patient") for offset in REMINDERS)
