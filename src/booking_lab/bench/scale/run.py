"""One whole comparison: two databases, two APIs, pages and latencies."""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from booking_lab.bench import machine
from booking_lab.bench.api import serving
from booking_lab.bench.run import Progress, Steps, own_folder
from booking_lab.bench.scale.buffers import touched
from booking_lab.bench.scale.places import Place, place_in
from booking_lab.bench.scale.plan import ScalePlan, Which
from booking_lab.bench.scale.report import Filled, ScaleReport
from booking_lab.bench.scale.searches import PATHS
from booking_lab.bench.scale.turns import Turns


def measure_scale(
    plan: ScalePlan, *, data_dir: Path | None, postgres_bin: Path | None, progress: Progress
) -> ScaleReport:
    """Compare both sizes; the large database stays in `data_dir`, where one is given.

    Raises `BenchProblem`, `LocalStackError`, `DatabaseProblemError`.
    """
    steps = Steps(progress, len(Which) * (2 + len(PATHS) * (plan.warm_ups + plan.turns)))
    with ExitStack() as stack:
        temporary = stack.enter_context(own_folder())
        places = {
            which: stack.enter_context(
                place_in(
                    _folder_of(which, data_dir, temporary),
                    plan.size_of(which),
                    postgres_bin=postgres_bin,
                    is_kept=which is Which.LARGE and data_dir is not None,
                    loading=_Loading(progress, which),
                )
            )
            for which in Which
        }
        explained = {}
        for which, place in places.items():
            steps.next(f"plans, {which}")
            days, url = plan.size_of(which).days, place.server.url
            explained[which] = asyncio.run(touched(url, days, samples=plan.samples))
        steps.next("the APIs")
        apis = {
            which: stack.enter_context(
                serving(place.server.url, place.folder, place.server.server_pid)
            )
            for which, place in places.items()
        }
        turns = Turns(plan=plan, places=places, apis=apis, tell=steps.next)
        return ScaleReport(
            machine=machine.described(places[Which.LARGE].version, places[Which.LARGE].server.root),
            plan=plan,
            filled={which: _filled(place) for which, place in places.items()},
            touched=explained,
            samples=turns.run(),
        )


def _folder_of(which: Which, data_dir: Path | None, temporary: Path) -> Path:
    if which is Which.LARGE and data_dir is not None:
        return data_dir.absolute()
    return temporary / which


def _filled(place: Place) -> Filled:
    return Filled(slots=place.slots, size_bytes=place.size_bytes, load_seconds=place.load_seconds)


@dataclass(frozen=True, slots=True)
class _Loading:
    """Hears how far a load is, and shows it as its own bar."""

    progress: Progress
    which: Which

    def __call__(self, done: int, total: int) -> None:
        self.progress(done, total, f"loading {self.which}")
