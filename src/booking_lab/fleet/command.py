"""The command `booking-system fleet`; what it needs is loaded once it runs."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from booking_system.bootstrap.console import FAILED, USAGE, ended, out
from booking_system.bootstrap.process import Interrupted

if TYPE_CHECKING:
    from booking_lab.fleet.whole import Fleet

LOOK_SECONDS = 1.0

Port = Annotated[int, typer.Option(min=1, max=65535, help="Where the balancer listens.")]
Demo = Annotated[bool, typer.Option(help="Clinics, doctors and slots to play with.")]
Synchronous = Annotated[
    bool, typer.Option(help="Acknowledge nothing that the standby does not have.")
]


def fleet(*, port: Port = 8000, demo: Demo = True, synchronous: Synchronous = False) -> None:
    """Run many instances on this machine, without containers.

    As docs/fleet.md describes them.

    PostgreSQL with a standby that searches read, PgBouncer in transaction mode, Valkey, three
    instances of the API, two workers, and HAProxy before them. All data is thrown away at the end.
    HAProxy and PgBouncer have to be installed: HAPROXY, PGBOUNCER and VALKEY name other programs
    than those on the PATH.

    Exit codes: 0 stopped by Ctrl-C, 1 a part did not start, 2 a program lacks.
    """
    from booking_lab.fleet.programs import FleetProblem  # noqa: PLC0415  (loads a lot)
    from booking_lab.fleet.whole import Fleet  # noqa: PLC0415

    try:
        whole = Fleet(port=port, is_synchronous=synchronous, say=out.print)
    except FleetProblem as problem:
        raise ended(str(problem), USAGE) from None
    try:
        with whole:
            if demo:
                out.print("Loading demo data ...")
                whole.fill()
            out.print("\n".join(["", *whole.lines(), "\nPress Ctrl-C to stop."]))
            _watch(whole)
    except FleetProblem as problem:
        raise ended(str(problem), FAILED) from None
    except Interrupted:
        out.print("Stopped.")


def _watch(whole: "Fleet") -> None:
    """Say of each part when it goes, and when it is back."""
    known = {part.name: part.line() for part in whole.parts}
    while True:
        time.sleep(LOOK_SECONDS)
        for part in whole.parts:
            if (line := part.line()) != known[part.name]:
                known[part.name] = line
                out.print(line)
