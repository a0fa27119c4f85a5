"""One whole run with several instances, on a database server of its own that is gone afterwards."""

import asyncio
import random
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import asyncpg

from booking_lab.bench import machine
from booking_lab.bench.api import serving, tokens_for
from booking_lab.bench.driver import Target, send
from booking_lab.bench.figures import Cpu, Sample
from booking_lab.bench.instances.plan import InstancesPlan, Kind, Setup
from booking_lab.bench.instances.report import InstancesReport, Samples
from booking_lab.bench.load import Result, Task
from booking_lab.bench.neighbours import Neighbours
from booking_lab.bench.plan import BOOK_FROM, CONNECTIONS, DAYS_READ, BenchProblem
from booking_lab.bench.processes import cpu_of
from booking_lab.bench.requests import Wishes
from booking_lab.bench.run import Progress, Steps, own_place, seeded
from booking_lab.fleet.between import redis as a_redis
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres

OK, CREATED = 200, 201
WARM_UP_BOOKINGS, WARM_UP_READS = 64, 200
MOST_BOOKINGS_PER_SECOND = 2_500
"""Of any setup, on a machine like those that this was made on."""
SHUFFLED = 7
"""The same pages are asked for in the same order in each run."""


def measure_instances(
    plan: InstancesPlan, *, postgres_bin: Path | None, progress: Progress
) -> InstancesReport:
    """Measure. Raises `BenchProblem`, `FleetProblem`, `LocalStackError`, `DatabaseProblemError`."""
    setups = plan.setups
    samples: Samples = {(setup, kind): [] for setup in setups for kind in Kind}
    steps = Steps(progress, 2 + (1 + plan.rounds) * len(samples))
    with own_place(postgres_bin) as (folder, server):
        neighbours = Neighbours(server.server_pid, plan.look)
        neighbours.rest("before the first round")
        steps.next("seeding")
        version = asyncio.run(seeded(server.url, plan.rows))
        about = machine.described(version, server.root)
        steps.next("the instances")
        with _house(plan, server, folder) as house:
            for number in range(plan.rounds + 1):
                with neighbours.working(f"round {number}"):
                    for setup in reversed(setups) if number % 2 else setups:
                        for kind in Kind:
                            steps.next(f"{kind}, {setup}")
                            sample = house.measured(setup, kind)
                            if number:
                                samples[setup, kind].append(sample)
        return InstancesReport(plan=plan, machine=about, samples=samples, looks=neighbours.looks)


@contextmanager
def _house(plan: InstancesPlan, server: EmbeddedPostgres, folder: Path) -> Iterator["House"]:
    """Start all that is measured; what is not measured stands still."""
    with ExitStack() as stack:
        redis = a_redis(folder)
        stack.callback(redis.kill)
        redis.start()
        assert redis.process is not None
        targets = dict[bool, list[Target]]()
        for shares in (False, True):
            more = {"REDIS_URL": redis.address} if shares else {}
            targets[shares] = [
                stack.enter_context(serving(server.url, folder, server.server_pid, **more))
                for _ in range(plan.most)
            ]
        asked = asyncio.run(_prepare(server.url, folder, plan))
        house = House(plan=plan, targets=targets, redis=redis.process.pid, asked=asked)
        for one in (*targets[False], *targets[True]):
            house.warm_up(one)
        # Redis has all pages then, as it has after some minutes of any page's life.
        _sent(targets[True], asked.reads, None)
        yield house


class Asked(NamedTuple):
    """The requests: a week of each doctor, bookings in these weeks, and who books."""

    reads: Sequence[bytes]
    bookings: Sequence[bytes]
    before: Sequence[bytes]


