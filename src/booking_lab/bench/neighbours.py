"""What others take of the processors while the bench works: on a busy machine it does not judge."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from booking_lab.bench.processes import TICKS, cpu_of_trees

MOST_AT_REST, MOST_AT_WORK = 0.05, 0.10
"""So much of the processors' time may others take.

While the bench works, the kernel's own threads count as others, although they write for it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Processor seconds since the machine was started, of the processors that we may use.

    `busy`: of all programs, `stolen`: by other machines of the same host, `own`: of the bench.
    `at` is a clock in seconds.
    """

    at: float
    processors: int
    busy: float
    stolen: float
    own: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Shares of the processors' time that others took; `most` is what they may take.

    The load average, which also counts what the bench did in the last minute, is only told.
    """

    when: str
    others: float
    stolen: float
    most: float
    load_average: float

    @property
    def taken(self) -> float:
        """What was not there for the bench."""
        return self.others + self.stolen

    @property
    def is_busy(self) -> bool:
        """Say whether figures of this time are no basis for a verdict."""
        return self.taken > self.most


def look_between(when: str, before: Moment, after: Moment, *, most: float, load: float) -> Look:
    """Say what others took from one moment to another."""
    room = (after.at - before.at) * after.processors
    own = after.own - before.own
    return Look(
        when=when,
        others=max(0.0, after.busy - before.busy - own) / room,
        stolen=(after.stolen - before.stolen) / room,
        most=most,
        load_average=load,
    )


def busy_sentences(looks: Sequence[Look]) -> Iterator[str]:
    """Say in a sentence that, when and how much others took, if it was too much."""
    if busy := [look for look in looks if look.is_busy]:
        worst = max(busy, key=lambda look: look.taken / look.most)
        yield (
            f"This machine is busy: others took {worst.taken:.0%} of its processor time "
            f"{worst.when}, at most {worst.most:.0%} may be theirs ({len(busy)} of {len(looks)} "
            f"looks, load average {looks[0].load_average:.1f} at first). The figures stand "
            "without a verdict."
        )


@dataclass(slots=True)
class Neighbours:
    """Looks at others; `postmaster` is the process of the database server of the bench."""

    postmaster: int
    seconds: float
    looks: list[Look] = field(default_factory=list)

    def rest(self, when: str) -> None:
        """Do nothing for a while, and keep in mind what others do meanwhile."""
        before = self.moment()
        time.sleep(self.seconds)
        self._look(when, before, MOST_AT_REST)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Keep in mind what others do while the bench works, and in the rest behind that."""
        before = self.moment()
        yield
        self._look(f"during {what}", before, MOST_AT_WORK)
        self.rest(f"after {what}")

    def moment(self) -> Moment:
        """Return what was used until now."""
        processors = os.sched_getaffinity(0)
        busy, stolen = processor_seconds(Path("/proc/stat").read_text("ascii"), processors)
        return Moment(
            at=time.monotonic(),
            processors=len(processors),
            busy=busy,
            stolen=stolen,
            own=cpu_of_trees({os.getpid(), self.postmaster}),
        )

    def _look(self, when: str, since: Moment, most: float) -> None:
        load = os.getloadavg()[0]
        self.looks.append(look_between(when, since, self.moment(), most=most, load=load))


def processor_seconds(stat: str, processors: set[int]) -> tuple[float, float]:
    """Read /proc/stat: the seconds that programs used and that were stolen, on these processors."""
    busy = stolen = 0
    for line in stat.splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in processors:
            ticks = [int(field) for field in fields]
            # Interrupts are left out: some kernels count them to the program that they interrupt.
            busy += sum(ticks[:3])
            stolen += ticks[7]
    return busy / TICKS, stolen / TICKS
