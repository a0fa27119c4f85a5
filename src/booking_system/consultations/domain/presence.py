"""Who is there: computed from what is stored, so that every process says the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from booking_system.consultations.domain.seat import Seat

AWAY_AFTER = timedelta(seconds=10)
"""A page that reconnects within this time was never away."""


class Presence(StrEnum):
    """What others see of somebody."""

    WAITING = "waiting"
    HERE = "here"
    AWAY = "away"
    LEFT = "left"


class Switch(StrEnum):
    """What a source of picture or sound does."""

    ON = "on"
    OFF = "off"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Media:
    """What somebody sends."""

    mic: Switch = Switch.OFF
    camera: Switch = Switch.OFF
    screen: Switch = Switch.OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Somebody's place in a room, as stored.

    `epoch` numbers the connections of the room, `client` is the page. The instants are of the
    database's clock: `alive_until` of the process that has the connection, `gone_at` since when
    there is none, `left_at` when its owner said that they leave, `read_at` of this reading.
    """

    seat: Seat
    person_id: UUID
    name: str | None
    epoch: int
    client: UUID
    media: Media
    is_admitted: bool
    delivered: int
    read: int
    since: datetime
    alive_until: datetime | None
    gone_at: datetime | None
    left_at: datetime | None
    read_at: datetime

    @property
    def presence(self) -> Presence:
        """Say what others see."""
        if self.left_at is not None:
            return Presence.LEFT
        is_dead = self.alive_until is None or self.alive_until <= self.read_at
        is_gone = self.gone_at is not None and self.gone_at + AWAY_AFTER <= self.read_at
        if is_gone or (self.gone_at is None and is_dead):
            return Presence.AWAY
        return Presence.HERE if self.is_admitted else Presence.WAITING

    @property
    def is_here(self) -> bool:
        """In the room or in its waiting room."""
        return self.presence in {Presence.HERE, Presence.WAITING}
