"""Judges a run's messages when relay, planner and sender are quiet."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

from booking_lab.weave.deeds import Deed
from booking_lab.weave.messages.carrier import Attempt
from booking_lab.weave.messages.ought import Message, Stage, Stages, reminded, sets_of, stages
from booking_lab.weave.seen import Row, Seen

if TYPE_CHECKING:
    from booking_lab.weave.messages.office import Office

FEED = """SELECT seq, name, payload ->> 'appointment_id' AS appointment_id,
 (payload ->> 'version')::int AS version FROM event_feed ORDER BY seq"""
LEFT = "SELECT id FROM outbox"
WAITED_FOR = timedelta(seconds=90)
"""So long a lost answer is waited for before a mail goes once more."""
MOST_CALLS = {"email": 2, "sms": 1}
STOPPED = "opted_out"
SETTLED = frozenset({"sent", "failed", "withdrawn", "skipped"})


async def wrong_messages(office: "Office") -> AsyncIterator[str]:
    """Yield what is wrong, first when all are quiet, then when all reminders had their time."""
    for one in office.wrong:
        yield one
    of = stages(office.commits)
    await office.quiet()
    for one in _feed(office.commits, await office.fetch(FEED)):
        yield one
    if await office.fetch(LEFT):
        yield "an event was never relayed"
    for one in _exist(of, await office.ledger()):
        yield one
    await office.whole()
    ledger = await office.ledger()
    told = _told(of, ledger, office.attempts, is_stopped=office.is_stopped)
    for one in (*told, *_calls(ledger, office.attempts)):
        yield one


def rows_told(ledger: Sequence[Row], attempts: Sequence[Attempt]) -> Iterator[str]:
    """Yield a line for each message and each attempt, in which nothing is left to chance."""
    for row in ledger:
        about = (row["kind"], row["offset_minutes"], row["channel"], row["state"], row["reason"])
        yield f"message of revision {row['revision']}: {about} at {row['ended_at']}"
    for attempt in attempts:
        yield f"attempt: {attempt.kind} {attempt.revision} at {attempt.at}: {attempt.is_taken}"


def _feed(commits: Sequence[tuple[Seen, Deed]], feed: Sequence[Row]) -> Iterator[str]:
    if [row["seq"] for row in feed] != list(range(1, len(feed) + 1)):
        yield "the feed has a gap"
    told = [
        (UUID(row["appointment_id"]), row["version"])
        for row in feed
        if row["name"].startswith("booking.")
    ]
    known = dict[UUID, int]()
    for seen, _ in commits:
        new = {
            (row["id"], version)
            for row in seen.visits.values()
            for version in range(known.get(row["id"], 0) + 1, row["version"] + 1)
        }
        known = {row["id"]: row["version"] for row in seen.visits.values()}
        first, told = told[: len(new)], told[len(new) :]
        if set(first) != new:
            yield "the feed does not tell what was committed, in the order of the commits"
            return
    if told:
        yield "the feed tells what was never committed"


def _last_of(of: Stages, appointment_id: UUID) -> int:
    return max(revision for one, revision in of if one == appointment_id)


def _exist(of: Stages, ledger: Sequence[Row]) -> Iterator[str]:
    """Each message once, just those of the model, and nothing waits that is superseded."""
    found: dict[tuple[UUID, int], Counter[Message]] = {key: Counter() for key in of}
    # What goes by mail since no SMS is wanted.
    instead = Counter(_twin(row) for row in ledger if row["reason"] == STOPPED)
    for row in ledger:
        key = (row["appointment_id"], row["revision"])
        if key not in found:
            yield "there are messages of a revision that never was"
            continue
        if row["kind"] == "reminder" and instead[_known_as(row)]:
            instead[_known_as(row)] -= 1
            continue
        found[key][_message(row)] += 1
        if row["state"] == "planned" and row["revision"] < _last_of(of, row["appointment_id"]):
            yield f"a {row['kind']} is still planned, and was superseded"
    for key, stage in of.items():
        if max(found[key].values(), default=0) > 1:
            yield "a message exists twice"
        appointment_id, revision = key
        may_be = sets_of(revision, stage)
        if revision < _last_of(of, appointment_id):
            may_be.append(frozenset())
        if frozenset(found[key]) not in may_be:
            yield "the messages that exist are not those of what happened"


def _told(
    of: Stages, ledger: Sequence[Row], attempts: Sequence[Attempt], *, is_stopped: bool
) -> Iterator[str]:
    """What is true is told in the end, and nothing is left open."""
    taken = {one.message_id for one in attempts if one.is_taken}
    for row in ledger:
        what, key = row["kind"], (row["appointment_id"], row["revision"])
        if row["state"] not in SETTLED:
            yield f"a {what} is never settled"
        if row["state"] == "sent" and row["id"] not in taken:
            yield f"a {what} is called sent, and nobody has it"
        if key not in of or key[1] < _last_of(of, key[0]):
            continue
        is_unknown = (row["state"], row["reason"]) == ("failed", "unknown")
        # Who dies behind the note that sending begins leaves it open whether the bytes are out.
        if is_unknown and row["began"] == MOST_CALLS[row["channel"]]:
            continue
        # By mail it is told, or was told anyway.
        if is_stopped and row["channel"] == "sms" and row["reason"] == STOPPED:
            continue
        if row["state"] != "sent" and not _is_over(row, of[key]):
            yield f"a {what} was never told: {row['state']}, {row['reason']}"


def _is_over(row: Row, stage: Stage) -> bool:
    """Say whether a reminder was rightly let be; of everything else none is."""
    if row["kind"] != "reminder":
        return False
    due_at, over = reminded(stage, row["offset_minutes"])
    if row["state"] == "withdrawn":
        return len(stage.statuses) > 1
    reasons = {
        "due_before_booking": due_at <= stage.agreed_at,
        "too_late": row["ended_at"] >= over,
        "overtaken_by_next_reminder": due_at >= over,
    }
    return row["state"] == "skipped" and bool(reasons.get(row["reason"]))


def _calls(ledger: Sequence[Row], attempts: Sequence[Attempt]) -> Iterator[str]:
    """A mail whose answer was lost goes once more, when that was waited for; nothing else does."""
    for row in ledger:
        own = [one.at for one in attempts if one.message_id == row["id"]]
        if len(own) > MOST_CALLS[row["channel"]]:
            yield f"a {row['kind']} by {row['channel']} went out {len(own)} times"
        if any(later - earlier < WAITED_FOR for earlier, later in pairwise(own)):
            yield f"a {row['kind']} went out again before its answer was given up"


def _known_as(row: Row) -> tuple[UUID, int, Message]:
    return row["appointment_id"], row["revision"], _message(row)


def _twin(row: Row) -> tuple[UUID, int, Message]:
    """The same message by mail."""
    return row["appointment_id"], row["revision"], _message(row)._replace(channel="email")


def _message(row: Row) -> Message:
    return Message(row["kind"], row["offset_minutes"], row["channel"], row["recipient_key"])
