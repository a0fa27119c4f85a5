"""The laboratory's commands without an installation: `python -m booking_lab`."""

import typer

from booking_lab.bench.command import bench
from booking_lab.demo.command import seed_demo
from booking_lab.fleet.command import fleet
from booking_lab.race.command import race
from booking_lab.weave.command import weave
from booking_system.bootstrap.console import EXIT_CODES, told_plainly
from booking_system.bootstrap.process import pin_time_zones

app = typer.Typer(
    name="booking-lab",
    help="Measures Booking System, races on it, fills it with demo data.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for name, command in (
    ("bench", bench),
    ("fleet", fleet),
    ("race", race),
    ("seed-demo", seed_demo),
    ("weave", weave),
):
    app.command(name)(told_plainly()(command))

if __name__ == "__main__":
    pin_time_zones()
    app()
