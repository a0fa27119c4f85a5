"""Times are the clinic's, whatever its clocks do."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from booking_system.notifications.adapters.words.times import TimeWords


@pytest.mark.parametrize(
    ("locale", "zone", "start", "end", "told"),
    [
        (
            "en_GB",
            "Asia/Kolkata",
            "2026-11-27T08:30",
            "2026-11-27T09:00",
            "Friday, 27 November 2026, 14:00 – 14:30 India Standard Time",
        ),
        (
            "en_US",
            "America/New_York",
            "2026-07-01T15:45",
            "2026-07-01T16:15",
            "Wednesday, July 1, 2026, 11:45 AM – 12:15 PM Eastern Daylight Time",
        ),
        (
            "de",
            "Europe/Berlin",
            "2027-03-27T07:30",
            "2027-03-27T08:00",
            "Samstag, 27. März 2027, 08:30 – 09:00 Uhr Mitteleuropäische Normalzeit",
        ),
        (
            # The day on which clocks were put forward, and the one after.
            "de",
            "Europe/Berlin",
            "2027-03-28T06:30",
            "2027-03-28T07:00",
            "Sonntag, 28. März 2027, 08:30 – 09:00 Uhr Mitteleuropäische Sommerzeit",
        ),
        (
            # 02:30 is told twice that night, and the second time is called otherwise.
            "en_GB",
            "Europe/Berlin",
            "2027-10-31T00:30",
            "2027-10-31T01:30",
            (
                "Sunday, 31 October 2027, 02:30 Central European Summer Time – "
                "Sunday, 31 October 2027, 02:30 Central European Standard Time"
            ),
        ),
        (
            "en_GB",
            "Asia/Kolkata",
            "2026-11-27T18:00",
            "2026-11-27T19:00",
            (
                "Friday, 27 November 2026, 23:30 India Standard Time – "
                "Saturday, 28 November 2026, 00:30 India Standard Time"
            ),
        ),
        (
            "de",
            "Asia/Kolkata",
            "2026-11-27T18:00",
            "2026-11-27T19:00",
            (
                "Freitag, 27. November 2026, 23:30 Uhr Indische Normalzeit – "
                "Samstag, 28. November 2026, 00:30 Uhr Indische Normalzeit"
            ),
        ),
        (
            "fr",
            "Europe/Paris",
            "2026-11-27T08:30",
            "2026-11-27T09:00",
            "vendredi 27 novembre 2026, 09:30 – 10:00 heure normale d’Europe centrale",
        ),
    ],
)
def test_a_span(locale: str, zone: str, start: str, end: str, told: str) -> None:
    times = TimeWords(Locale.parse(locale), ZoneInfo(zone))
    span = times.span(*(datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (start, end)))
    assert span.replace("\N{NARROW NO-BREAK SPACE}", " ") == told


@pytest.mark.parametrize(
    ("locale", "count", "told"),
    [
        ("en", 1, "1 minute"),
        ("en", 2, "2 minutes"),
        ("de", 1, "1 Minute"),
        ("de", 45, "45 Minuten"),
        ("cs", 1, "1 minuta"),
        ("cs", 2, "2 minuty"),
        ("cs", 5, "5 minut"),
        ("pl", 1, "1 minuta"),
        ("pl", 2, "2 minuty"),
        ("pl", 5, "5 minut"),
        ("pl", 22, "22 minuty"),
    ],
)
def test_a_language_has_its_own_plurals(locale: str, count: int, told: str) -> None:
    assert TimeWords(Locale.parse(locale), ZoneInfo("UTC")).minutes(count) == told
