"""Dates and times as the reader of a message writes them, in the clinic's zone."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_interval,
    format_skeleton,
    format_time,
    get_timezone_name,
)
from babel.units import format_unit

DASH: Final = re.compile(r"\s*[–—]\s*")
HOURS_OF_TWELVE: Final = re.compile(r"[hK]")
QUOTED: Final = re.compile(r"'[^']*'")


@dataclass(frozen=True, slots=True)
class TimeWords:
    """Tells times of one zone in one language; all times given have an offset."""

    locale: Locale
    zone: ZoneInfo

    def date(self, at: datetime) -> str:
        """Such as `Friday, 27 November 2026`."""
        return format_date(self._local(at), "full", locale=self.locale)

    def short_date(self, at: datetime) -> str:
        """Such as `Fri, 27 Nov 2026`."""
        return format_skeleton("yMMMEd", self._local(at), locale=self.locale)

    def time(self, at: datetime) -> str:
        """Such as `14:00`, or `2:00 PM` where the clock has twelve hours."""
        return format_time(self._local(at), "short", locale=self.locale)

    def zone_name(self, at: datetime) -> str:
        """Such as `India Standard Time`; in summer it may be another one."""
        return get_timezone_name(self._local(at), locale=self.locale)

    def moment(self, at: datetime) -> str:
        """Such as `Friday, 27 November 2026, 14:00 India Standard Time`."""
        return f"{self.date(at)}, {self._full_time(at)} {self.zone_name(at)}"

    def short_moment(self, at: datetime) -> str:
        """Such as `Fri, 27 Nov 2026, 14:00 India Standard Time`."""
        return f"{self.short_date(at)}, {self.time(at)} {self.zone_name(at)}"

    def span(self, start: datetime, end: datetime) -> str:
        """Such as `Friday, 27 November 2026, 14:00 – 14:30 India Standard Time`.

        Where the end is of another day, or clocks are changed before it, both are told in full.
        """
        ends_elsewhere = self._local(start).date() != self._local(end).date()
        if ends_elsewhere or self.zone_name(start) != self.zone_name(end):
            return f"{self.moment(start)} – {self.moment(end)}"
        return f"{self.date(start)}, {self._clock(start, end)} {self.zone_name(start)}"

    def minutes(self, count: int) -> str:
        """Such as `1 minute`, `30 minutes`: in the plural that the language has for the number."""
        return format_unit(count, "duration-minute", "long", locale=self.locale)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    @property
    def _skeleton(self) -> str:
        pattern = QUOTED.sub("", self.locale.time_formats["short"].pattern)
        return "hm" if HOURS_OF_TWELVE.search(pattern) else "Hm"

    def _full_time(self, at: datetime) -> str:
        """Such as `14:00`, in German `14:00 Uhr`: as the language ends a span of time."""
        parts = self.locale.interval_formats.get("Hm", {}).get("m")
        if self._skeleton == "hm" or not parts:
            return self.time(at)
        return format_time(self._local(at), parts[-1].strip(), locale=self.locale)

    def _clock(self, start: datetime, end: datetime) -> str:
        local = self._local(start), self._local(end)
        return DASH.sub(" – ", format_interval(*local, self._skeleton, locale=self.locale))
