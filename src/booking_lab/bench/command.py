"""The command `booking-system bench`; what it needs is loaded once it runs."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from booking_lab.bench.plan import FEWEST_ROUNDS, BenchProblem, OverloadPlan, Plan
from booking_system.bootstrap.settings import Settings

FAILED, BUSY = 1, 5
USUAL = Plan()

Rounds = Annotated[int, typer.Option(min=FEWEST_ROUNDS, max=50, help="Compared one by one.")]
Seconds = Annotated[int, typer.Option(min=1, max=8, help="How long each measurement takes.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
Overload = Annotated[bool, typer.Option("--overload", help="Five times the load, for 30 s.")]
Scale = Annotated[
    bool, typer.Option("--scale", help="Searches at size against the same on few rows.")
]
Journey = Annotated[
    bool, typer.Option("--journey", help="A page's way to a booking, half a second each request.")
]
Rooms = Annotated[
    bool, typer.Option("--rooms", help="500 rooms of online appointments, 500 messages a second.")
]
Instances = Annotated[
    bool, typer.Option("--instances", help="1, 2 and 3 instances, with pages shared and without.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(help="With --scale: keep the large database here; loading it takes minutes."),
]
Quick = Annotated[bool, typer.Option("--quick", help="One short round, to see that it works.")]


Hear = Callable[[int, int, str], None]


class Report(Protocol):
    """What a run has found."""

    def lines(self) -> Iterator[str]:
        """Return the text for the operator."""

    def missed(self) -> list[str]:
        """Return a sentence for each bar that was not reached."""

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines."""


Judged = tuple[Report, list[str]]
"""A report, and why there is no verdict: what others took of the machine."""


def bench(  # noqa: PLR0913  (options)
    *,
    rounds: Rounds = USUAL.rounds,
    seconds: Seconds = int(USUAL.seconds),
    json_file: JsonFile = None,
    quick: Quick = False,
    overload: Overload = False,
    scale: Scale = False,
    journey: Journey = False,
    rooms: Rooms = False,
    instances: Instances = False,
    data_dir: DataDir = None,
) -> None:
    """Measure bookings and searches on this machine.

    It touches no data of yours.
    Exit codes: 0 no bar was missed, 1 one was missed or the bench could not go on, 2 wrong usage,
    5 others kept the machine busy: the figures are told, and no verdict.
    Where a bar is missed, as many rounds follow, and all are judged together.
    With --journey each request of a page is compared with bare FastAPI, on a database that was made
    over HTTP a moment ago and on a large one; there are no bars.
    With --rooms two parties in each of 500 rooms write to each other, on one process: how soon a
    message comes, and what a connection takes of memory.
    With --instances one, two and three processes answer the same load by turns, with a Redis and
    without; there are no bars.
    With --scale a database of 1,000 doctors x 12 months is loaded first; --data-dir keeps it for
    the next runs of a week.
    """
    if overload + scale + journey + rooms + instances > 1:
        raise typer.BadParameter(
            "choose one of --overload, --scale, --journey, --rooms and --instances"
        )
    if data_dir is not None and not scale:
        raise typer.BadParameter("--data-dir goes with --scale")
    try:
        with _progress() as progress:
            found: Judged
            if overload:
                found = _overload(seconds, progress, quick=quick), []
            elif scale:
                found = _scale(data_dir, progress, quick=quick), []
            elif journey:
                found = _journey(rounds, progress, quick=quick)
            elif rooms:
                found = _rooms(progress, quick=quick)
            elif instances:
                found = _instances(rounds, progress, quick=quick)
            else:
                found = _usual(rounds, seconds, progress, quick=quick)
    except BenchProblem as problem:
        typer.echo(problem, err=True)
        raise typer.Exit(FAILED) from None
    _tell(*found, json_file=json_file)


def _tell(report: Report, busy: list[str], *, json_file: Path | None) -> None:
    """Say what was found. Raises `typer.Exit` where a bar was missed, or there is no verdict."""
    if json_file is not None:
        text = json.dumps(report.as_json(), indent=2)
        json_file.write_text(f"{text}\n", encoding="utf-8")
    typer.echo("\n".join(report.lines()))
    missed = report.missed()
    for sentence in (*busy, *missed):
        typer.echo(sentence)
    if missed or busy:
        raise typer.Exit(FAILED if missed else BUSY)


def _usual(rounds: int, seconds: int, progress: Hear, *, quick: bool) -> Judged:
    from booking_lab.bench.run import measure  # noqa: PLC0415  (loads a lot)

    plan = Plan.quick() if quick else replace(USUAL, rounds=rounds, seconds=seconds)
    report = measure(plan, postgres_bin=Settings().postgres_bin, progress=progress)
    return report, [] if quick else report.busy()


def _overload(seconds: int, progress: Hear, *, quick: bool) -> Report:
    from booking_lab.bench.overload import measure_overload  # noqa: PLC0415

    plan = OverloadPlan.quick() if quick else OverloadPlan(seconds=seconds)
    return measure_overload(plan, postgres_bin=Settings().postgres_bin, progress=progress)


def _scale(data_dir: Path | None, progress: Hear, *, quick: bool) -> Report:
    from booking_lab.bench.scale.plan import ScalePlan  # noqa: PLC0415
    from booking_lab.bench.scale.run import measure_scale  # noqa: PLC0415

    plan = ScalePlan.quick() if quick else ScalePlan()
    if data_dir is None or not (data_dir / "postgres").exists():
        typer.echo(f"Loading first: {plan.large.forecast()}", err=True)
    binaries = Settings().postgres_bin
    return measure_scale(plan, data_dir=data_dir, postgres_bin=binaries, progress=progress)


def _journey(rounds: int, progress: Hear, *, quick: bool) -> Judged:
    from booking_lab.bench.journey.plan import JourneyPlan  # noqa: PLC0415
    from booking_lab.bench.journey.run import measure_journey  # noqa: PLC0415

    plan = JourneyPlan.quick() if quick else JourneyPlan(rounds=rounds)
    report = measure_journey(plan, postgres_bin=Settings().postgres_bin, progress=progress)
    return report, [] if quick else report.busy()


def _rooms(progress: Hear, *, quick: bool) -> Judged:
    from booking_lab.bench.rooms.plan import RoomsPlan  # noqa: PLC0415
    from booking_lab.bench.rooms.run import measure_rooms  # noqa: PLC0415

    plan = RoomsPlan.quick() if quick else RoomsPlan()
    report = measure_rooms(plan, postgres_bin=Settings().postgres_bin, progress=progress)
    return report, [] if quick else report.busy()


def _instances(rounds: int, progress: Hear, *, quick: bool) -> Judged:
    from booking_lab.bench.instances.plan import InstancesPlan  # noqa: PLC0415
    from booking_lab.bench.instances.run import measure_instances  # noqa: PLC0415

    plan = InstancesPlan.quick() if quick else InstancesPlan(rounds=rounds)
    report = measure_instances(plan, postgres_bin=Settings().postgres_bin, progress=progress)
    return report, [] if quick else report.busy()


@contextmanager
def _progress() -> Iterator[Hear]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("the database", total=None)

        def step(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{what:20}")

        yield step
