"""Many seeds, on as many processes as there are to be; each has a database of its own."""

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import NamedTuple

from booking_lab.weave.coincidences import reached
from booking_lab.weave.shrinking import Shrinking
from booking_lab.weave.story import story_of
from booking_lab.weave.subjects import BOOKING, Subject
from booking_lab.weave.weaver import Outcome, Weaver, weaver_at


class One(NamedTuple):
    """What came of a seed."""

    seed: int
    steps: int
    reached: frozenset[str]
    wrong: tuple[str, ...]


@dataclass(slots=True)
class Report:
    """What came of all."""

    subject: Subject = BOOKING
    seeds: int = 0
    steps: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    wrong: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def add(self, one: One) -> None:
        """Count one more."""
        self.seeds += 1
        self.steps += one.steps
        self.reached.update(one.reached)
        if one.wrong:
            self.wrong[one.seed] = one.wrong

    def missed(self, *, least: int = 1) -> list[str]:
        """Name the coincidences that came too seldom."""
        return [name for name in self.subject.sometimes if self.reached[name] < least]

    def lines(self) -> Iterator[str]:
        """Yield it in words."""
        yield f"{self.seeds} schedules, {self.steps} steps, {len(self.wrong)} went wrong"
        for name in self.subject.sometimes:
            yield f"{self.reached[name]:8}  {name}"
        for seed, wrong in sorted(self.wrong.items())[:20]:
            yield f"seed {seed}: {'; '.join(dict.fromkeys(wrong))}"


async def woven(weaver: Weaver, seed: int, subject: Subject = BOOKING) -> tuple[One, Outcome]:
    """Run one seed."""
    outcome = await weaver.run(subject.planned(seed), subject.chance(seed))
    found = frozenset(reached(outcome.notes.sentences, subject.sometimes))
    return One(seed, len(outcome.choices), found, tuple(outcome.wrong)), outcome


async def told(weaver: Weaver, seed: int, subject: Subject = BOOKING) -> Sequence[str]:
    """Return the story of a seed that goes wrong, with as little in it as is needed."""
    _, outcome = await woven(weaver, seed, subject)
    shrinking = Shrinking(weaver)
    plan = await shrinking.of(subject.planned(seed)._replace(choices=tuple(outcome.choices)))
    return list(story_of(plan, shrinking.best, command=subject.command(seed)))


def run_all(
    urls: Sequence[str],
    seeds: range,
    *,
    tell: Callable[[Report], None],
    subject: Subject = BOOKING,
) -> Report:
    """Run the seeds, one process for each database; `tell` hears of the report as it grows."""
    context, report = multiprocessing.get_context("spawn"), Report(subject)
    pipes, processes = list[Connection](), list[BaseProcess]()
    for number, url in enumerate(urls):
        here, there = context.Pipe(duplex=False)
        share = seeds[number :: len(urls)]
        about = (url, share, there, subject)
        process = context.Process(target=_work, args=about, daemon=True)
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    while pipes:
        for pipe in wait(pipes):
            assert isinstance(pipe, Connection), "it waits for nothing else"
            try:
                report.add(pipe.recv())
            except EOFError:
                pipes.remove(pipe)
        tell(report)
    for done in processes:
        done.join()
    if report.seeds != len(seeds) and not report.wrong:
        raise RuntimeError("a process of the weave has ended early")
    return report


def _work(url: str, seeds: range, pipe: Connection, subject: Subject) -> None:
    async def work() -> None:
        async with weaver_at(url) as weaver:
            for seed in seeds:
                try:
                    one, _ = await woven(weaver, seed, subject)
                except Exception as error:
                    pipe.send(One(seed, 0, frozenset(), (f"the weave failed: {error!r}",)))
                    raise
                pipe.send(one)

    asyncio.run(work())
