"""The newest events, read once for all streams of a process.

A stream first reads what it has missed, by itself; then it gets what comes from here. It changes
over at a number, in one go, so that nothing is missed and nothing comes twice.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from booking_system.integrations.application.read_feed import EventFeed
from booking_system.integrations.domain.feed import FeedEvent, FeedState
from booking_system.integrations.domain.refusals import FeedReset
from booking_system.platform.http.mailbox import Mailbox
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.shared_kernel.identifiers import ClinicId

PAUSE_SECONDS = 0.5
"""Between two looks, on average; nobody looks where there is no stream."""
MOST = 200
SIZE = 500
"""Bytes of an event, about."""
BEHIND_ALL = 2**62

Box = Mailbox[FeedEvent]


class Sink(Protocol):
    """Takes all events, of any clinic; putting never waits."""

    def put(self, item: FeedEvent, size: int) -> bool:
        """Take one; False where that is not possible any more."""
        ...

    def close(self) -> None:
        """Be told that nothing comes any more: the database was set back."""
        ...


class Tail:
    """Hands events to the streams of their clinics."""

    def __init__(self, feed: EventFeed) -> None:
        """`feed` is asked for the events of all clinics."""
        self._feed = feed
        self._boxes: defaultdict[ClinicId, set[Box]] = defaultdict(set)
        self._sinks: set[Sink] = set()
        self._head: int | None = None
        """Up to here all have been handed on; None while there is no stream."""

    def running(self) -> AbstractAsyncContextManager[None]:
        """Look for as long as the block lasts."""
        job = PeriodicJob(
            name="event streams",
            round=self.once,
            failed="events_not_read",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Hand on all that is new."""
        while self._head is not None:
            since = self._head
            state, events = await self._feed.behind(since, most=MOST, clinic_id=None)
            if state.head < since:
                # The database was set back: clients that come again are told.
                self._end_all()
            elif self._head is not None:
                for event in events:
                    self._hand_on(event)
                self._head = events[-1].seq if events else max(since, state.head)
            if len(events) < MOST:
                break
        return True

    async def follow(
        self, clinic_id: ClinicId, after: int
    ) -> AsyncGenerator[FeedEvent | FeedState, None]:
        """Yield the clinic's events behind a number as they come.

        A state in their place: events are missing, and what comes goes on from there. Raises
        `TooSlowError` where the reader does not keep up.
        """
        box: Box = Mailbox()
        last, has_missed = after, True
        try:
            while has_missed or not self._joins(clinic_id, box, last):
                state, events = await self._feed.behind(last, most=MOST, clinic_id=clinic_id)
                has_missed = len(events) == MOST
                try:
                    state.refuse_another_history(epoch=None, after=last)
                except FeedReset:
                    last, has_missed = state.head, False
                    yield state
                    continue
                last = events[-1].seq if has_missed else state.head
                for event in events:
                    yield event
            async for event in box.items():
                if event.seq > last:
                    yield event
        finally:
            self._leave(clinic_id, box)

    async def join(self, sink: Sink) -> int:
        """Let the sink have all events behind the number that is returned."""
        if self._head is None:
            newest = await self.newest()
            if self._head is None:
                self._head = newest
        self._sinks.add(sink)
        return self._head

    def leave(self, sink: Sink) -> None:
        """Let it have no more; again, it changes nothing."""
        self._sinks.discard(sink)
        self._rest()

    async def newest(self) -> int:
        """Return the number of the newest event: a stream from there has what comes from now on."""
        state, _ = await self._feed.behind(BEHIND_ALL, most=1, clinic_id=None)
        return state.head

    def _joins(self, clinic_id: ClinicId, box: Box, last: int) -> bool:
        """Take part from `last` on, unless that was handed on already."""
        if self._head is not None and self._head > last:
            return False
        if self._head is None:
            self._head = last
        self._boxes[clinic_id].add(box)
        return True

    def _hand_on(self, event: FeedEvent) -> None:
        for sink in self._sinks:
            sink.put(event, SIZE)
        if event.clinic_id is not None:
            for box in self._boxes.get(event.clinic_id, ()):
                box.put(event, SIZE)

    def _leave(self, clinic_id: ClinicId, box: Box) -> None:
        boxes = self._boxes.get(clinic_id, set())
        boxes.discard(box)
        if not boxes:
            self._boxes.pop(clinic_id, None)
        self._rest()

    def _rest(self) -> None:
        if not self._boxes and not self._sinks:
            self._head = None

    def _end_all(self) -> None:
        for boxes in self._boxes.values():
            for box in boxes:
                box.close()
        for sink in self._sinks:
            sink.close()
        self._boxes.clear()
        self._sinks.clear()
        self._head = None
