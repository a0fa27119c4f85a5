"""Calendar feeds as iCalendar (RFC 5545, RFC 7986): published, to be read and never answered.

An event has the name that the mails about its appointment give it, so a calendar that has both does
not show it twice. No organizer and no attendee: a feed invites nobody. Times are UTC.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID

from icalendar import Calendar, Event, vDuration

from booking_system.integrations.domain.calendar_feed import (
    AppointmentEntry,
    BusyEntry,
    CalendarContent,
    FeedScope,
)
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.period import Period

PRODUCT: Final = "-//Booking System//Calendar feeds//EN"
FORM: Final = 1
"""Raise it where the same content is written otherwise: calendars then read it anew."""
REFRESH: Final = timedelta(hours=1)
"""A wish: Google comes some times a day and does not ask for it."""
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "appointment": "Appointment",
        "appointments": "Appointments",
        "time_off": "Time off",
        "closure": "Clinic closed",
        Mode.IN_PERSON: "In person",
        Mode.ONLINE: "Online",
        Mode.PHONE: "By phone",
    },
    "de": {
        "appointment": "Termin",
        "appointments": "Termine",
        "time_off": "Abwesend",
        "closure": "Praxis geschlossen",
        Mode.IN_PERSON: "Vor Ort",
        Mode.ONLINE: "Online",
        Mode.PHONE: "Telefonisch",
    },
}


def digest_of(content: CalendarContent) -> bytes:
    """Return what differs wherever the calendar would be written otherwise."""
    return blake2b(repr((FORM, content)).encode(errors="replace"), digest_size=16).digest()


def calendar_of(content: CalendarContent) -> bytes:
    """Write it; the same content gives the same bytes."""
    words = WORDS.get((content.locale or "en").partition("-")[0].lower(), WORDS["en"])
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    name = one_line(content.name or words["appointments"])
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    for one in content.appointments:
        calendar.add_component(_appointment(one, content.scope, words))
    for other in content.busy:
        calendar.add_component(_busy(other, words))
    written: bytes = calendar.to_ical()
    return written


def one_line(text: str) -> str:
    """Return the text without line breaks and other control characters."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _event(identity: UUID, sequence: int, made_at: datetime, period: Period) -> Event:
    event = Event()
    event.add("uid", f"{identity}@booking-system")
    event.add("sequence", sequence)
    stamp = made_at.astimezone(UTC) + timedelta(seconds=sequence)
    event.add("dtstamp", stamp.replace(microsecond=0))
    event.add("dtstart", period.starts_at.astimezone(UTC))
    event.add("dtend", period.ends_at.astimezone(UTC))
    return event


def _appointment(one: AppointmentEntry, scope: FeedScope, words: Mapping[str, str]) -> Event:
    event = _event(one.id, one.revision, one.booked_at, one.period)
    event.add("status", "CANCELLED" if one.is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if one.is_cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    if scope is FeedScope.PATIENT:
        event.add("summary", f"{words['appointment']}: {one_line(one.clinic_name)}")
        event.add("description", f"{one_line(one.with_whom or '')}, {words[one.mode]}")
        if one.mode is Mode.IN_PERSON and one.clinic_address:
            event.add("location", one_line(one.clinic_address))
    else:
        whom = one_line(one.with_whom or "")
        event.add("summary", f"{words['appointment']}: {whom}" if whom else words["appointment"])
        event.add("description", words[one.mode])
    return event


def _busy(one: BusyEntry, words: Mapping[str, str]) -> Event:
    event = _event(one.id, one.version, one.made_at, one.period)
    event.add("status", "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("x-microsoft-cdo-busystatus", "OOF")
    event.add("summary", words["closure" if one.is_closure else "time_off"])
    return event
