"""The command line: `booking-system`, or `python -m booking_system.bootstrap.cli`."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from booking_system import __version__
from booking_system.bootstrap import checks, horizon, logs, up
from booking_system.bootstrap.bench.command import bench
from booking_system.bootstrap.embedded_postgres import database_for
from booking_system.bootstrap.migrations import DatabaseProblemError
from booking_system.bootstrap.postgres_binaries import LocalStackError
from booking_system.bootstrap.process import Interrupted, interruptible, pin_time_zones
from booking_system.bootstrap.race.command import race
from booking_system.bootstrap.scale.size import Size
from booking_system.bootstrap.serve import AddressUnavailable, ApiFailed
from booking_system.bootstrap.settings import Settings, SettingsProblem
from booking_system.shared_kernel.errors import Refusal, Transient, Unavailable

FAILED, USAGE, DATABASE, ADDRESS, STOPPED = 1, 2, 3, 4, 130
EXIT_CODES = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 trouble with the database, "
    "4 the port is taken. Settings are environment variables; .env.example lists them."
)

app = typer.Typer(
    name="booking-system",
    help="Appointment booking for clinics.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
# Paths and addresses are printed as they are: nothing in them is markup.
out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(highlight=False, markup=False, soft_wrap=True, stderr=True)


@app.command("up")
def bring_up() -> None:
    """Start everything on this machine: database, tables, demo data, API."""
    with _told_plainly(code_when_stopped=0):
        settings = _settings()
        for sentence in checks.warnings_about(settings):
            err.print(sentence)
        with _progress("Demo data") as progress:
            up.bring_up(settings, out.print, progress)


@app.command()
def serve() -> None:
    """Serve the API of a database whose tables are up to date."""
    with _told_plainly(code_when_stopped=0):
        up.serve(_settings(), out.print)


@app.command()
def migrate() -> None:
    """Bring the tables of the database to this version."""
    with _told_plainly():
        up.migrate(_settings())
        out.print("The tables are up to date.")


@app.command("seed-demo")
def seed_demo(
    *,
    scale: Annotated[bool, typer.Option("--scale", help="Many clinics, a year of slots.")] = False,
    doctors: Annotated[
        int, typer.Option(min=1, max=10_000, help="With --scale: how many, 20 to a clinic.")
    ] = Size().doctors,
    months: Annotated[
        int, typer.Option(min=1, max=24, help="With --scale: how far the calendars go.")
    ] = Size().months,
    even_if_not_empty: Annotated[
        bool, typer.Option("--even-if-not-empty", help="With --scale: add to what is there.")
    ] = False,
) -> None:
    """Load the demo data into an empty database.

    With --scale: 1,000 doctors, 12 months, 16 slots a day, almost six million rows, three tenths of
    the next four weeks booked. It takes some minutes and three gigabytes, all in one transaction:
    stopped halfway, nothing is there. Refused where BOOKING_ENV is production (exit code 2), where
    the tables are not up to date (3) and where there are clinics already (1).
    """
    with _told_plainly():
        if scale:
            _seed_scale(Size(doctors=doctors, months=months), anyway=even_if_not_empty)
            return
        with _progress("Demo data") as progress:
            report = up.seed_demo(_settings(), progress)
        if report is None:
            out.print("The database is not empty: nothing was loaded.")
        else:
            out.print("\n".join(report.lines()))


def _seed_scale(size: Size, *, anyway: bool) -> None:
    settings = _settings()
    err.print(size.forecast())
    with _progress("Demo data") as progress:
        report = up.seed_scale(settings, size, progress, even_if_not_empty=anyway)
    if report is None:
        told = "There are clinics already, nothing was loaded: --even-if-not-empty adds to them."
        raise _ended(told, FAILED)
    out.print("\n".join(report.lines()))


@app.command("create-admin")
def create_admin() -> None:
    """Make a platform administrator; asks unless BOOKING_ADMIN_EMAIL and _PASSWORD are set."""
    with _told_plainly():
        settings = _settings()
        if settings.admin_email is None:
            settings = Settings(
                admin_email=typer.prompt("E-mail"),
                admin_password=typer.prompt("Password", hide_input=True, confirmation_prompt=True),
            )
        made = up.create_admin(settings)
        out.print("The administrator was made." if made else "This administrator exists already.")


@app.command("extend-horizon")
def extend_horizon() -> None:
    """Make the time slots of weekly hours as far ahead as the clinics take bookings.

    Run it daily, and after the time zone data changed; it may run twice, or in two places.
    """
    with _told_plainly():
        with _progress("Calendars") as progress:
            done = up.extend_horizon(_settings(), progress)
        for line in horizon.sentences(done):
            out.print(line)


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option(help="Write to this file.")] = None,
) -> None:
    """Print the OpenAPI document of the API; needs no database."""
    with _told_plainly():
        document = up.openapi(_settings())
        if output is None:
            sys.stdout.write(document)
        else:
            output.write_text(document, encoding="utf-8")


@app.command()
def check() -> None:
    """Show the settings, and say what is wrong with them or with the database."""
    with _told_plainly():
        settings = _settings()
        for line in [*checks.described(settings), *checks.warnings_about(settings)]:
            out.print(line)
        with database_for(settings) as ready:
            found = asyncio.run(checks.database_findings(ready))
        unsafe = checks.refused_in_production(settings)
        if settings.database_url is not None:
            # Of the embedded server it is said already that it is not for production.
            unsafe += found.unsafe
        for sentence in found.advice:
            out.print(sentence)
        wrong = (*found.settings, *(unsafe if settings.in_production else ()))
        for sentence in (*wrong, *found.database):
            out.print(sentence)
        if wrong or found.database:
            raise typer.Exit(DATABASE if found.database else USAGE)
        out.print(_verdict(unsafe))


@app.callback(invoke_without_command=True)
def about(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Appointment booking for clinics."""
    if version:
        out.print(__version__)
        raise typer.Exit


