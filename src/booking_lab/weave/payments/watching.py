"""What is seen of work and of events behind each commit, and what may not become of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import asyncpg

from booking_lab.weave.seen import Row, Seen

WORK = "SELECT id, kind, payment_id, token, asked, lease_until FROM payment_work"
VISITS = "SELECT id, appointment_id FROM payments"
HANDLED = """SELECT id, payment_id FROM payment_events
 WHERE handled_at - received_at < interval '1 hour'"""
"""What nobody ever knew of is given up later."""
BEFORE = "before"
"""Who has done many deeds between two looks."""


class Watched(NamedTuple):
    """All work, by its id; payments of events that count as handled; appointments of payments."""

    work: Mapping[UUID, Row]
    handled: Mapping[UUID, UUID | None]
    visits: Mapping[UUID, UUID]


NOTHING_YET = Watched({}, {}, {})


class Owner(NamedTuple):
    """Who claimed a piece of work, and how often it had been asked for then."""

    actor: str
    asked: int


async def watched(eyes: asyncpg.Connection) -> Watched:
    """Look."""
    work = {row["id"]: row for row in await eyes.fetch(WORK)}
    handled = {row["id"]: row["payment_id"] for row in await eyes.fetch(HANDLED)}
    return Watched(work, handled, {row["id"]: row[1] for row in await eyes.fetch(VISITS)})


@dataclass(slots=True)
class Watch:
    """Knows who has which claim, and what was cancelled before whose last commit."""

    last: Watched = NOTHING_YET
    owners: dict[UUID, Owner] = field(default_factory=dict)
    _looks: int = 0
    _committed: dict[str, int] = field(default_factory=dict)
    _cancelled: dict[UUID, int] = field(default_factory=dict)

    def could_know(self, actor: str, payment_id: UUID) -> bool:
        """Say whether the payment's appointment was cancelled before the actor's last commit."""
        look = self._committed.get(actor, 0)
        return self._cancelled.get(self.last.visits[payment_id], look) < look

    def sees(self, now: Watched, seen: Seen, actor: str) -> Iterator[str]:
        """Yield what may not have become of what was seen last, by the actor who has committed."""
        before, self.last = self.last, now
        self._looks += 1
        self._committed[actor] = self._looks
        for visit_id, visit in seen.visits.items():
            if visit["status"] == "cancelled":
                self._cancelled.setdefault(visit_id, self._looks)
        is_judged = actor != BEFORE
        for work_id, row in now.work.items():
            was = before.work.get(work_id)
            if row["token"] == (0 if was is None else was["token"]):
                continue
            self.owners[work_id] = Owner(actor, row["asked"])
            lease = None if was is None else was["lease_until"]
            if is_judged and lease is not None and lease >= seen.now:
                yield "a claim was taken from its owner before its end"
        if is_judged:
            yield from self._ended(before, now, actor)
            yield from _unseen(before, now)

    def _ended(self, before: Watched, now: Watched, actor: str) -> Iterator[str]:
        for work_id, was in before.work.items():
            row, owner = now.work.get(work_id), self.owners.get(work_id)
            is_kept = row is not None and (row["lease_until"] or row["token"] != was["token"])
            if was["lease_until"] is None or is_kept or owner is None:
                continue
            if owner.actor != actor:
                yield "a claim was ended that is another's"
            elif row is None and was["asked"] != owner.asked:
                yield "what was planned anew is forgotten"


def _unseen(before: Watched, now: Watched) -> Iterator[str]:
    """Yield it where an event counts as handled, and the same commit has planned no look."""
    for event_id in now.handled.keys() - before.handled.keys():
        looks = [
            row
            for work_id, row in now.work.items()
            if (row["kind"], row["payment_id"]) == ("poll", now.handled[event_id])
            and (work_id not in before.work or row["asked"] > before.work[work_id]["asked"])
        ]
        if not looks:
            yield "an event counts as handled, and no look is planned"
