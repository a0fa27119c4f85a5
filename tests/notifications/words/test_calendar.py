"""A patient's calendar follows the appointment, in whatever order mails arrive."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from itertools import permutations
from typing import Any

import pytest
from icalendar import Calendar, Event

from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.domain.letter import CalendarMethod, CalendarPart
from booking_system.notifications.domain.message import Kind
from tests.notifications.words.samples import (
    ACCOUNT_KINDS,
    FACTS,
    MANAGE,
    SERVICE,
    an_account_message,
    an_appointment_message,
)

WRITER = TemplateWriter()
LATER = timedelta(days=1)
ORDERS = list(permutations(range(3)))


def part_of(kind: Kind, *, revision: int = 1, **about: Any) -> CalendarPart:
    facts = {"revision": revision, **about.pop("facts", {})}
    part = WRITER.email(an_appointment_message(kind, facts=facts, **about)).calendar
    assert part is not None
    return part


def event_in(part: CalendarPart) -> Event:
    calendar = Calendar.from_ical(part.content)
    (event,) = calendar.walk("VEVENT")
    assert isinstance(event, Event)
    return event


@dataclass
class CalendarProgram:
    """What RFC 5546 wants of a calendar that gets requests and cancellations of single events.

    A higher SEQUENCE wins, and the later DTSTAMP of two that are the same (2.1.5). Programs differ
    in one thing that the RFC leaves open: whether they remember a cancellation of an event that
    they do not have.
    """

    remembers_the_unknown: bool
    known: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    shown: dict[str, datetime] = field(default_factory=dict)

    def take(self, part: CalendarPart) -> None:
        calendar, event = Calendar.from_ical(part.content), event_in(part)
        uid = str(event["UID"])
        at = (int(event["SEQUENCE"]), event.decoded("DTSTAMP"))
        if uid in self.known and at <= self.known[uid]:
            return
        if calendar["METHOD"] == "CANCEL":
            if uid not in self.known and not self.remembers_the_unknown:
                return
            self.shown.pop(uid, None)
        else:
            self.shown[uid] = event.decoded("DTSTART")
        self.known[uid] = at


LIFE = (
    part_of(Kind.CONFIRMATION, revision=1),
    part_of(
        Kind.CHANGE,
        revision=2,
        facts={"starts_at": FACTS.starts_at + LATER, "ends_at": FACTS.ends_at + LATER},
        # The clinic has another name, zone and address, the patient too: still the same event.
        clinic={"name": "New Name", "time_zone": "Europe/Berlin", "address": None},
        recipient_locale="de",
    ),
    part_of(
        Kind.CANCELLATION,
        revision=3,
        facts={"starts_at": FACTS.starts_at + LATER, "ends_at": FACTS.ends_at + LATER},
    ),
)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_whatever_arrives_first_the_event_is_gone_in_the_end(order: tuple[int, ...]) -> None:
    program = CalendarProgram(remembers_the_unknown=True)
    for index in order:
        program.take(LIFE[index])
    assert program.shown == {}
    assert len(program.known) == 1


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_a_program_that_forgets_is_led_astray_only_by_a_cancellation_before_all(
    order: tuple[int, ...],
) -> None:
    """Which is why a request is never sent, nor sent again, after a cancellation."""
    program = CalendarProgram(remembers_the_unknown=False)
    for index in order:
        program.take(LIFE[index])
    assert bool(program.shown) is (order[0] == 2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0), (1, 0, 1)])
@pytest.mark.parametrize("remembers", [True, False])
def test_a_move_moves_the_one_event(order: tuple[int, ...], remembers: bool) -> None:
    program = CalendarProgram(remembers_the_unknown=remembers)
    for index in order:
        program.take(LIFE[index])
    assert list(program.shown.values()) == [FACTS.starts_at + LATER]


def test_a_mail_that_comes_twice_changes_nothing() -> None:
    again = part_of(Kind.CONFIRMATION, revision=1)
    assert again.content == LIFE[0].content


def test_stamps_grow_with_revisions() -> None:
    stamps = [event_in(part).decoded("DTSTAMP") for part in LIFE]
    assert stamps == sorted(set(stamps))
    assert all(stamp.tzinfo is not None for stamp in stamps)


@pytest.mark.parametrize(
    ("kind", "method", "status"),
    [
        (Kind.CONFIRMATION, "REQUEST", "CONFIRMED"),
        (Kind.CHANGE, "REQUEST", "CONFIRMED"),
        (Kind.CANCELLATION, "CANCEL", "CANCELLED"),
    ],
)
def test_what_calendars_in_use_want_to_see(kind: Kind, method: str, status: str) -> None:
    part = part_of(kind, revision=4)
    assert part.method is CalendarMethod(method)
    lines = part.content.replace(b"\r\n ", b"").decode().split("\r\n")
    assert lines[-1] == ""
    assert f"METHOD:{method}" in lines[: lines.index("BEGIN:VEVENT")]
    assert f"STATUS:{status}" in lines
    assert "SEQUENCE:4" in lines
    assert "DTSTART:20261127T083000Z" in lines
    assert "DTEND:20261127T090000Z" in lines
    assert f"UID:{FACTS.id}@booking-system" in lines
    assert 'ORGANIZER;CN="Example Clinic":mailto:clinic@mail.example.com' in lines
    (attendee,) = [line for line in lines if line.startswith("ATTENDEE")]
    assert attendee.endswith(":mailto:priya@example.org")
    assert "TZID" not in part.content.decode()
    assert "VALARM" not in part.content.decode()
    assert all(len(line) <= 75 for line in part.content.split(b"\r\n"))


def test_it_goes_through_a_mail_unharmed() -> None:
    mail = EmailMessage(policy=SMTP)
    mail.set_content("text")
    part = part_of(Kind.CONFIRMATION, clinic={"name": "Zahnärzte ☂ " + "Süd" * 30})
    mail.add_alternative(
        part.content, maintype="text", subtype="calendar", params={"method": part.method.value}
    )
    read = message_from_bytes(mail.as_bytes(), policy=SMTP)
    (_, calendar) = read.iter_parts()
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_payload(decode=True) == part.content
    assert "Zahnärzte ☂ SüdSüd" in str(event_in(part)["SUMMARY"])


def test_names_can_break_nothing() -> None:
    evil = 'A "B" ^ C;D:E\r\nATTENDEE:mailto:all@example.com\r\nEND:VEVENT'
    part = part_of(
        Kind.CONFIRMATION,
        clinic={"name": evil, "address": evil, "phone": evil},
        recipient_name=evil,
        facts={"doctor_name": evil},
    )
    event = event_in(part)
    assert str(event["ATTENDEE"]) == "mailto:priya@example.org"
    assert event["ATTENDEE"].params["CN"] == (
        "A B C;D:E ATTENDEE:mailto:all@example.com END:VEVENT"
    )
    assert b"^" not in part.content.partition(b"SUMMARY")[0]
    assert part.content.count(b"\r\nEND:VEVENT") == 1
    assert part.content.count(b"\r\nATTENDEE") == 1


def test_a_calendar_tells_passers_by_nothing_of_medicine() -> None:
    event = event_in(part_of(Kind.CONFIRMATION))
    assert event["SUMMARY"] == "Appointment at Example Clinic"
    assert SERVICE.encode() not in part_of(Kind.CONFIRMATION).content
    assert event["LOCATION"] == "Example Clinic, 12 Hill Road, Mumbai 400050"
    assert MANAGE in str(event["DESCRIPTION"])
    german = event_in(part_of(Kind.CONFIRMATION, recipient_locale="de"))
    assert german["SUMMARY"] == "Termin: Example Clinic"


def test_the_service_is_named_where_that_is_wished() -> None:
    part = TemplateWriter(service_in_calendar=True).email(an_appointment_message()).calendar
    assert part is not None
    assert event_in(part)["SUMMARY"] == "Root canal, Example Clinic"


@pytest.mark.parametrize(("mode", "told"), [("online", "Online, by video"), ("phone", "By phone")])
def test_the_place_of_a_call(mode: str, told: str) -> None:
    assert event_in(part_of(Kind.CONFIRMATION, facts={"mode": mode}))["LOCATION"] == told


def test_times_with_another_offset_are_told_in_utc() -> None:
    local = FACTS.starts_at.astimezone(UTC).replace(tzinfo=None) + timedelta(hours=5, minutes=30)
    offset = datetime.fromisoformat(f"{local.isoformat()}+05:30")
    part = part_of(Kind.CONFIRMATION, facts={"starts_at": offset, "booked_at": offset})
    assert b"DTSTART:20261127T083000Z" in part.content
    assert b"DTSTAMP:20261127T083001Z" in part.content


def test_only_what_changes_a_patients_calendar_has_a_part() -> None:
    for kind in (Kind.REMINDER, Kind.STAFF_NOTICE):
        assert WRITER.email(an_appointment_message(kind)).calendar is None
    for kind in ACCOUNT_KINDS:
        assert WRITER.email(an_account_message(kind)).calendar is None
    assert WRITER.email(an_appointment_message(recipient_email=None)).calendar is None
