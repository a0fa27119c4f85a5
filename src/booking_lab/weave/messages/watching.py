"""What is seen of claims and places behind each commit, and what may not become of them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from booking_lab.weave.seen import Row

CLAIMS = """SELECT id, state, token, lease_until FROM message_ledger
 WHERE state IN ('claimed', 'sending')"""
PLACE = """SELECT seq, tries, xmin::text AS written,
 EXISTS (SELECT FROM recipient_blocks) AS is_stopped
 FROM feed_consumers WHERE name = 'messages'"""


class Watched(NamedTuple):
    """Claims by message, the planner's place, and whether no SMS is wanted any more."""

    claims: Mapping[UUID, Row]
    place: Row | None
    is_stopped: bool

    @property
    def sending(self) -> frozenset[tuple[UUID, int]]:
        """The messages that somebody is sending, each with the number of the claim."""
        rows = self.claims.values()
        return frozenset((row["id"], row["token"]) for row in rows if row["state"] == "sending")


NOTHING_YET = Watched({}, None, is_stopped=False)


async def watched(eyes: asyncpg.Connection) -> Watched:
    """Look."""
    claims = {row["id"]: row for row in await eyes.fetch(CLAIMS)}
    place: Row = await eyes.fetchrow(PLACE)
    return Watched(claims, place, place["is_stopped"])


def wrong_between(before: Watched, after: Watched, *, now: datetime) -> Iterator[str]:
    """Yield what may not have come of what was seen before."""
    for message_id, row in after.claims.items():
        was = before.claims.get(message_id)
        is_another = was is not None and row["token"] != was["token"]
        if was is not None and is_another and was["lease_until"] > now:
            yield "a claim was taken from its owner before its end"
    place, was = after.place, before.place
    if place is None or was is None or place["written"] == was["written"]:
        return
    if place["seq"] <= was["seq"] and place["tries"] <= was["tries"]:
        yield "an event had its effect twice"
