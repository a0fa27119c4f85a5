"""Patients answer by SMS: what each word does, and that a wrong one is never cancelled."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from pydantic import SecretStr

from booking_system.bootstrap.container import build, close
from booking_system.bootstrap.settings import Settings
from booking_system.notifications.adapters.reports.twilio import TwilioSignature
from booking_system.notifications.adapters.reports_taken import TakeReports
from booking_system.notifications.adapters.talks import MOST_ANSWERS
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.application.sending_ports import AnswerableSmsCarrier
from booking_system.notifications.domain.answers import ANSWER_WITHIN, EXCUSED_FOR, READING
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.sending import (
    Fault,
    NotSentError,
    Report,
    Reported,
    SmsReply,
)
from booking_system.platform.postgres.transaction import Database
from tests.api import NOTHING, Api, Person, code_of
from tests.notifications.conftest import NUMBER, reachable
from tests.notifications.office import SENDERS, Carrier, Office
from tests.notifications.reports.office import PUBLIC_URL, _set
from tests.notifications.reports.test_twilio_reports import REPLIES, TOKENS, signature, told
from tests.notifications.test_messages import FAR
from tests.platform.own_routes import undocumented

OURS = SENDERS[Channel.SMS]
STRANGER = "+4915112349999"
PHONE = "+49301234567"
BEFORE = timedelta(hours=23)
"""The first reminder is out, the second is not due."""


@dataclass
class Visit:
    """A patient's appointment."""

    patient: Person
    booking: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.booking["id"])


@dataclass
class Desk:
    """A number that writes to us, and what it gets."""

    api: Api
    office: Office

    async def visit(
        self,
        *,
        start: datetime = FAR,
        patient: Person | None = None,
        clinic: dict[str, Any] | None = None,
        **about: Any,
    ) -> Visit:
        clinic = clinic or await self.api.clinic(email="desk@example.com", phone=PHONE, **about)
        slot = await self.api.slot(clinic, start=start)
        patient = patient or await reachable(self.api)
        answer = await self.api.book(slot, patient)
        assert answer.status_code == 201, answer.text
        return Visit(patient, answer.json())

    async def reminded(self, **about: Any) -> Visit:
        """Of one appointment, whose reminder is out."""
        visit = await self.visit(**about)
        await self.remind()
        return visit

    async def remind(self, start: datetime = FAR) -> None:
        self.office.clock.shift = start - BEFORE - datetime.now(UTC)
        await self.office.work()
        self.office.email.arrived.clear()

    async def says(
        self, text: str, *, number: str = NUMBER, to: str = OURS, **about: Any
    ) -> list[str]:
        """Say something; return what came back by SMS."""
        before = len(self.office.sms.arrived)
        await self.office.answer(said(self.office, text, number=number, to=to, **about))
        await self.office.work()
        return [one.letter.text for one in self.office.sms.arrived[before:]]

    async def hears(self, text: str, **about: Any) -> list[str]:
        """The same; return of which kinds it was."""
        return [one.partition(" ")[0] for one in await self.says(text, **about)]

    async def read(self, visit: Visit) -> dict[str, Any]:
        answer = await self.api.get(f"/v1/bookings/{visit.id}", visit.patient)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def status(self, visit: Visit) -> str:
        return str((await self.read(visit))["status"])

    async def has_confirmed(self, visit: Visit) -> bool:
        return (await self.read(visit))["patient_confirmed_at"] is not None

    async def cancel(self, visit: Visit) -> None:
        answer = await self.api.post(f"/v1/bookings/{visit.id}/cancel", {}, visit.patient)
        assert answer.status_code == 200, answer.text

    async def move(self, visit: Visit) -> None:
        doctor = {"id": visit.booking["doctor"]["id"]}
        (slot,) = await self.api.slots(doctor, start=FAR + timedelta(hours=2))
        answer = await self.api.post(
            f"/v1/bookings/{visit.id}/reschedule", {"time_slot_id": slot["id"]}, visit.patient
        )
        assert answer.status_code == 200, answer.text

    def later(self, by: timedelta = READING) -> None:
        self.office.clock.shift += by

    async def is_blocked(self, number: str = NUMBER) -> bool:
        async with self.office.database.reading() as connection:
            blocked = await self.office.recipients.blocked(connection, Channel.SMS, number)
        return blocked is Skipped.OPTED_OUT


