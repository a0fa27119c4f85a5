"""Says in few words what a calendar would do with a part of a mail."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from booking_system.notifications.domain.letter import CalendarPart


def calendar_summary(part: CalendarPart) -> Mapping[str, Any] | None:
    """Return what the event in it says, or None where a calendar could not read it."""
    # Takes a while to be imported, and only developers look.
    from icalendar import Calendar  # noqa: PLC0415

    try:
        calendar = Calendar.from_ical(part.content)
        (event,) = calendar.walk("VEVENT")
        return {
            "method": str(calendar["METHOD"]),
            "uid": str(event["UID"]),
            "sequence": int(str(event["SEQUENCE"])),
            "status": str(event["STATUS"]),
            "summary": str(event["SUMMARY"]),
            "location": str(event.get("LOCATION", "")) or None,
            "description": str(event.get("DESCRIPTION", "")) or None,
            "starts_at": _instant(event.decoded("DTSTART")),
            "ends_at": _instant(event.decoded("DTEND")),
            "organizer": str(event["ORGANIZER"]).removeprefix("mailto:"),
            "attendee": str(event["ATTENDEE"]).removeprefix("mailto:"),
        }
    except (ValueError, KeyError, TypeError):
        return None


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("a day, or a time without a zone")
    return value
