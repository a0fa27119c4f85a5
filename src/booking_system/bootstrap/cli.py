"""The command line: `booking-system`, or `python -m booking_system.bootstrap.cli`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from booking_system import __version__
from booking_system.bootstrap import (
    after_failures,
    check_command,
    checks,
    horizon,
    laboratory,
    payment_commands,
    up,
    worker_program,
)
from booking_system.bootstrap.backups import commands as backup_commands
from booking_system.bootstrap.console import (
    EXIT_CODES,
    USAGE,
    ended,
    err,
    out,
    progress,
    settings_and_logs,
    told_plainly,
)
from booking_system.bootstrap.process import pin_time_zones
from booking_system.bootstrap.settings import Settings, SettingsProblem

NOBODY_TO_ASK = (
    "There is nobody to ask: give --email and --password-stdin, or set BOOKING_ADMIN_EMAIL and "
    "BOOKING_ADMIN_PASSWORD."
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


@app.command("up")
def bring_up() -> None:
    """Start everything: database, tables, demo data, API."""
    with told_plainly(code_when_stopped=0):
        settings = settings_and_logs()
        for sentence in checks.warnings_about(settings):
            err.print(sentence)
        with progress("Demo data") as step:
            up.bring_up(settings, out.print, step)


@app.command()
def serve() -> None:
    """Serve the API. The tables of the database are up to date by then."""
    with told_plainly(code_when_stopped=0):
        up.serve(settings_and_logs(), out.print)


@app.command()
def worker() -> None:
    """Do the work behind the requests.

    That is events, messages, calendars and tidying. Any number of workers may run.
    """
    with told_plainly(code_when_stopped=0):
        worker_program.work(settings_and_logs())


@app.command()
def migrate(
    *,
    back_to: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEMA",
            help="Take the tables back to an older schema, such as 0047, once no instance of this "
            "version runs any more. What only this version knows is lost by that.",
        ),
    ] = None,
) -> None:
    """Bring the tables to this version. Instances go on serving."""
    with told_plainly():
        settings = settings_and_logs()
        if back_to is None:
            up.migrate(settings)
            out.print("The tables are up to date.")
        else:
            up.take_back(settings, back_to)
            out.print(f"The tables are those of schema {back_to}.")


@app.command("create-admin")
def create_admin(
    *,
    email: Annotated[str | None, typer.Option(help="The address of the administrator.")] = None,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the password from the standard input: others can see the options.",
        ),
    ] = False,
) -> None:
    """Make a platform administrator.

    Asks for what neither the options nor BOOKING_ADMIN_EMAIL and BOOKING_ADMIN_PASSWORD say.
    """
    with told_plainly():
        settings = settings_and_logs()
        if email is not None or password_stdin or settings.admin_email is None:
            settings = _with_admin(email or settings.admin_email, from_input=password_stdin)
        made = up.create_admin(settings)
        out.print("The administrator was made." if made else "This administrator exists already.")


def _with_admin(email: str | None, *, from_input: bool) -> Settings:
    password = sys.stdin.readline().rstrip("\r\n") if from_input else None
    try:
        return Settings(
            admin_email=email or typer.prompt("E-mail"),
            admin_password=password
            or typer.prompt("Password", hide_input=True, confirmation_prompt=True),
        )
    except typer.Abort:
        raise ended(NOBODY_TO_ASK, USAGE) from None


@app.command("extend-horizon")
def extend_horizon() -> None:
    """Make the time slots of weekly hours.

    They reach as far ahead as the clinics take bookings. Workers do it every four hours; run it
    after the time zone data changed, or daily where no worker runs. It may run in two places.
    """
    with told_plainly():
        with progress("Calendars") as step:
            done = up.extend_horizon(settings_and_logs(), step)
        for line in horizon.sentences(done):
            out.print(line)


@app.command("dead-letters")
def dead_letters(
    *,
    retry: Annotated[
        bool, typer.Option("--retry", help="Have all of them tried again by the next worker.")
    ] = False,
) -> None:
    """List events and messages that were given up."""
    with told_plainly():
        found = after_failures.dead_letters(settings_and_logs(), retry=retry)
        for line in found.lines:
            out.print(line)
        tried = f" {found.retried} will be tried again." if retry else ""
        out.print(f"{len(found.lines)} in all.{tried}")


app.add_typer(payment_commands.app, name="payments")
app.command()(backup_commands.backup)
app.command()(backup_commands.restore)
app.command()(check_command.check)


@app.command()
def replan() -> None:
    """Plan the messages of coming appointments anew.

    What is planned stays as it is.
    """
    with told_plainly():
        done = after_failures.replan(settings_and_logs())
        out.print(f"Messages of {done} appointments are planned.")


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option(help="Write to this file.")] = None,
) -> None:
    """Print the OpenAPI document. It needs no database."""
    with told_plainly():
        document = up.openapi(settings_and_logs())
        if output is None:
            sys.stdout.write(document)
        else:
            output.write_text(document, encoding="utf-8")


@app.command()
def asyncapi(
    output: Annotated[Path | None, typer.Option(help="Write to this file.")] = None,
) -> None:
    """Print the AsyncAPI document of consultations. It needs no database."""
    document = up.asyncapi()
    if output is None:
        sys.stdout.write(document)
    else:
        output.write_text(document, encoding="utf-8")


@app.callback(invoke_without_command=True)
def about(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Appointment booking for clinics."""
    if version:
        out.print(__version__)
        raise typer.Exit


for _name, _command in laboratory.commands().items():
    app.command(_name, **_command.settings)(told_plainly()(_command.run))


def main() -> None:
    """Run the command line; the entry point of the program."""
    pin_time_zones()
    if sys.argv[1:] in ([], ["--help"]):
        app.info.epilog = f"{EXIT_CODES} {_where_data_is()}"
    app()


def _where_data_is() -> str:
    try:
        return f"Data is in {Settings().data_dir.absolute()} (BOOKING_DATA_DIR)."
    except SettingsProblem as problem:
        return " ".join(problem.sentences)


if __name__ == "__main__":
    main()