def said(
    office: Office, text: str, *, number: str = NUMBER, to: str = OURS, **about: Any
) -> SmsReply:
    given = {"provider": "twilio", "event_id": f"SM{uuid4().hex}", "at": office.clock.now()}
    return SmsReply(sender=number, to=to, text=text, **(given | about))


@pytest.fixture
def desk(api: Api, office: Office) -> Desk:
    return Desk(api, office)


@pytest.mark.parametrize("text", ["C", "c", " C. ", "“C”!", "\N{FULLWIDTH LATIN CAPITAL LETTER C}"])
async def test_c_confirms(desk: Desk, text: str) -> None:
    visit = await desk.reminded()
    assert await desk.hears(text) == ["confirmed_answer"]
    shown = await desk.read(visit)
    assert (shown["status"], shown["patient_confirmed_at"] is not None) == ("confirmed", True)
    assert shown["version"] == visit.booking["version"] + 1


async def test_the_clinic_sees_who_confirmed_and_nobody_is_called_by_a_name(desk: Desk) -> None:
    visit, other = await desk.reminded(), await desk.visit(patient=await reachable(desk.api))
    await desk.says("C")
    clinic_id = visit.booking["clinic"]["id"]
    staff = await desk.api.receptionist(clinic_id)
    listed = await desk.api.get("/v1/bookings", staff, clinic_id=clinic_id)
    (shown,) = listed.json()["items"]
    assert shown["patient_confirmed_at"] is not None
    day = await desk.api.get(
        f"/v1/clinics/{clinic_id}/day", staff, date=shown["local_starts_at"][:10]
    )
    assert day.status_code == 200, day.text
    assert shown["patient_confirmed_at"] in day.text
    history = await desk.api.get(f"/v1/bookings/{visit.id}/history", staff)
    last = history.json()["items"][-1]
    assert (last["action"], last["by"]) == ("patient_confirmed", "patient")
    assert not await desk.has_confirmed(other)
    messages = await desk.api.get(f"/v1/bookings/{visit.id}/notifications", staff)
    assert "confirmed_answer" in [one["kind"] for one in messages.json()["items"]]


async def test_a_second_c_changes_nothing(desk: Desk) -> None:
    visit = await desk.reminded()
    await desk.says("C")
    version = (await desk.read(visit))["version"]
    desk.later()
    assert await desk.hears("C") == []
    assert (await desk.read(visit))["version"] == version


async def test_a_move_takes_the_confirmation_back(desk: Desk) -> None:
    visit = await desk.reminded()
    await desk.says("C")
    await desk.move(visit)
    assert not await desk.has_confirmed(visit)


async def test_x_asks_and_a_second_x_cancels(desk: Desk) -> None:
    visit = await desk.reminded()
    assert await desk.hears("X") == ["cancel_question"]
    assert await desk.status(visit) == "confirmed"
    desk.later()
    assert await desk.hears(" x.") == ["cancellation"]
    shown = await desk.read(visit)
    assert (shown["status"], shown["cancelled_by"]) == ("cancelled", "patient")
    await desk.office.work()
    # The mail of every cancellation goes as well, and the clinic is told.
    assert sorted(desk.office.email.kinds) == ["cancellation", "staff_notice"]
    assert desk.office.sms.kinds == ["reminder", "cancel_question", "cancellation"]
    desk.later()
    assert await desk.hears("X") == ["unread_answer"]


async def test_a_cancellation_on_the_last_day_is_told_once_by_sms(desk: Desk) -> None:
    await desk.reminded()
    desk.later(BEFORE - timedelta(hours=3))
    await desk.says("X")
    desk.later()
    assert await desk.hears("X") == ["cancellation"]
    await desk.office.work()
    assert desk.office.sms.kinds.count("cancellation") == 1


