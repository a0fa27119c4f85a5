"""The command `booking-system weave`; what it needs is loaded once it runs."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from booking_lab.bench.plan import BenchProblem
from booking_system.bootstrap.settings import Settings

if TYPE_CHECKING:
    from booking_lab.weave.subjects import Subject

VIOLATED, FAILED = 1, 3
LEAST = 20_000
"""From so many seeds on each coincidence has to come."""

Seeds = Annotated[str, typer.Option(help="Which seeds, such as 0:50000; the last is left out.")]
Messages = Annotated[bool, typer.Option(help="Relay, planner and sender beside the patients.")]
Payments = Annotated[bool, typer.Option(help="Payers, providers and workers beside the patients.")]
Rooms = Annotated[bool, typer.Option(help="Doctors in the rooms of online appointments.")]
Processes = Annotated[int, typer.Option(min=1, max=64, help="How many run at the same time.")]


def weave(
    *,
    seeds: Seeds = "0:2000",
    processes: Processes = 2,
    messages: Messages = False,
    payments: Payments = False,
    rooms: Rooms = False,
) -> None:
    """Let one seed decide every coincidence.

    On a PostgreSQL of its own each run is judged. Patients, the desk and the background meet at
    every statement and every commit in an order that the seed chooses; connections break, clients
    leave, holds run out. The same seed does the same. What goes wrong is cut down to the fewest
    steps and told as a story. With --messages workers relay, plan and send while patients book,
    move and cancel. With --payments they pay in several tabs, too late or twice, and providers, the
    desk and workers have to agree about the money. With --rooms doctors let them into online
    appointments that are cancelled and moved meanwhile.

    Exit codes: 0 nothing went wrong, 1 something did, or a coincidence was never reached, 2 wrong
    use, 3 it could not be run.
    """
    from booking_lab.weave.many import run_all  # noqa: PLC0415  (loads a lot)
    from booking_lab.weave.progress import progress  # noqa: PLC0415
    from booking_lab.weave.subjects import BOOKING, MESSAGES, PAYMENTS, ROOMS  # noqa: PLC0415

    if messages + payments + rooms > 1:
        raise typer.BadParameter("--messages, --payments and --rooms are woven one at a time")
    wanted = _range(seeds)
    others = ((MESSAGES, messages), (PAYMENTS, payments), (ROOMS, rooms))
    subject = next((one for one, is_meant in others if is_meant), BOOKING)
    try:
        with ExitStack() as stack:
            urls = stack.enter_context(_databases(min(processes, len(wanted))))
            tell = stack.enter_context(progress(len(wanted)))
            report = run_all(urls, wanted, tell=tell, subject=subject)
            stories = [_story(urls[0], seed, subject) for seed in sorted(report.wrong)[:1]]
    except BenchProblem as problem:
        typer.echo(problem, err=True)
        raise typer.Exit(FAILED) from None
    typer.echo("\n".join([*report.lines(), *(line for story in stories for line in story)]))
    missed = report.missed() if len(wanted) >= LEAST else []
    if missed:
        typer.echo(f"Never reached, so the search has a hole: {'; '.join(missed)}")
    if report.wrong or missed:
        raise typer.Exit(VIOLATED)


def _range(seeds: str) -> range:
    first, _, last = seeds.partition(":")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        raise typer.BadParameter("--seeds is two numbers, such as 0:50000")
    return range(int(first), int(last))


def _story(url: str, seed: int, subject: "Subject") -> Sequence[str]:
    from booking_lab.weave.many import told  # noqa: PLC0415  (loads a lot)
    from booking_lab.weave.weaver import weaver_at  # noqa: PLC0415

    async def tell() -> Sequence[str]:
        async with weaver_at(url) as weaver:
            return await told(weaver, seed, subject)

    return asyncio.run(tell())


@contextmanager
def _databases(count: int) -> Iterator[list[str]]:
    """Migrated databases of a server that is gone afterwards."""
    import asyncpg  # noqa: PLC0415  (loads a lot)

    from booking_lab.bench.run import own_place  # noqa: PLC0415
    from booking_system.bootstrap import migrations  # noqa: PLC0415

    async def make(url: str, name: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    with own_place(Settings().postgres_bin) as (_, server):
        urls = list[str]()
        for number in range(count):
            asyncio.run(make(server.url, f"weave_{number}"))
            urls.append(server.url_for(f"weave_{number}"))
            asyncio.run(migrations.upgrade(urls[-1]))
        yield urls
