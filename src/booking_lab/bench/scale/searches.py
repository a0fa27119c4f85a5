"""The searches that are compared: the same mix for both sizes, none of them asked twice."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg

from booking_lab.scale.directory import SERVICES, SPECIALTIES

SLOTS, NEXT, CALENDAR = "/v1/slots", "/v1/slots/next", "/v1/slots/calendar"
PATHS = (SLOTS, NEXT, CALENDAR)
NEAR = timedelta(days=20)
WEEK = timedelta(days=7)
KINDS_OF_SERVICE = len(SERVICES) + 1
"""With the one that is online."""
SOONEST = 5
"""Doctors in an answer: so many have each specialty at both sizes."""
LANGUAGES = ("tr", "fr")
"""Those that are spoken in clinics of all time zones."""

KNOWN = {
    "clinics": "SELECT id FROM clinics ORDER BY id",
    "doctors": "SELECT id FROM doctors ORDER BY id",
    "services": "SELECT id FROM services ORDER BY name, id",
}

Asked = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is to ask for, and from when until when there are slots."""

    clinics: Sequence[UUID]
    doctors: Sequence[UUID]
    services: Sequence[UUID]
    now: datetime
    days: int
    chance: random.Random
    _turns: Iterator[int] = field(init=False, default_factory=itertools.count)

    @classmethod
    async def of(cls, connection: asyncpg.Connection, days: int, seed: int) -> "Known":
        """Read it; `seed` makes the same choices every time."""
        found = {
            name: [row["id"] for row in await connection.fetch(statement)]
            for name, statement in KNOWN.items()
        }
        chance = random.Random(seed)  # noqa: S311  (no secret)
        return cls(**found, now=datetime.now(UTC), days=days, chance=chance)

    def one(self, things: Sequence[Any]) -> Any:
        """Choose one."""
        return self.chance.choice(things)

    def some_service(self) -> UUID:
        """Choose one, of each kind as often: some are offered by twenty doctors, some by two."""
        of_each = len(self.services) // KINDS_OF_SERVICE
        kind = next(self._turns) % KINDS_OF_SERVICE
        return self.services[kind * of_each + self.chance.randrange(of_each)]

    def some_time(self) -> datetime:
        """Choose an instant: each other time one that is near, else anywhere in the calendars.

        To the microsecond, so that no page that was kept answers a search.
        """
        room = timedelta(days=self.days) - WEEK
        if self.chance.random() < 0.5:
            room = min(NEAR, room)
        return self.now + self.chance.random() * room

    def some_week(self) -> Asked:
        """Choose seven days of a calendar: not more than the small one has behind any."""
        first = self.some_time().date()
        return {"from": first, "to": first + WEEK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of search."""

    name: str
    path: str
    asked: Callable[[Known], Asked]

    @property
    def title(self) -> str:
        """As the table has it."""
        return f"{self.path.removeprefix('/v1')} {self.name}"


def _slots(name: str, filters: Callable[[Known], Asked], **more: Any) -> Kind:
    return Kind(
        name=name, path=SLOTS, asked=lambda it: {**filters(it), "from": it.some_time(), **more}
    )


def _week(it: Known) -> Asked:
    since = it.some_time()
    return {"doctor_id": it.one(it.doctors), "from": since, "to": since + WEEK, "limit": 200}


def _next(name: str, filters: Callable[[Known], Asked]) -> Kind:
    return Kind(
        name=name,
        path=NEXT,
        asked=lambda it: {**filters(it), "after": it.some_time(), "limit": SOONEST},
    )


def _calendar(name: str, filters: Callable[[Known], Asked]) -> Kind:
    return Kind(
        name=name,
        path=CALENDAR,
        asked=lambda it: {**filters(it), **it.some_week()},
    )


def _clinic(it: Known) -> Asked:
    return {"clinic_id": it.one(it.clinics)}


def _service(it: Known) -> Asked:
    return {"service_id": it.some_service()}


def _specialty(it: Known) -> Asked:
    return {"specialty": it.one(SPECIALTIES)}


def _language(it: Known) -> Asked:
    return {"language": it.one(LANGUAGES)}


def _mode(_: Known) -> Asked:
    return {"mode": "online"}


def _both(one: Callable[[Known], Asked], other: Callable[[Known], Asked]) -> Any:
    return lambda it: {**one(it), **other(it)}


KINDS = (
    Kind(name="doctor, week", path=SLOTS, asked=_week),
    _slots("clinic", _clinic),
    _slots("clinic, specialty", _both(_clinic, _specialty)),
    _slots("clinic, language", _both(_clinic, _language)),
    _slots("clinic, mode", _both(_clinic, _mode)),
    _slots("service", _service),
    _slots("specialty", _specialty),
    _slots("language", _language),
    _slots("mode", _mode),
    _slots("everything", lambda _: {}),
    _next("clinic", _clinic),
    _next("clinic, mode", _both(_clinic, _mode)),
    _next("service", _service),
    _next("specialty", _specialty),
    _next("language", _language),
    _next("everything", lambda _: {}),
    _calendar("doctor", lambda it: {"doctor_id": it.one(it.doctors)}),
    _calendar("clinic", _clinic),
)


def requests(known: Known, path: str, count: int) -> list[bytes]:
    """Return so many different requests, an equal share of each kind, in turn."""
    kinds = [kind for kind in KINDS if kind.path == path]
    asked = (kinds[place % len(kinds)].asked(known) for place in range(count))
    return [_request(path, one) for one in asked]


def _request(path: str, asked: Mapping[str, Any]) -> bytes:
    query = urlencode({name: _written(value) for name, value in asked.items()})
    head = f"GET {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n"
    return head.encode()


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