async def _prepare(url: str, folder: Path, plan: InstancesPlan) -> Asked:
    turns = (plan.rounds + 1) * len(plan.setups) * len(Kind)
    most = int(turns * (plan.seconds * MOST_BOOKINGS_PER_SECOND + WARM_UP_BOOKINGS))
    connection = await asyncpg.connect(url)
    try:
        wishes = Wishes(connection, tokens_for(folder))
        return Asked(
            reads=[
                request
                for week in range(plan.weeks)
                for request in await wishes.to_read(since=BOOK_FROM + week * DAYS_READ)
            ],
            bookings=await wishes.to_book(most),
            before=await wishes.to_warm_up(),
        )
    finally:
        await connection.close()


@dataclass(slots=True, kw_only=True)
class House:
    """All instances, with Redis (True) and without, and what is left to be asked."""

    plan: InstancesPlan
    targets: Mapping[bool, Sequence[Target]]
    redis: int
    asked: Asked
    _next: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(SHUFFLED))  # noqa: S311

    def warm_up(self, target: Target) -> None:
        """Let the instance see everybody who is going to book, and make some bookings."""
        bookings = self._bookings(WARM_UP_BOOKINGS)
        some = self.asked.reads[:WARM_UP_READS]
        _sent([target], [*self.asked.before, *some, *bookings], None)
        self._next += len(bookings)

    def measured(self, setup: Setup, kind: Kind) -> Sample:
        """Ask the instances of a setup for so long as the plan says. Raises `BenchProblem`."""
        targets = self.targets[setup.shares][: setup.instances]
        bookings = self._bookings(int(self.plan.seconds * MOST_BOOKINGS_PER_SECOND))
        requests = bookings if kind is Kind.BOOKINGS else list(self._pages(bookings))
        before = self._spent(targets)
        result, reached = _sent(targets, requests, self.plan.seconds)
        after = self._spent(targets)
        statuses = Counter(result.statuses)
        if not statuses[CREATED]:
            raise BenchProblem(f"Nothing was booked: {dict(statuses)}.")
        self._next += reached if kind is Kind.BOOKINGS else reached // (self.plan.reads + 1) + 1
        good = statuses[OK] + statuses[CREATED]
        api, database, redis = (late - early for late, early in zip(after, before, strict=True))
        return Sample(
            answers=good,
            seconds=result.seconds,
            latencies=result.latencies,
            cpu=Cpu(api=api, database=database, redis=redis, load=result.cpu),
            statuses=statuses,
            others=statuses.total() - good,
        )

    def _bookings(self, most: int) -> Sequence[bytes]:
        return self.asked.bookings[self._next : self._next + most]

    def _pages(self, bookings: Sequence[bytes]) -> Iterator[bytes]:
        for booking in bookings:
            yield from self._chance.choices(self.asked.reads, k=self.plan.reads)
            yield booking

    def _spent(self, targets: Sequence[Target]) -> tuple[float, float, float]:
        spent = [target.spent() for target in targets]
        api = sum(one.api or 0.0 for one in spent)
        return api, spent[0].database or 0.0, cpu_of(self.redis)


def _sent(
    targets: Sequence[Target], requests: Sequence[bytes], seconds: float | None
) -> tuple[Result, int]:
    """Deal the requests out to the instances, with as many connections in all as for one.

    Return also behind how many of them none was sent.
    """
    parts = [requests[place :: len(targets)] for place in range(len(targets))]

    def send_to(target: Target, part: Sequence[bytes]) -> Result:
        lengths = [len(request) for request in part]
        share = CONNECTIONS // len(targets)
        return send(
            Task(port=target.port, connections=share, lengths=lengths, seconds=seconds), part
        )

    with ThreadPoolExecutor(len(targets)) as pool:
        results = list(pool.map(send_to, targets, parts))
    latencies, statuses = array("d"), array("H")
    for one in results:
        latencies.extend(one.latencies)
        statuses.extend(one.statuses)
    result = Result(
        seconds=max(one.seconds for one in results),
        cpu=sum(one.cpu for one in results),
        latencies=latencies,
        statuses=statuses,
    )
    return result, max(len(one.statuses) for one in results) * len(targets)
