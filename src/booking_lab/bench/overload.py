"""What five times the load does: with the entrance as it is, and with an open one."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncpg

from booking_lab.bench import flood, machine
from booking_lab.bench.api import serving, tokens_for
from booking_lab.bench.driver import Target, once, told_by
from booking_lab.bench.figures import percentile
from booking_lab.bench.flood import Outcome, Stream, outcome_of, stream_bytes
from booking_lab.bench.overload_report import BOOKED, Flooded, OverloadReport
from booking_lab.bench.plan import BenchProblem, OverloadPlan
from booking_lab.bench.pulse import Pulse
from booking_lab.bench.requests import Wishes
from booking_lab.bench.run import Progress, Steps, own_place, seeded
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres

EVERYBODY = "10000"
"""`BOOKING_MAX_REQUESTS_INSIDE` that is never reached."""
UNLOADED_SHARE = 0.1
ROOM = 1.3
"""So many times the bookings of its capacity are ready for a flood: what is refused goes again."""
FEWEST = 2
"""One request alone is no flood, however slow the machine."""
STEPS = 9


class Door(StrEnum):
    """Who is let in."""

    BOUNDED = "with admission"
    OPEN = "without admission"


def measure_overload(
    plan: OverloadPlan, *, postgres_bin: Path | None, progress: Progress
) -> OverloadReport:
    """Measure both ways. Raises `BenchProblem`, `LocalStackError`, `DatabaseProblemError`."""
    steps = Steps(progress, STEPS)
    with own_place(postgres_bin) as (folder, server):
        steps.next("seeding")
        version = asyncio.run(seeded(server.url, plan.rows))
        about = machine.described(version, server.root)
        strain = _Strain(plan=plan, server=server, folder=folder, tell=steps.next)
        requests = asyncio.run(strain.wishes())
        bounded = strain.bounded(requests)
        return OverloadReport(
            machine=about,
            plan=plan,
            capacity=bounded.capacity,
            unloaded=bounded.unloaded,
            bounded=bounded.flooded,
            open=strain.opened(requests, bounded.capacity),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounded:
    """`capacity`: bookings per second; `unloaded`: the 99th percentile in seconds."""

    capacity: float
    unloaded: float
    flooded: Flooded


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    """Requests that have not been sent yet, and who sends them."""

    book: list[bytes]
    warm_up: list[bytes]

    def next(self, count: int) -> list[bytes]:
        """Take so many. Raises `BenchProblem`."""
        if count > len(self.book):
            raise BenchProblem("This machine books faster than the overload's tables have slots.")
        taken = self.book[-count:]
        del self.book[-count:]
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strain:
    plan: OverloadPlan
    server: EmbeddedPostgres
    folder: Path
    tell: Callable[[str], None]

    async def wishes(self) -> _Wishes:
        """Make the requests out of the seeded rows."""
        connection = await asyncpg.connect(self.server.url)
        try:
            made = Wishes(connection, tokens_for(self.folder))
            return _Wishes(book=await made.to_flood(), warm_up=await made.to_warm_up())
        finally:
            await connection.close()

    def bounded(self, wishes: _Wishes) -> _Bounded:
        """Measure capacity and the unloaded time before and after; the flood in between."""
        with self._serving(wishes) as api:
            before = self._capacity(api, wishes, "capacity")
            quiet = self._unloaded(api, wishes, before)
            flooded = self._flooded(api, wishes, before, Door.BOUNDED)
            after = self._capacity(api, wishes, "capacity again")
            quiet += self._unloaded(api, wishes, after)
        return _Bounded(
            capacity=(before + after) / 2,
            unloaded=percentile(sorted(quiet), 99),
            flooded=flooded,
        )

    def opened(self, wishes: _Wishes, capacity: float) -> Flooded:
        """The flood again, with nobody turned away at the entrance."""
        with self._serving(wishes, MAX_REQUESTS_INSIDE=EVERYBODY) as api:
            return self._flooded(api, wishes, capacity, Door.OPEN)

    @contextmanager
    def _serving(self, wishes: _Wishes, **settings: str) -> Iterator[Target]:
        self.tell("the API")
        pid = self.server.server_pid
        with serving(self.server.url, self.folder, pid, **settings) as api:
            once(api, wishes.warm_up)
            once(api, wishes.next(self.plan.warm_up), hoped=201)
            yield api

    def _capacity(self, api: Target, wishes: _Wishes, what: str) -> float:
        self.tell(what)
        most = int(self.plan.seconds * self.plan.most_per_second)
        requests = wishes.next(min(most, len(wishes.book)))
        sample = once(api, requests, hoped=201, seconds=self.plan.seconds)
        # They are asked in order: what is left has not been sent.
        wishes.book.extend(reversed(requests[sum(sample.statuses.values()) :]))
        return sample.rate

    def _unloaded(self, api: Target, wishes: _Wishes, capacity: float) -> list[float]:
        self.tell("unloaded")
        rate = capacity * UNLOADED_SHARE
        requests = wishes.next(int(rate * self.plan.seconds) + 1)
        outcome = self._sent(api, requests, rate, self.plan.seconds)
        return outcome.latencies_of(BOOKED)

    def _flooded(self, api: Target, wishes: _Wishes, capacity: float, door: Door) -> Flooded:
        self.tell(door)
        rate, seconds = capacity * self.plan.times, self.plan.flood_seconds
        requests = wishes.next(max(FEWEST, int(capacity * seconds * ROOM)))
        with Pulse(api.port) as pulse:
            outcome = self._sent(api, requests, rate, seconds)
        return Flooded.of(outcome, rate=rate, seconds=seconds, pulse=pulse.beats)

    def _sent(self, api: Target, requests: list[bytes], rate: float, seconds: float) -> Outcome:
        stream = Stream(
            port=api.port,
            rate=rate,
            seconds=seconds,
            connections=self.plan.connections,
            lengths=[len(request) for request in requests],
        )
        return outcome_of(told_by(flood.__name__, stream_bytes(stream, requests)))
