"""Patients answer an SMS, and what they say is done, once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_system.booking.domain.refusals import (
    AppointmentNotFound,
    BookingNotActive,
    CancelTooLate,
)
from booking_system.notifications.application.answering_ports import (
    NewMessage,
    PatientsWord,
    Talks,
)
from booking_system.notifications.domain.answer_words import Vocabulary, said_in
from booking_system.notifications.domain.answers import (
    ANSWER_WITHIN,
    Ask,
    Cancel,
    Confirm,
    Decision,
    Nothing,
    OptIn,
    OptOut,
    Tell,
    Told,
    decide,
)
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.notifications.domain.planning import (
    CLINIC,
    PATIENT,
    SOON,
    STILL_WORTH_KNOWING,
)
from booking_system.notifications.domain.sending import SmsReply
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Stale

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSms:
    """One answer is one transaction: what it does, and what is said about it.

    `vocabulary` returns the words of all languages; who answers has said none.
    """

    talks: Talks
    patients_word: PatientsWord
    vocabulary: Callable[[], Vocabulary]
    clock: Clock

    async def __call__(self, reply: SmsReply) -> None:
        """Do what it says; told again, it changes nothing."""
        async with self.talks.whole():
            if await self.talks.is_new(reply):
                now = self.clock.now()
                heard = await self.talks.hear(reply)
                decision = decide(said_in(reply.text, self.vocabulary()), heard, now=now)
                await self._do(reply, decision, now)

    async def _do(self, reply: SmsReply, decision: Decision, now: datetime) -> None:
        match decision:
            case Confirm(about):
                await self._confirm(reply, about, now)
            case Cancel(about):
                await self._cancel(reply, about, now)
            case Tell(kind, about):
                if not (kind is Kind.HELP_ANSWER and reply.was_answered):
                    await self._tell(reply, kind, about, now)
            case Ask(kind, about):
                await self.talks.tell(reply, [_answer(kind, about[0], now)], asked=about)
            case OptOut(perhaps_meant):
                await self.talks.opt_out(reply)
                await self.talks.close(reply)
                await self.talks.tell(reply, [_notice(one, now) for one in perhaps_meant])
            case OptIn():
                await self.talks.opt_in(reply)
                await self.talks.close(reply)
            case Nothing():
                pass

    async def _confirm(self, reply: SmsReply, about: Told, now: datetime) -> None:
        try:
            await self.patients_word.confirm(
                appointment_id=about.appointment_id,
                patient_id=about.patient_id,
                revision=about.told_revision,
            )
        except (AppointmentNotFound, BookingNotActive, Stale):
            await self._tell(reply, Kind.CHANGED_ANSWER, about, now)
        else:
            await self._tell(reply, Kind.CONFIRMED_ANSWER, about, now)

    async def _cancel(self, reply: SmsReply, about: Told, now: datetime) -> None:
        try:
            card = await self.patients_word.cancel(
                appointment_id=about.appointment_id,
                patient_id=about.patient_id,
                revision=about.told_revision,
            )
        except CancelTooLate:
            await self._tell(reply, Kind.TOO_LATE_ANSWER, about, now)
        except (AppointmentNotFound, BookingNotActive, Stale):
            await self._tell(reply, Kind.CHANGED_ANSWER, about, now)
        else:
            # The very message that is planned for every cancellation, so it is told once.
            told = NewMessage(
                kind=Kind.CANCELLATION,
                channel=Channel.SMS,
                recipient=PATIENT,
                appointment_id=about.appointment_id,
                revision=card.appointment.revision,
                clinic_id=about.clinic_id,
                not_after=about.starts_at + STILL_WORTH_KNOWING,
            )
            await self.talks.close(reply)
            await self.talks.tell(reply, [told])

    async def _tell(self, reply: SmsReply, kind: Kind, about: Told, now: datetime) -> None:
        if kind not in {Kind.HELP_ANSWER, Kind.UNREAD_ANSWER}:
            await self.talks.close(reply)
        await self.talks.tell(reply, [_answer(kind, about, now)])


def _answer(kind: Kind, about: Told, now: datetime) -> NewMessage:
    return NewMessage(
        kind=kind,
        channel=Channel.SMS,
        recipient=PATIENT,
        appointment_id=about.appointment_id,
        revision=about.revision,
        clinic_id=about.clinic_id,
        not_after=now + ANSWER_WITHIN,
        offset_minutes=(about.starts_at - now) // MINUTE,
    )


def _notice(about: Told, now: datetime) -> NewMessage:
    return NewMessage(
        kind=Kind.CANCEL_WORD_NOTICE,
        channel=Channel.EMAIL,
        recipient=CLINIC,
        appointment_id=about.appointment_id,
        revision=about.revision,
        clinic_id=about.clinic_id,
        not_after=now + SOON,
    )
