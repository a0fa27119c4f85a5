"""Judges what is left at the end: history, events, keys, and whether the hours come back."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta

import asyncpg

from booking_lab.weave.deeds import Deed
from booking_lab.weave.people import People
from booking_lab.weave.seen import EVENTS, HISTORY, Row, Seen, seen

OPEN_WHILE_AWAY = """SELECT EXISTS (SELECT FROM time_slots s JOIN time_off t USING (doctor_id)
 WHERE t.deleted_at IS NULL AND s.deleted_at IS NULL AND s.closed_because IS NULL
 AND s.starts_at < t.ends_at AND s.ends_at > t.starts_at)"""
LONG_AFTER = timedelta(hours=2)
LATER = Deed("wait", how=str(LONG_AFTER // timedelta(minutes=1)))


async def wrong_at_the_end(
    people: People, eyes: asyncpg.Connection, last: Seen
) -> AsyncIterator[str]:
    """Yield what is wrong when everybody is done."""
    history, events = await eyes.fetch(HISTORY), await eyes.fetch(EVENTS)
    for one in (*_history(last, history), *_events(last, events, history), *_keys(last)):
        yield one
    if await eyes.fetchval(OPEN_WHILE_AWAY):
        yield "a slot is open although its doctor is away"
    await people.do(LATER, "")
    await people.do(Deed("tidy"), "")
    await people.do(Deed("plan"), "")
    later = await seen(eyes, last.now + LONG_AFTER)
    for slot in later.slots.values():
        is_free = slot["appointment_id"] is None and not slot["is_deleted"]
        if slot["hold_id"] is not None:
            yield "a hold that is long over is not emptied"
        elif is_free and slot["closed_because"] == "outside_availability":
            yield "a free slot outside of the hours was forgotten"


def _history(last: Seen, history: Sequence[Row]) -> Iterator[str]:
    wanted = {
        (row["id"], version)
        for row in last.visits.values()
        for version in range(2, row["version"] + 1)
    }
    if {(row["appointment_id"], row["version"]) for row in history} != wanted:
        yield "a change has no entry in the history, or an entry no change"


def _events(last: Seen, events: Sequence[Row], history: Sequence[Row]) -> Iterator[str]:
    told = [(row["appointment_id"], row["version"]) for row in events]
    # What is shown of its money is told by events of its payments.
    untold = {
        (row["appointment_id"], row["version"]) for row in history if row["action"] == "payment"
    }
    wanted = [
        (str(row["id"]), version)
        for row in last.visits.values()
        for version in range(1, row["version"] + 1)
        if (row["id"], version) not in untold
    ]
    if sorted(told) != sorted(wanted):
        yield "a change was not told once"


def _keys(last: Seen) -> Iterator[str]:
    for key, made in last.keys.items():
        if made not in last.visits:
            yield f"key {key} has made nothing"
