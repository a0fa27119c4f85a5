"""One whole run of the journey, on a database server of its own that is gone afterwards."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from booking_lab.bench import machine, servers
from booking_lab.bench.api import serving, tokens_for, working
from booking_lab.bench.driver import Target
from booking_lab.bench.journey import ground
from booking_lab.bench.journey.ground import Ground
from booking_lab.bench.journey.plan import JourneyPlan, Step, Which
from booking_lab.bench.journey.report import JourneyReport, Pairs
from booking_lab.bench.journey.walk import Walk, lengths_of
from booking_lab.bench.neighbours import Neighbours
from booking_lab.bench.processes import announced_port, running
from booking_lab.bench.requests import Callers
from booking_lab.bench.run import Progress, Steps, own_place
from booking_system.bootstrap.embedded_postgres import EmbeddedPostgres


def measure_journey(
    plan: JourneyPlan, *, postgres_bin: Path | None, progress: Progress
) -> JourneyReport:
    """Walk both journeys. Raises `BenchProblem`, `LocalStackError`, `DatabaseProblemError`."""
    turns = plan.warm_ups + plan.rounds
    steps = Steps(progress, 2 + turns * len(Which) * len(Step))
    with ExitStack() as stack:
        folder, server = stack.enter_context(own_place(postgres_bin))
        neighbours = Neighbours(server.server_pid, plan.look)
        neighbours.rest("before the first round")
        urls = stack.enter_context(databases(server))
        places = _Places(plan=plan, server=server, folder=folder, urls=urls, stack=stack)
        steps.next("the large database")
        walks = {Which.LARGE: places.large()}
        steps.next("the small database")
        walks[Which.SMALL] = places.small()
        pairs: Pairs = {(which, step): [] for which in Which for step in Step}
        for number in range(1 - plan.warm_ups, plan.rounds + 1):
            with neighbours.working(f"round {number}"):
                for which in Which:
                    found = walks[which].once(steps.next)
                    for step in Step if number > 0 else ():
                        pairs[which, step].append(found[step])
        return JourneyReport.of(
            pairs, machine.described(places.version, server.root), plan, neighbours.looks
        )


@contextmanager
def databases(server: EmbeddedPostgres) -> Iterator[Mapping[Which, str]]:
    """Make two empty databases on the server; give their addresses."""
    for which in Which:
        asyncio.run(_execute(server, f"CREATE DATABASE journey_{which}"))
    yield {which: server.url_for(f"journey_{which}") for which in Which}


@contextmanager
def comparing(folder: Path, lengths: list[int]) -> Iterator[Target]:
    """Run bare FastAPI; at `/0`, `/1` ... it answers so many bytes."""
    given = json.dumps(lengths).encode()
    with running(servers.__name__, "several", folder=folder, given=given) as server:
        yield Target(port=announced_port(server), pid=server.pid)


@dataclass(slots=True, kw_only=True)
class _Places:
    """Fills both databases and starts what answers; all of it ends with `stack`."""

    plan: JourneyPlan
    server: EmbeddedPostgres
    folder: Path
    urls: Mapping[Which, str]
    stack: ExitStack
    version: str = field(default="", init=False)

    def large(self) -> Walk:
        """Fill it first: what follows finds it at rest."""
        url = self.urls[Which.LARGE]
        there, self.version = asyncio.run(ground.large(url, self.plan))
        api, callers = self._api(Which.LARGE)
        return self._walk(Which.LARGE, api, callers, there)

    def small(self) -> Walk:
        """Fill it over HTTP: the rounds begin right behind that."""
        url = self.urls[Which.SMALL]
        people = asyncio.run(ground.people(url, self.plan))
        api, callers = self._api(Which.SMALL)
        with working(url, self.folder / Which.SMALL):
            service_id = ground.newcomer(api.port, self.plan, callers.token(people[0]))
        there = asyncio.run(ground.small(url, self.plan, people, service_id))
        return self._walk(Which.SMALL, api, callers, there)

    def _api(self, which: Which) -> tuple[Target, Callers]:
        folder = self.folder / which
        folder.mkdir()
        folder.chmod(0o755)
        serves = serving(self.urls[which], folder, self.server.server_pid)
        return self.stack.enter_context(serves), Callers(tokens_for(folder))

    def _walk(self, which: Which, api: Target, callers: Callers, there: Ground) -> Walk:
        lengths = lengths_of(api, there, callers)
        bare = self.stack.enter_context(comparing(self.folder / which, list(lengths.values())))
        return Walk(plan=self.plan, api=api, bare=bare, ground=there, callers=callers)


async def _execute(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url_for("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
