"""What a patient's answer by SMS means, and what is to be done: one is never cancelled by a guess.

One number may be a whole family's, and who answers says one letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.notifications.domain.answer_words import CANCEL_WORD, YES, Said, Word
from booking_system.notifications.domain.message import ALWAYS_TRUE, ANSWERS, Kind
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, PatientId

ANSWER_WITHIN = timedelta(hours=1)
"""So long a question of ours is open, and so long an answer of ours is of use."""
READING = timedelta(seconds=10)
"""Nobody has read a question before: an `X` that was sent twice does not answer it."""
EXCUSED_FOR = timedelta(days=1)
"""So long a number is not told again that nobody reads what it writes."""
MOST_CHOICES = 3
"""Appointments that fit into an SMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An SMS that a number got, with its appointment as it is now; times in UTC.

    `told_revision` is what it told of. Until `cancel_until` the patient may cancel.
    """

    message_id: UUID
    kind: Kind
    told_revision: int
    appointment_id: AppointmentId
    patient_id: PatientId
    clinic_id: ClinicId
    revision: int
    status: AppointmentStatus
    starts_at: datetime
    cancel_until: datetime
    is_confirmed: bool

    def is_to_come(self, now: datetime) -> bool:
        """Say whether the appointment will take place."""
        return self.status is AppointmentStatus.CONFIRMED and self.starts_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a number was asked, and of which appointments in which revisions; `asked_at` in UTC."""

    asked: Literal["cancel", "which"]
    message_id: UUID
    appointments: Sequence[tuple[AppointmentId, int]]
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """All that an answer depends on: what the number was told, the newest first, and asked.

    `excused_at` is when it was told that nobody reads what it writes, `is_blocked`: it wants no
    SMS, or cannot get any.
    """

    told: Sequence[Told]
    question: Question | None = None
    excused_at: datetime | None = None
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class Confirm:
    """The patient comes."""

    about: Told


@dataclass(frozen=True, slots=True)
class Cancel:
    """The patient does not come, and was asked whether they are sure."""

    about: Told


@dataclass(frozen=True, slots=True)
class Tell:
    """Nothing is done, and the answer is of this kind."""

    kind: Kind
    about: Told


@dataclass(frozen=True, slots=True)
class Ask:
    """A question back, about one appointment or several."""

    kind: Kind
    about: Sequence[Told]


@dataclass(frozen=True, slots=True)
class OptOut:
    """No more SMS; clinics are told of appointments that may have been meant by it."""

    perhaps_meant: Sequence[Told]


@dataclass(frozen=True, slots=True)
class OptIn:
    """SMS again."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nobody is told anything."""


Open = tuple[Question, Sequence[Told]]
"""A question that waits for an answer, and what it asks about."""
Decision = Confirm | Cancel | Tell | Ask | OptOut | OptIn | Nothing


def decide(said: Said, heard: Heard, *, now: datetime) -> Decision:
    """Say what is to be done about it."""
    if said.word is Word.STOP:
        return OptOut(_meant(heard.told, now) if said.text == CANCEL_WORD else ())
    if said.word is Word.START and (heard.is_blocked or said.text != YES):
        return OptIn()
    if not heard.told:
        # Who was never written to is not written to now.
        return Nothing()
    answer = {Word.HELP: _on_help, Word.CONFIRM: _on_confirm, Word.CANCEL: _on_cancel}
    return answer.get(said.word, _on_anything)(said, heard, now)


def _on_anything(_: Said, heard: Heard, now: datetime) -> Decision:
    return _excuse(heard, now)


def _on_help(_: Said, heard: Heard, __: datetime) -> Decision:
    return Tell(Kind.HELP_ANSWER, heard.told[0])


def _on_confirm(said: Said, heard: Heard, now: datetime) -> Decision:
    asked = _asked(heard, now)
    about = _chosen(said, asked) or _named(said, asked, heard.told)
    if about is not None:
        return Confirm(about)
    meant = _meant(heard.told, now)
    # Who has confirmed one already means the other.
    open_ones = [one for one in meant if not one.is_confirmed] or meant
    if len(open_ones) == 1:
        return Confirm(open_ones[0])
    return _which(Kind.WHICH_TO_CONFIRM, open_ones, heard, now)


