"""Finds the laboratory (benchmarks, races, demo data), which is a package beside this one.

Nothing here imports it: its commands and its demo data are entry points, so that an installation
without it lacks nothing but these.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from booking_system.bootstrap.console import USAGE, ended

COMMANDS, DEMO = "booking_system.commands", "booking_system.demo"
"""Groups of entry points: commands, and `load`, which fills an empty database."""
HOW_TO_INSTALL = (
    "The laboratory (benchmarks, races, demo data) is not installed here. It is the package"
    " src/booking_lab of a checkout: `make` installs it there, and elsewhere"
    " `pip install ./src/booking_lab` does."
)
KNOWN = {
    "bench": "Measure bookings and slot searches on this machine.",
    "cost": "Count what one request costs, the same on every machine.",
    "fleet": "Run many instances on this machine, without containers.",
    "race": "Let many clients race on your own deployment, and check that nothing is sold twice.",
    "seed-demo": "Load the demo data into an empty database.",
    "weave": "Let one seed decide every coincidence, and judge each run.",
}


@dataclass(frozen=True, slots=True)
class Command:
    """A function for Typer, and what Typer is to know about it."""

    run: Callable[..., None]
    settings: dict[str, Any] = field(default_factory=dict)


def commands() -> dict[str, Command]:
    """Return the laboratory's commands by name, or what says that they are not installed."""
    found = {point.name: _loaded(point) for point in entry_points(group=COMMANDS)}
    return {name: _missing(name) for name in KNOWN if name not in found} | found


def demo() -> EntryPoint | None:
    """Return where demo data is loaded, if that is installed."""
    return next(iter(entry_points(group=DEMO, name="load")), None)


def _loaded(point: EntryPoint) -> Command:
    try:
        return Command(point.load())
    except ImportError:
        # A package that went and left its name behind stops no command of the product.
        return _missing(point.name)


def _missing(name: str) -> Command:
    def missing() -> None:
        raise ended(HOW_TO_INSTALL, USAGE)

    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    about = f"{KNOWN.get(name, name)} Not installed: {HOW_TO_INSTALL}"
    return Command(missing, {"help": about, "context_settings": anything})
