"""What a patient wants to be told, through what, and when not."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_system.notifications.domain.message import Channel
from booking_system.scheduling.domain.local_time import first_instant_at, wall_clock


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Hours in which nobody is written to without need, on the wall clock of the recipient.

    Minutes after midnight, `until` left out; `since` behind `until` goes over midnight, and alike
    they are no hours at all.
    """

    since: int = 21 * 60
    until: int = 8 * 60

    def has(self, instant: datetime, zone: str) -> bool:
        """Say whether the instant lies in them, in this zone."""
        minute = _minute(wall_clock(instant, zone))
        if self.since <= self.until:
            return self.since <= minute < self.until
        return minute >= self.since or minute < self.until

    def end_after(self, instant: datetime, zone: str) -> datetime:
        """Return when those are over that the instant lies in; the instant itself if in none."""
        if not self.has(instant, zone):
            return instant
        wall = wall_clock(instant, zone)
        days = 1 if _minute(wall) >= self.until else 0
        return first_instant_at(wall.date() + timedelta(days=days), self.until, zone)

    def start_before(self, instant: datetime, zone: str) -> datetime:
        """Return when those began that the instant lies in; the instant itself if in none."""
        if not self.has(instant, zone):
            return instant
        wall = wall_clock(instant, zone)
        days = -1 if _minute(wall) < self.since else 0
        return first_instant_at(wall.date() + timedelta(days=days), self.since, zone)


def _minute(wall: datetime) -> int:
    return wall.hour * 60 + wall.minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """A patient's wishes; these are the usual ones."""

    email: bool = True
    sms: bool = True
    reminders: bool = True
    quiet: QuietHours = QuietHours()

    def allow(self, channel: Channel) -> bool:
        """Say whether the patient may be written to through this."""
        return self.email if channel is Channel.EMAIL else self.sms
