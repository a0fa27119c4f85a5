"""What a run of rooms has found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from booking_lab.bench.figures import MILLI, percentile
from booking_lab.bench.neighbours import Look, busy_sentences
from booking_lab.bench.rooms.plan import MOST_CONNECTION_KB, MOST_DELIVERY_MS, RoomsPlan
from booking_lab.bench.rooms.talkers import Heard

KILO = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomsReport:
    """`cpu_seconds` of the API's process while all of it went on."""

    plan: RoomsPlan
    machine: Mapping[str, str]
    heard: Heard
    cpu_seconds: float
    looks: Sequence[Look]

    def way_ms(self, percent: float) -> float:
        """Return a percentile of a message's way from one page to the other, in milliseconds."""
        return percentile(sorted(self.heard.ways), percent) * MILLI

    @property
    def connection_kb(self) -> float:
        """Return the memory that one connection takes, in kilobytes."""
        return (self.heard.after - self.heard.before) / self.heard.connections / KILO

    def lines(self) -> Iterator[str]:
        """Yield the text for the operator."""
        plan = self.plan
        for name, value in self.machine.items():
            yield f"{name}: {value}"
        yield (
            f"{plan.rooms} rooms with two parties each, on one process; {plan.per_second} messages"
            f" a second for {plan.seconds:g} s"
        )
        yield (
            f"a message's way: median {self.way_ms(50):.1f} ms, 99th percentile"
            f" {self.way_ms(99):.1f} ms (bar: below {MOST_DELIVERY_MS:g} ms);"
            f" {self.heard.lost} never came"
        )
        yield (
            f"a connection: {self.connection_kb:.0f} kB (bar: below {MOST_CONNECTION_KB:g} kB), of"
            f" {self.heard.connections} that came to others"
        )
        yield f"processor time of the API: {self.cpu_seconds:.1f} s, with everybody's coming in"

    def missed(self) -> list[str]:
        """Return a sentence for each bar that was not reached."""
        found = []
        if self.heard.lost:
            found.append(f"{self.heard.lost} messages never came.")
        if self.plan.is_judged and self.way_ms(99) >= MOST_DELIVERY_MS:
            found.append("The way of a message takes too long.")
        if self.plan.is_judged and self.connection_kb >= MOST_CONNECTION_KB:
            found.append("A connection takes too much memory.")
        return found

    def busy(self) -> list[str]:
        """Say why there is no verdict."""
        return list(busy_sentences(self.looks))

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines."""
        return {
            "machine": dict(self.machine),
            "plan": asdict(self.plan),
            "way_ms": {str(one): round(self.way_ms(one), 2) for one in (50, 90, 99, 100)},
            "lost": self.heard.lost,
            "connection_kb": round(self.connection_kb, 1),
            "memory": {"before": self.heard.before, "after": self.heard.after},
            "cpu_seconds": round(self.cpu_seconds, 2),
            "missed": self.missed(),
        }