async def test_an_x_that_was_sent_twice_is_one(desk: Desk) -> None:
    visit = await desk.reminded()
    # The second one is there before the question is out, and then before it was read.
    await desk.office.answer(said(desk.office, "X"))
    desk.later()
    await desk.office.answer(said(desk.office, "X"))
    await desk.office.work()
    assert desk.office.sms.kinds == ["reminder", "cancel_question"]
    assert await desk.status(visit) == "confirmed"
    desk.later(ANSWER_WITHIN + timedelta(seconds=1))
    assert await desk.hears("X") == ["cancel_question"]
    assert await desk.hears("X") == []
    assert await desk.status(visit) == "confirmed"


async def test_a_late_second_answer_asks_again(desk: Desk) -> None:
    visit = await desk.reminded()
    await desk.says("X")
    desk.later(ANSWER_WITHIN + timedelta(seconds=1))
    assert await desk.hears("X") == ["cancel_question"]
    assert await desk.status(visit) == "confirmed"
    desk.later(ANSWER_WITHIN - timedelta(minutes=1))
    assert await desk.hears("X") == ["cancellation"]


async def test_c_answers_the_question_too(desk: Desk) -> None:
    visit = await desk.reminded()
    await desk.says("X")
    desk.later()
    assert await desk.hears("C") == ["confirmed_answer"]
    desk.later(timedelta(minutes=1))
    assert await desk.hears("X") == ["cancel_question"]
    assert await desk.status(visit) == "confirmed"
    assert await desk.has_confirmed(visit)


@pytest.mark.parametrize("change", ["cancel", "move"])
async def test_what_changed_between_question_and_answer_stays_as_it_is(
    desk: Desk, change: str
) -> None:
    visit = await desk.reminded()
    await desk.says("X")
    await getattr(desk, change)(visit)
    await desk.office.work()
    was = await desk.read(visit)
    desk.later()
    assert await desk.hears("X") == ["changed_answer"]
    assert await desk.read(visit) == was


async def test_an_answer_to_a_reminder_of_another_time_is_told_so(desk: Desk) -> None:
    visit = await desk.reminded()
    await desk.move(visit)
    for word in ("C", "X"):
        desk.later(timedelta(minutes=1))
        assert await desk.hears(word) == ["changed_answer"]
    assert not await desk.has_confirmed(visit)


async def test_behind_the_clinics_window_nobody_cancels_by_sms(desk: Desk) -> None:
    visit = await desk.reminded(policy={"cancel_notice_minutes": 24 * 60})
    assert await desk.hears("X") == ["too_late_answer"]
    desk.later()
    assert await desk.hears("X") == []
    assert await desk.status(visit) == "confirmed"
    assert await desk.hears("C") == ["confirmed_answer"]


async def test_a_window_that_ends_between_question_and_answer(desk: Desk) -> None:
    visit = await desk.reminded(policy={"cancel_notice_minutes": 23 * 60 - 1})
    assert await desk.hears("X") == ["cancel_question"]
    desk.later(timedelta(minutes=2))
    assert await desk.hears("X") == ["too_late_answer"]
    assert await desk.status(visit) == "confirmed"


@pytest.mark.parametrize(
    "text",
    ["STOP", " stop. ", "StopAll", "UNSUBSCRIBE", "End", "QUIT", "CANCEL", " cancel ", "Cancel.",
     "revoke", "Opt out", "Abmelden"],
)  # fmt: skip
async def test_an_opt_out_ends_sms_and_cancels_nothing(desk: Desk, text: str) -> None:
    visit = await desk.reminded()
    await desk.says("X")
    assert await desk.hears(text) == []
    assert await desk.is_blocked()
    desk.later()
    # The question is not open any more.
    assert await desk.hears("X") == []
    assert await desk.status(visit) == "confirmed"
    is_cancel_word = "cancel" in text.lower()
    assert desk.office.email.kinds == ["cancel_word_notice"] * is_cancel_word


@pytest.mark.parametrize("text", ["START", "unstop", "Yes."])
async def test_sms_are_wanted_again(desk: Desk, text: str) -> None:
    await desk.reminded()
    await desk.says("STOP")
    assert await desk.hears(text) == []
    assert not await desk.is_blocked()
    assert await desk.hears("C") == ["confirmed_answer"]


