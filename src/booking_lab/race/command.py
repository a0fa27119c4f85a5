"""The command `booking-system race`; what it needs is loaded once it runs."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from booking_lab.race.plan import LONGEST_SECONDS, Plan, RaceProblem, WrongUse

VIOLATED, USAGE, UNREACHABLE = 1, 2, 3
USUAL = Plan()

Url = Annotated[
    str, typer.Option(help="Where the deployment is, such as https://booking.example.com.")
]
Token = Annotated[
    str,
    typer.Option(
        envvar="RACE_TOKEN",
        show_default=False,
        help="The access token of a platform administrator, as POST /v1/auth/token gives it.",
    ),
]
Clients = Annotated[int, typer.Option(min=2, max=512, help="How many ask at the same time.")]
Seconds = Annotated[
    int, typer.Option(min=1, max=LONGEST_SECONDS, help="How long they begin new things.")
]
Doctors = Annotated[int, typer.Option(min=1, max=100, help="Each has 16 slots to race for.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same choices.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")]


def race(  # noqa: PLR0913  (one for each option)
    *,
    url: Url,
    token: Token,
    clients: Clients = USUAL.clients,
    seconds: Seconds = int(USUAL.seconds),
    doctors: Doctors = USUAL.doctors,
    seed: Seed = USUAL.seed,
    json_file: JsonFile = None,
) -> None:
    """Let many clients race on your own deployment.

    It checks that nothing is sold twice.
    Makes a throw-away clinic with doctors, slots and patients, lets clients hold, book, move,
    cancel, hang up and ask again all at once, checks everything that they were told against each
    other and against the final list, and removes the clinic again. Nothing else is touched, but
    the load is real: choose a quiet hour.

    Exit codes: 0 no violation, 1 violations, 2 wrong use, 3 the deployment could not be reached
    or the race not be run.
    """
    from booking_lab.race.deployment import Deployment  # noqa: PLC0415  (loads a lot)
    from booking_lab.race.run import race as fight_it_out  # noqa: PLC0415

    plan = Plan(clients=clients, seconds=seconds, doctors=doctors, seed=seed)
    try:
        with _progress() as progress:
            report = fight_it_out(
                Deployment(url=_address(url)),
                plan,
                token=token.strip(),
                tell=progress,
                say=lambda sentence: typer.echo(sentence, err=True),
            )
    except RaceProblem as problem:
        typer.echo(problem, err=True)
        code = USAGE if isinstance(problem, WrongUse) else UNREACHABLE
        raise typer.Exit(code) from None
    if json_file is not None:
        text = json.dumps(report.as_json(), indent=2)
        json_file.write_text(f"{text}\n", encoding="utf-8")
    typer.echo("\n".join(report.lines()))
    if report.violations:
        raise typer.Exit(VIOLATED)


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise WrongUse("--url must begin with http:// or https://.")
    return url.rstrip("/")


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("the deployment", total=None)

        def step(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{what:16}")

        yield step
