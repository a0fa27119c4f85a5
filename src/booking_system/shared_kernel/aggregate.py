"""The two building blocks of every domain: facts, and the things they happen to."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """A fact, named in the past tense. Carries ids and times, never patient data.

    A fact that is not `is_in_feed` is told to one reader only.
    """

    name: ClassVar[str]
    is_in_feed: ClassVar[bool] = True
    occurred_at: datetime


class Events(Protocol):
    """Takes facts, inside one transaction: they are told if it is committed, and else never."""

    async def record(self, *events: DomainEvent) -> None:
        """Store them with all else that the transaction stores."""
        ...


class Aggregate:
    """Keeps what happened to it until the transaction stores it in the outbox."""

    def record(self, event: DomainEvent) -> None:
        """Remember that this happened."""
        self.__dict__.setdefault("_events", []).append(event)

    def pull_events(self) -> list[DomainEvent]:
        """Hand over what happened since the last call."""
        events: list[DomainEvent] = self.__dict__.pop("_events", [])
        return events