async def test_who_comes_back_is_asked_anew(desk: Desk) -> None:
    await desk.reminded()
    await desk.says("STOP")
    assert await desk.hears("X") == []
    desk.later(timedelta(minutes=1))
    await desk.says("START")
    assert await desk.hears("X") == ["cancel_question"]


async def test_a_question_that_never_went_out_is_answered_by_nothing(desk: Desk) -> None:
    visit = await desk.reminded()
    await desk.office.answer(said(desk.office, "X"))
    desk.later(timedelta(minutes=1))
    assert await desk.hears("X") == ["cancel_question"]
    assert await desk.status(visit) == "confirmed"


async def test_a_question_that_was_answered_before_it_went_does_not_go(desk: Desk) -> None:
    await desk.reminded()
    await desk.office.answer(said(desk.office, "X"))
    assert await desk.hears("C") == ["confirmed_answer"]


async def test_an_answer_that_cannot_be_brought_is_not_mailed(desk: Desk) -> None:
    await desk.reminded()

    async def refuse(_: object) -> None:
        raise NotSentError(Fault.RECIPIENT, "21614")

    with patch.object(desk.office.sms, "on_open", refuse):
        assert await desk.hears("C") == []
    await desk.office.work()
    answers = [row for row in await desk.office.rows() if row["kind"] == "confirmed_answer"]
    assert [(row["channel"], row["state"]) for row in answers] == [("sms", "failed")]


async def test_yes_is_no_answer_to_a_question(desk: Desk) -> None:
    """Providers take it for an opt-in."""
    visit = await desk.reminded()
    await desk.says("X")
    desk.later()
    assert await desk.hears("YES") == ["unread_answer"]
    assert await desk.status(visit) == "confirmed"
    assert not await desk.has_confirmed(visit)


@pytest.mark.parametrize("text", ["HELP", "help!", "Info", "Hilfe"])
async def test_help_is_answered_unless_the_provider_did(desk: Desk, text: str) -> None:
    await desk.reminded()
    assert await desk.hears(text, was_answered=True) == []
    assert await desk.hears(text) == ["help_answer"]


@pytest.mark.parametrize("text", ["I will be late", "", "CX", "C0", "ja", "1", "🙂", "X please"])
async def test_anything_else_is_excused_once_a_day(desk: Desk, text: str) -> None:
    visit = await desk.reminded()
    assert await desk.hears(text) == ["unread_answer"]
    desk.later(timedelta(hours=10))
    assert await desk.hears("and now?") == []
    desk.later(EXCUSED_FOR)
    assert await desk.hears(text) == ["unread_answer"]
    assert await desk.status(visit) == "confirmed"


async def test_a_number_that_we_never_wrote_to_is_not_written_to(desk: Desk) -> None:
    visit = await desk.reminded()
    for word in ("C", "X", "HELP", "hello"):
        assert await desk.hears(word, number=STRANGER) == []
        assert await desk.hears(word, to="+4930999999") == []
    assert not await desk.has_confirmed(visit)
    await desk.says("STOP", number=STRANGER)
    assert await desk.is_blocked(STRANGER)
    assert not await desk.is_blocked()


async def test_a_number_that_is_not_the_patients_any_more_answers_for_nobody(desk: Desk) -> None:
    visit = await desk.reminded()
    async with desk.office.database.driver_transaction() as connection:
        await connection.execute("UPDATE patients SET phone = $1", STRANGER)
    for number in (NUMBER, STRANGER):
        assert await desk.hears("C", number=number) == []
    assert not await desk.has_confirmed(visit)


async def family(desk: Desk, *, apart: timedelta) -> tuple[Visit, Visit]:
    """Two patients with one telephone, both reminded."""
    clinic = await desk.api.clinic(email="desk@example.com", phone=PHONE)
    one = await desk.visit(clinic=clinic)
    other = await desk.visit(clinic=clinic, start=FAR + apart)
    await desk.remind(FAR + apart)
    assert len(desk.office.sms.arrived) == 2
    return one, other