def _verdict(unsafe: Sequence[str]) -> str:
    if not unsafe:
        return "All is well."
    refused = "".join(f"\n  - {sentence}" for sentence in unsafe)
    return f"Fit for development only. Production would refuse this:{refused}"


def _settings() -> Settings:
    settings = Settings()
    logs.configure(settings)
    return settings


@contextmanager
def _progress(title: str) -> Iterator[up.Progress]:
    """A bar that appears with the first step and goes with the last."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=None, visible=False)

        def step(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=done < total)

        yield step


@contextmanager
def _told_plainly(code_when_stopped: int = STOPPED) -> Iterator[None]:
    """Say foreseeable trouble in a sentence and end with its exit code."""
    try:
        with interruptible():
            yield
    except Interrupted:
        out.print("Stopped.")
        raise typer.Exit(code_when_stopped) from None
    except SettingsProblem as problem:
        raise _ended("\n".join(problem.sentences), USAGE) from None
    except (DatabaseProblemError, LocalStackError) as problem:
        raise _ended(str(problem), DATABASE) from None
    except (Transient, Unavailable):
        raise _ended("The database does not answer: try again in a moment.", DATABASE) from None
    except Refusal as refusal:
        raise _ended(refusal.detail, FAILED) from None
    except AddressUnavailable as problem:
        raise _ended(str(problem), ADDRESS) from None
    except ApiFailed as problem:
        code = problem.exit_code if problem.exit_code in {USAGE, DATABASE} else FAILED
        raise _ended(str(problem), code) from None
    except OSError as error:
        raise _ended(f"{error.filename or 'The system'}: {error.strerror}.", FAILED) from None


def _ended(sentences: str, code: int) -> typer.Exit:
    err.print(sentences)
    return typer.Exit(code)


app.command("bench")(_told_plainly()(bench))
app.command("race")(_told_plainly()(race))


def main() -> None:
    """Run the command line; the entry point of the program."""
    pin_time_zones()
    app()


if __name__ == "__main__":
    main()
