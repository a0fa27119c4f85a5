"""The part of a mail by which a patient's calendar follows the appointment (RFC 5545, 5546, 6047).

What calendars in use need beyond the letter: METHOD before the event, times in UTC, an organizer
that stays the same and is nobody's own calendar, no quotation marks in names.
"""

from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Final

from icalendar import Calendar, Event, vCalAddress, vText

from booking_system.notifications.adapters.words.one_line import one_line
from booking_system.notifications.domain.facts import AppointmentMessage
from booking_system.notifications.domain.letter import CalendarMethod, CalendarPart
from booking_system.notifications.domain.message import Kind
from booking_system.shared_kernel.identifiers import AppointmentId

PRODUCT: Final = "-//Booking System//Messages//EN"
METHODS: Final = {
    Kind.CONFIRMATION: CalendarMethod.REQUEST,
    Kind.CHANGE: CalendarMethod.REQUEST,
    Kind.CANCELLATION: CalendarMethod.CANCEL,
}
"""A reminder changes nothing, and staff see the appointment in the clinic's own calendar."""


def uid_of(appointment_id: AppointmentId) -> str:
    """Return the event's name for ever: neither a change of the clinic nor of ours changes it."""
    return f"{appointment_id}@booking-system"


def calendar_part(message: AppointmentMessage, told: Mapping[str, str]) -> CalendarPart | None:
    """Return what the patient's calendar is to do; None where it is to do nothing.

    `told` has the `summary`, `description` and `location`. DTSTAMP is a second later with each
    revision, from the time of booking on: the same revision has the same bytes.
    """
    method = METHODS.get(message.kind)
    if method is None or not message.recipient_email:
        return None
    facts = message.appointment
    event = Event()
    event.add("uid", uid_of(facts.id))
    event.add("sequence", facts.revision)
    made = facts.booked_at.astimezone(UTC) + timedelta(seconds=facts.revision)
    event.add("dtstamp", made.replace(microsecond=0))
    event.add("dtstart", facts.starts_at.astimezone(UTC))
    event.add("dtend", facts.ends_at.astimezone(UTC))
    event.add("status", "CANCELLED" if method is CalendarMethod.CANCEL else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if method is CalendarMethod.CANCEL else "OPAQUE")
    for name, text in told.items():
        if text:
            event.add(name, text)
    event.add("organizer", _somebody(message.sender_address, message.clinic.name), encode=False)
    event.add("attendee", _attendee(message.recipient_email, message.recipient_name), encode=False)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    calendar.add_component(event)
    return CalendarPart(method=method, content=calendar.to_ical())


def _somebody(address: str, name: str) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    # A quotation mark would be written as ^' (RFC 6868), which people then read.
    if shown := one_line(name.replace('"', " ").replace("^", " ")):
        person.params["CN"] = vText(shown)
    return person


def _attendee(address: str, name: str) -> vCalAddress:
    """An answer is neither asked for nor heard: the appointment stands without it.

    It still is to be answered (NEEDS-ACTION), since some calendars show only then what comes from
    senders whom they do not know.
    """
    person = _somebody(address, name)
    person.params["ROLE"] = vText("REQ-PARTICIPANT")
    person.params["PARTSTAT"] = vText("NEEDS-ACTION")
    person.params["RSVP"] = vText("FALSE")
    return person