async def test_a_family_is_asked_which(desk: Desk) -> None:
    one, other = await family(desk, apart=timedelta(minutes=30))
    assert await desk.hears("X") == ["which_to_cancel"]
    desk.later()
    assert await desk.hears("x 2") == ["cancel_question"]
    assert desk.office.sms.arrived[-1].appointment_id.hex == other.id.replace("-", "")
    desk.later()
    assert await desk.hears("X") == ["cancellation"]
    assert (await desk.status(one), await desk.status(other)) == ("confirmed", "cancelled")


async def test_another_number_does_not_answer_a_question(desk: Desk) -> None:
    one, other = await family(desk, apart=timedelta(minutes=30))
    await desk.says("X")
    desk.later(timedelta(minutes=1))
    assert await desk.hears("X1") == ["cancel_question"]
    desk.later(timedelta(minutes=1))
    assert await desk.hears("X2") == ["which_to_cancel"]
    desk.later(timedelta(minutes=1))
    assert await desk.hears("X2") == ["cancel_question"]
    assert (await desk.status(one), await desk.status(other)) == ("confirmed", "confirmed")


async def test_a_family_confirms_one_by_its_number_and_then_the_other(desk: Desk) -> None:
    one, other = await family(desk, apart=timedelta(minutes=30))
    assert await desk.hears("C") == ["which_to_confirm"]
    assert await desk.hears("C3") == []
    assert await desk.hears("C2") == ["confirmed_answer"]
    assert not await desk.has_confirmed(one)
    assert await desk.has_confirmed(other)
    assert await desk.hears("C") == ["confirmed_answer"]
    assert await desk.has_confirmed(one)


async def test_visits_of_one_time_cannot_be_told_apart_so_nothing_is_done(desk: Desk) -> None:
    one, other = await family(desk, apart=timedelta(0))
    assert await desk.hears("X") == ["unread_answer"]
    desk.later()
    assert await desk.hears("X2") == []
    assert await desk.hears("C") == []
    for visit in (one, other):
        assert await desk.status(visit) == "confirmed"
        assert not await desk.has_confirmed(visit)


async def test_a_choice_that_changed_meanwhile_is_not_another(desk: Desk) -> None:
    one, other = await family(desk, apart=timedelta(minutes=30))
    await desk.says("X")
    await desk.cancel(one)
    desk.later()
    assert await desk.hears("X1") == ["changed_answer"]
    assert await desk.status(other) == "confirmed"


async def test_another_reminder_behind_the_question_makes_it_unclear(desk: Desk) -> None:
    first = await desk.visit()
    second = await desk.visit(patient=first.patient, start=FAR + timedelta(minutes=30))
    desk.office.clock.shift = FAR - timedelta(hours=24) - datetime.now(UTC)
    await desk.office.work()
    assert await desk.hears("X") == ["cancel_question"]
    desk.later(timedelta(minutes=31))
    await desk.office.work()
    assert desk.office.sms.kinds == ["reminder", "cancel_question", "reminder"]
    assert await desk.hears("X") == ["which_to_cancel"]
    assert await desk.hears("C") == ["which_to_confirm"]
    assert await desk.status(first) == await desk.status(second) == "confirmed"


async def test_four_visits_are_too_many_to_choose_from(desk: Desk) -> None:
    first = await desk.visit()
    for place in (1, 2, 3):
        await desk.visit(patient=first.patient, start=FAR + place * timedelta(minutes=30))
    await desk.remind(FAR + timedelta(minutes=90))
    assert desk.office.sms.kinds == ["reminder"] * 4
    assert await desk.hears("X") == ["unread_answer"]


async def test_a_replay_is_one_answer_also_at_the_same_time(desk: Desk) -> None:
    visit = await desk.reminded()
    question = said(desk.office, "X")
    await asyncio.gather(*(desk.office.answer(question) for _ in range(20)))
    await desk.office.work()
    desk.later()
    await asyncio.gather(*(desk.office.answer(question) for _ in range(20)))
    assert await desk.status(visit) == "confirmed"
    answer = said(desk.office, "X")
    await asyncio.gather(*(desk.office.answer(answer) for _ in range(20)))
    await desk.office.work()
    assert await desk.status(visit) == "cancelled"
    assert desk.office.sms.kinds == ["reminder", "cancel_question", "cancellation"]
    async with desk.office.database.reading() as connection:
        assert await connection.fetchval("SELECT count(*) FROM message_reports") == 2
        assert await connection.fetchval("SELECT answers FROM sms_talks") == 1