def _on_cancel(said: Said, heard: Heard, now: datetime) -> Decision:
    asked = _asked(heard, now)
    if (chosen := _chosen(said, asked)) is not None:
        return _sure(chosen, now)
    if said.choice is None and _is_unread(asked, now):
        return Nothing()
    if (named := _named(said, asked, heard.told)) is not None:
        return Cancel(named)
    meant = _meant(heard.told, now)
    if len(meant) == 1:
        return _sure(meant[0], now)
    return _which(Kind.WHICH_TO_CANCEL, meant, heard, now)


def _sure(about: Told, now: datetime) -> Decision:
    """Ask for a second word, unless it would be refused."""
    if about.told_revision != about.revision or not about.is_to_come(now):
        return Tell(Kind.CHANGED_ANSWER, about)
    if now > about.cancel_until:
        return Tell(Kind.TOO_LATE_ANSWER, about)
    return Ask(Kind.CANCEL_QUESTION, [about])


def _which(kind: Kind, meant: Sequence[Told], heard: Heard, now: datetime) -> Decision:
    if not meant:
        changed = next((one for one in heard.told if one.is_to_come(now)), None)
        return _excuse(heard, now) if changed is None else Tell(Kind.CHANGED_ANSWER, changed)
    times = {one.starts_at for one in meant}
    if len(meant) > MOST_CHOICES or len(times) < len(meant):
        # Their time is all that they can be told apart by.
        return _excuse(heard, now)
    return Ask(kind, sorted(meant, key=lambda one: one.starts_at))


def _excuse(heard: Heard, now: datetime) -> Decision:
    if heard.excused_at is not None and now < heard.excused_at + EXCUSED_FOR:
        return Nothing()
    return Tell(Kind.UNREAD_ANSWER, heard.told[0])


def _meant(told: Sequence[Told], now: datetime) -> list[Told]:
    """Return the appointments that may be meant, each once.

    Those that reminders were about, for these ask for an answer, and that of the newest SMS.
    """
    standing = [
        one
        for one in told
        if one.is_to_come(now) and one.told_revision == one.revision and one.kind not in ALWAYS_TRUE
    ]
    reminded = [one for one in standing if one.kind is Kind.REMINDER]
    found = [*standing[:1], *reminded] if reminded else standing
    return list({one.appointment_id: one for one in reversed(found)}.values())[::-1]


def _asked(heard: Heard, now: datetime) -> Open | None:
    """Return the question that is open, and what it was about, in the revisions of that time."""
    question = heard.question
    if question is None or now > question.asked_at + ANSWER_WITHIN:
        return None
    by_id = {one.appointment_id: one for one in heard.told}
    about = [
        replace(by_id[appointment_id], told_revision=revision)
        for appointment_id, revision in question.appointments
        if appointment_id in by_id
    ]
    # Where one is gone, the numbers of the others are not what they were.
    return (question, about) if len(about) == len(question.appointments) else None


def _chosen(said: Said, asked: Open | None) -> Told | None:
    if said.choice is None or asked is None:
        return None
    question, about = asked
    fits = question.asked == "which" and said.choice <= len(about)
    return about[said.choice - 1] if fits else None


def _named(said: Said, asked: Open | None, told: Sequence[Told]) -> Told | None:
    """Return the appointment that was asked about by its time.

    None where the question has not gone out, where another SMS came behind it, which may be what is
    answered, and where a number was said: that would be another one.
    """
    if said.choice is not None or asked is None or asked[0].asked != "cancel":
        return None
    question, (about,) = asked
    newest = next((one for one in told if one.kind not in ANSWERS or _is(question, one)), None)
    return about if newest is not None and _is(question, newest) else None


def _is(question: Question, one: Told) -> bool:
    return one.message_id == question.message_id


def _is_unread(asked: Open | None, now: datetime) -> bool:
    return asked is not None and asked[0].asked == "cancel" and now < asked[0].asked_at + READING
