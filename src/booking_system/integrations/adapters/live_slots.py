"""Live slots: one reader in each process looks for all booking pages that follow it.

It is given all events by the tail. They say where to look; it looks once for each doctor and
service that anybody follows, however many do, and hands what it found to each. What time changes is
asked for at every round: one statement, as no event tells of it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from booking_system.integrations.adapters.live_looks import Remembered, SlotLooks
from booking_system.integrations.adapters.live_pages import (
    Here,
    Page,
    Told,
    Waiting,
    bounded,
    with_places,
)
from booking_system.integrations.adapters.tail import Tail
from booking_system.integrations.application.read_feed import EventFeed
from booking_system.integrations.domain.live_slots import (
    SlotState,
    Touched,
    Void,
    Wanted,
    hint_of,
    stretches,
)
from booking_system.integrations.domain.refusals import FeedReset
from booking_system.platform.http.mailbox import Mailbox
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId

PAUSE_SECONDS = 0.5
"""Between two rounds, on average; nobody looks where nobody follows."""
PLACE_SECONDS = 60.0
"""So often a page that is told nothing learns where it is, so that it can come again from there."""
MOST_MISSED = 1_000
"""Events that a page may have missed."""
LONGEST_AWAY = timedelta(minutes=30)
"""Less than a hold that is over is kept: which ones ended meanwhile has to be known."""
MARGIN = timedelta(minutes=1)


class LiveSlots:
    """Tells booking pages which slots are open, and which no longer."""

    def __init__(
        self,
        *,
        feed: EventFeed,
        tail: Tail,
        looks: SlotLooks,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tail` runs beside it; `monotonic` counts seconds."""
        self._feed, self._tail, self._looks = feed, tail, looks
        self._clock, self._monotonic = clock, monotonic
        self._pages: defaultdict[ClinicId, set[Page]] = defaultdict(set)
        self._one_at_a_time = asyncio.Lock()
        self._waiting: Waiting | None = None
        self._position = 0
        """All pages have been told of the events up to here."""
        self._judged_until = clock.now()
        self._remembered = Remembered()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Look for as long as the block lasts."""
        job = PeriodicJob(
            name="live slots",
            round=self.once,
            failed="live_slots_not_read",
            first_pause=PAUSE_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=PAUSE_SECONDS,
        )
        return job.running()

    async def follow(
        self, wanted: Wanted, after: int | None
    ) -> AsyncGenerator[tuple[Told, int | None], None]:
        """Yield what becomes of the slots, behind the event `after`, or from now on.

        With it, where it is the last of what is told together, up to which event that is. What a
        page has missed comes first, then where it is, then what happens. Raises `TooSlowError`
        where the reader does not keep up.
        """
        page = Page(wanted, Mailbox(), self._monotonic())
        try:
            place = await self._join(page)
            if after is not None:
                for one in await self._missed(wanted, after):
                    yield one, None
            yield Here(), place
            async for told, seq in page.box.items():
                for step in with_places(told, seq):
                    yield step
        finally:
            self._leave(page)

    async def once(self) -> bool:
        """Tell all that is new."""
        waiting = self._waiting
        if waiting is None:
            return True
        if waiting.is_broken:
            await self._begin_anew()
            return True
        events, until = list(waiting.events), self._clock.now()
        hints = [hint for event in events for hint in hint_of(event)]
        hints += await self._looks.changed_by_time(self._pages, self._judged_until, until)
        position = events[-1].seq if events else self._position
        try:
            await self._tell(hints, position)
        except BaseException:
            # What was found was told to nobody.
            self._remembered.clear()
            raise
        if self._waiting is not waiting:
            return True
        # Only now: what fails is looked at again.
        del waiting.events[: len(events)]
        self._judged_until, self._position = until, position
        self._tell_places()
        return True

    async def _join(self, page: Page) -> int:
        """Take part; return up to which event the others have been told."""
        async with self._one_at_a_time:
            if self._waiting is None:
                judged_until, waiting = self._clock.now(), Waiting()
                position = await self._tail.join(waiting)
                self._waiting, self._position = waiting, position
                self._judged_until = judged_until
                self._remembered.clear()
            self._pages[page.wanted.clinic_id].add(page)
            return self._position

    def _leave(self, page: Page) -> None:
        pages = self._pages.get(page.wanted.clinic_id, set())
        pages.discard(page)
        if not pages:
            self._pages.pop(page.wanted.clinic_id, None)
        if not self._pages and self._waiting is not None:
            self._tail.leave(self._waiting)
            self._waiting = None

    async def _begin_anew(self) -> None:
        """Some events are missing: every page reads anew, and follows from here."""
        async with self._one_at_a_time:
            if self._waiting is None:
                return
            self._tail.leave(self._waiting)
            judged_until, waiting = self._clock.now(), Waiting()
            position = await self._tail.join(waiting)
            if not self._pages:
                self._waiting = None
                self._tail.leave(waiting)
                return
            self._waiting, self._position = waiting, position
            self._judged_until = judged_until
            self._remembered.clear()
        now = self._monotonic()
        for page in self._all():
            page.tell([Void(clinic_id=page.wanted.clinic_id)], position, now)

    def _all(self) -> list[Page]:
        return [page for pages in self._pages.values() for page in pages]

    async def _tell(self, hints: Iterable[Touched | Void], position: int) -> None:
        """Look where the hints say, and hand on what each page shows of it."""
        found: dict[Page, list[Told]] = defaultdict(list)
        touched: dict[tuple[ClinicId, DoctorId], list[Touched]] = defaultdict(list)
        for hint in hints:
            if isinstance(hint, Void):
                for page in self._pages.get(hint.clinic_id, ()):
                    if page.wanted.is_void(hint):
                        found[page].append(hint)
            elif hint.clinic_id in self._pages:
                touched[hint.clinic_id, hint.doctor_id].append(hint)
        for (clinic_id, doctor_id), some in touched.items():
            await self._look(clinic_id, doctor_id, some, found)
        now = self._monotonic()
        for page, told in found.items():
            if told:
                page.tell(bounded(page.wanted, told), position, now)

    async def _look(
        self,
        clinic_id: ClinicId,
        doctor_id: DoctorId,
        touched: Sequence[Touched],
        found: dict[Page, list[Told]],
    ) -> None:
        of_service: dict[ServiceId | None, list[Page]] = defaultdict(list)
        for page in self._pages.get(clinic_id, ()):
            if page.wanted.is_of(doctor_id):
                of_service[page.wanted.service_id].append(page)
        for service_id, pages in of_service.items():
            remembered = self._remembered if service_id is None else None
            states = await self._states(clinic_id, doctor_id, service_id, touched, remembered)
            for page in pages:
                voids = [one for one in states if isinstance(one, Void)]
                found[page] += [one for one in voids if page.wanted.is_void(one)]
                slots = [one for one in states if isinstance(one, SlotState)]
                found[page] += page.wanted.shown(slots)

    async def _states(
        self,
        clinic_id: ClinicId,
        doctor_id: DoctorId,
        service_id: ServiceId | None,
        touched: Sequence[Touched],
        remembered: Remembered | None,
    ) -> list[SlotState | Void]:
        states: list[SlotState | Void] = [slot for one in touched for slot in one.gone]
        for starts in stretches(one.starts for one in touched):
            some = await self._looks.states(doctor_id, service_id, starts, remembered)
            if some is None:
                since, until = starts.starts_at, starts.ends_at
                states.append(
                    Void(clinic_id=clinic_id, doctor_id=doctor_id, since=since, until=until)
                )
            else:
                states += some
        return states

    async def _missed(self, wanted: Wanted, after: int) -> Sequence[Told]:
        """Return what a page has missed that comes again, or that it has to read anew."""
        anew = [Void(clinic_id=wanted.clinic_id)]
        away = await self._looks.seconds_since(after)
        state, events = await self._feed.behind(after, most=MOST_MISSED, clinic_id=wanted.clinic_id)
        try:
            state.refuse_another_history(epoch=None, after=after)
        except FeedReset:
            return anew
        if away is None or away > LONGEST_AWAY.total_seconds() or len(events) == MOST_MISSED:
            return anew
        now = self._clock.now()
        hints = [hint for event in events for hint in hint_of(event)]
        hints += await self._by_time(wanted, now - timedelta(seconds=away) - MARGIN, now)
        told: list[Told] = [
            hint for hint in hints if isinstance(hint, Void) and wanted.is_void(hint)
        ]
        of_doctor: dict[DoctorId, list[Touched]] = defaultdict(list)
        for hint in hints:
            if isinstance(hint, Touched) and wanted.is_of(hint.doctor_id):
                of_doctor[hint.doctor_id].append(hint)
        for doctor_id, some in of_doctor.items():
            states = await self._states(
                wanted.clinic_id, doctor_id, wanted.service_id, some, remembered=None
            )
            told += [one for one in states if isinstance(one, Void)]
            told += wanted.shown(one for one in states if isinstance(one, SlotState))
        return bounded(wanted, told)

    async def _by_time(self, wanted: Wanted, since: datetime, until: datetime) -> list[Touched]:
        return await self._looks.changed_by_time([wanted.clinic_id], since, until)

    def _tell_places(self) -> None:
        now = self._monotonic()
        for page in self._all():
            if now - page.told_at >= PLACE_SECONDS:
                page.tell([Here()], self._position, now)