async def test_twenty_different_words_at_once_confirm_once(desk: Desk) -> None:
    visit = await desk.reminded()
    await asyncio.gather(*(desk.office.answer(said(desk.office, "C")) for _ in range(8)))
    assert (await desk.read(visit))["version"] == visit.booking["version"] + 1


async def test_an_answer_that_fails_half_way_is_not_half_done(desk: Desk) -> None:
    visit = await desk.reminded()
    reply = said(desk.office, "C")
    with (
        patch.object(type(desk.office.talks), "tell", side_effect=LookupError),
        pytest.raises(LookupError),
    ):
        await desk.office.answer(reply)
    assert not await desk.has_confirmed(visit)
    await desk.office.answer(reply)
    assert await desk.has_confirmed(visit)


async def test_two_machines_do_not_write_to_each_other_for_ever(desk: Desk) -> None:
    await desk.reminded()
    got = 0
    for _ in range(MOST_ANSWERS + 5):
        desk.later(timedelta(minutes=1))
        got += len(await desk.hears("HELP"))
    assert got == MOST_ANSWERS


async def test_an_answer_wakes_whom_it_answers_and_nobody_else(desk: Desk) -> None:
    """It comes in quiet hours, and although SMS are not wished for otherwise."""
    visit = await desk.reminded()
    night = FAR.replace(hour=2, minute=0)
    desk.office.clock.shift = night - datetime.now(UTC)
    async with desk.office.database.driver_transaction() as connection:
        await connection.execute(
            "INSERT INTO notification_preferences"
            " VALUES ($1, true, false, true, 0, 1439, 1, now())",
            visit.patient.patient_id,
        )
    assert await desk.hears("C") == ["confirmed_answer"]
    assert desk.office.email.arrived == []


async def test_an_opt_out_that_the_provider_tells_of_stops_answers(desk: Desk) -> None:
    visit = await desk.reminded()
    take = TakeReports(
        database=desk.office.database,
        recipients=desk.office.recipients,
        identities=desk.office.talks.identities,
        clock=desk.office.clock,
        answer=desk.office.answer,
    )
    report = Report(
        provider="twilio",
        event_id="SM1:STOP",
        channel=Channel.SMS,
        reported=Reported.OPTED_OUT,
        at=desk.office.clock.now(),
        recipient=NUMBER,
        sender=OURS,
    )
    await take([said(desk.office, "Ende", was_answered=True), report])
    assert await desk.hears("X") == []
    assert ("cancel_question", "sms", "skipped", "opted_out") in [
        (row["kind"], row["channel"], row["state"], row["reason"])
        for row in await desk.office.rows()
    ]
    assert await desk.status(visit) == "confirmed"


async def test_the_words_name_clinic_and_time_and_no_person(api: Api, database: Database) -> None:
    office = Office(database, email=Carrier("mail"), sms=Carrier("sms"), writer=TemplateWriter())
    desk = Desk(api, office)
    await family(desk, apart=timedelta(minutes=30))
    (which,) = await desk.says("X")
    desk.later()
    (sure,) = await desk.says("X1")
    desk.later()
    (gone,) = await desk.says("X")
    desk.later()
    (thanks,) = await desk.says("C")
    first, second = FAR.astimezone(), FAR.astimezone() + timedelta(minutes=30)
    assert f":{first.minute:02}" in which
    assert f":{second.minute:02}" in which
    assert "X1:" in which
    assert "X2:" in which
    assert "reply X once more" in sure
    for text in (which, sure, gone, thanks):
        assert text.startswith("Example Clinic: ")
        assert "Patient" not in text
        assert "Doctor" not in text


