"""The same load on both APIs, by turns, so that a machine's moods meet both."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import asyncpg

from booking_lab.bench.driver import Target, once
from booking_lab.bench.figures import Sample
from booking_lab.bench.scale.places import Place
from booking_lab.bench.scale.plan import ScalePlan, Which
from booking_lab.bench.scale.searches import PATHS, Known, requests

MOST_PER_SECOND = 3000
Samples = dict[tuple[str, Which], list[Sample]]


@dataclass(slots=True, kw_only=True)
class Turns:
    """Measures paths on both, one after the other."""

    plan: ScalePlan
    places: Mapping[Which, Place]
    apis: Mapping[Which, Target]
    tell: Callable[[str], None]
    _seed: int = field(default=100)

    def run(self) -> Samples:
        """Return the samples of all turns but those that warm up, by path and database."""
        samples: Samples = {(path, which): [] for path in PATHS for which in Which}
        for number in range(-self.plan.warm_ups, self.plan.turns):
            for path in PATHS:
                for which in self._order(number):
                    self.tell(f"{path} {which}")
                    sample = self._turn(path, which)
                    if number >= 0:
                        samples[path, which].append(sample)
        return samples

    def _order(self, number: int) -> Iterator[Which]:
        yield from Which if number % 2 else reversed(Which)

    def _turn(self, path: str, which: Which) -> Sample:
        self._seed += 1
        asked = asyncio.run(self._requests(path, which, self._seed))
        return once(self.apis[which], asked, seconds=self.plan.seconds)

    async def _requests(self, path: str, which: Which, seed: int) -> list[bytes]:
        connection = await asyncpg.connect(self.places[which].server.url)
        try:
            known = await Known.of(connection, self.plan.size_of(which).days, seed)
        finally:
            await connection.close()
        return requests(known, path, max(200, int(self.plan.seconds * MOST_PER_SECOND)))
