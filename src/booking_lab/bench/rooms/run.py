"""One whole run of rooms, on a database server of its own that is gone afterwards."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

from booking_lab.bench import machine
from booking_lab.bench.api import serving, tokens_for
from booking_lab.bench.driver import told_by
from booking_lab.bench.neighbours import Neighbours
from booking_lab.bench.requests import Callers
from booking_lab.bench.rooms import talkers
from booking_lab.bench.rooms.ground import filled
from booking_lab.bench.rooms.plan import RoomsPlan
from booking_lab.bench.rooms.report import RoomsReport
from booking_lab.bench.rooms.talkers import Heard, Talk
from booking_lab.bench.run import Progress, Steps, own_place


def measure_rooms(plan: RoomsPlan, *, postgres_bin: Path | None, progress: Progress) -> RoomsReport:
    """Measure. Raises `BenchProblem`, `LocalStackError`, `DatabaseProblemError`."""
    steps = Steps(progress, 3)
    with own_place(postgres_bin) as (folder, server):
        neighbours = Neighbours(server.server_pid, plan.look)
        neighbours.rest("before the rooms")
        steps.next("seeding")
        version, rooms = asyncio.run(filled(server.url, plan.rooms))
        about = machine.described(version, server.root)
        steps.next("the API")
        with serving(server.url, folder, server.server_pid) as api:
            callers = Callers(tokens_for(folder))
            talk = Talk(
                port=api.port,
                pid=api.pid,
                first=plan.first,
                per_second=plan.per_second,
                seconds=plan.seconds,
                rooms=[
                    tuple((str(one["booking_id"]), callers.token(one)) for one in parties)  # type: ignore[misc]
                    for parties in rooms
                ],
            )
            steps.next("talking")
            before = api.spent()
            with neighbours.working("the rooms"):
                told = told_by(talkers.__name__, json.dumps(asdict(talk)).encode())
            spent = (api.spent().api or 0.0) - (before.api or 0.0)
        return RoomsReport(
            plan=plan,
            machine=about,
            heard=Heard(**json.loads(told)),
            cpu_seconds=spent,
            looks=neighbours.looks,
        )