@pytest.fixture
async def hooks(api: Api, office: Office) -> AsyncIterator[Api]:
    """The application's own hooks, with an office behind them that sends."""
    routes = api.container.notifications.report_routes()
    twilio = TwilioSignature([SecretStr(token) for token in TOKENS], public_url=PUBLIC_URL)
    take = TakeReports(
        database=office.database,
        recipients=office.recipients,
        identities=office.talks.identities,
        clock=office.clock,
        answer=office.answer,
    )
    with (
        patch.object(routes.twilio, "_tokens", twilio._tokens),
        patch.object(routes.twilio, "_origins", twilio._origins),
        _set(routes, sink=take, clock=office.clock),
    ):
        async with undocumented(api):
            yield api


def inbound(text: str, **about: Any) -> bytes:
    usual = {"MessageSid": f"SM{uuid4().hex}", "From": NUMBER, "To": OURS, "Body": text}
    return urlencode(usual | about).encode()


async def test_from_twilios_hook_to_the_calendar(hooks: Api, office: Office) -> None:
    desk = Desk(hooks, office)
    visit = await desk.reminded()
    body = inbound("C")
    forged = await told(hooks, REPLIES, body, signature(REPLIES, inbound("C")))
    assert code_of(forged) == (400, "invalid_signature")
    assert not await desk.has_confirmed(visit)
    answers = await asyncio.gather(*(told(hooks, REPLIES, body) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {204}
    assert await desk.has_confirmed(visit)
    await office.work()
    assert office.sms.kinds == ["reminder", "confirmed_answer"]
    # Where Twilio has answered itself, we do not.
    for word in ("HELP", "STOP"):
        await told(hooks, REPLIES, inbound(word, OptOutType=word))
    await office.work()
    assert len(office.sms.arrived) == 2
    assert await desk.is_blocked()


async def test_a_messaging_service_writes_from_any_of_its_numbers(
    hooks: Api, office: Office
) -> None:
    desk = Desk(hooks, office)
    with patch.dict(office.recipients.senders, {Channel.SMS: f"MG{'a' * 32}"}):
        visit = await desk.reminded()
        await told(hooks, REPLIES, inbound("C", To="+4930555555"))
        assert await desk.has_confirmed(visit)
        await told(hooks, REPLIES, inbound("STOP", To="+4930555555"))
        assert await desk.is_blocked()


async def test_the_application_answers(api: Api, office: Office) -> None:
    """With what the composition root has put together."""
    desk, own = Desk(api, office), api.container.notifications
    visit = await desk.reminded()
    recipients, routes = own.recipients(), own.report_routes()
    async with office.database.driver_transaction() as connection:
        await connection.execute(
            "UPDATE message_ledger SET sent_to = $1 WHERE sent_to IS NOT NULL",
            recipients.names_of(Channel.SMS, NUMBER)[0],
        )
    twilio = TwilioSignature([SecretStr(token) for token in TOKENS], public_url=PUBLIC_URL)
    with (
        patch.dict(recipients.senders, {Channel.SMS: OURS}),
        patch.object(routes.twilio, "_tokens", twilio._tokens),
        patch.object(routes.twilio, "_origins", twilio._origins),
    ):
        async with undocumented(api):
            answer = await told(api, REPLIES, inbound("C"))
            assert answer.status_code == 204
            assert await desk.has_confirmed(visit)


@pytest.mark.parametrize(
    ("url", "can_reply", "is_polled"),
    [
        ("outbox:", False, False),
        (f"twilio://AC{'0' * 32}:token@api.twilio.com?from={OURS}", True, False),
        (f"twilio://AC{'0' * 32}:token@api.twilio.com?from=Praxis", False, False),
        ("sns://eu-central-1?from=Praxis", False, True),
    ],
)
async def test_what_settings_make_of_it(
    url: str, can_reply: bool, is_polled: bool, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=NOTHING.database_url,
        secret_key=NOTHING.secret_key,
        sms_url=SecretStr(url),
        data_dir=tmp_path,
    )
    container = build(settings)
    own = container.notifications
    assert own.letters().can_reply is can_reply
    assert (own.opt_outs().listed is not None) is is_polled
    assert [one for one in container.jobs() if one is own.asking() or one is own.opt_outs()] == [
        own.asking(),
        own.opt_outs(),
    ]
    assert isinstance(own.carriers().sms, AnswerableSmsCarrier) is url.startswith("twilio")
    await close(container)
