"""The command `booking-system check`: for people in sentences, for machines as JSON."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from booking_system import __version__
from booking_system.bootstrap import checks
from booking_system.bootstrap.checks import Findings
from booking_system.bootstrap.console import (
    DATABASE,
    USAGE,
    out,
    settings_and_logs,
    told_plainly,
)
from booking_system.bootstrap.process import time_zone_version
from booking_system.bootstrap.settings import Settings


def check(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the settings, and say what is wrong. It makes nothing."""
    with told_plainly():
        settings = settings_and_logs()
        warnings = list(checks.warnings_about(settings))
        if not as_json:
            for line in [*checks.described(settings), *warnings]:
                out.print(line)
        found = checks.around(settings)
        code = _code(settings, found)
        if as_json:
            print_json(settings, warnings, found, code)
        else:
            print_sentences(settings, found)
        if code:
            raise typer.Exit(code)


def print_json(settings: Settings, warnings: Sequence[str], found: Findings, code: int) -> None:
    """Print what people are told, sorted by what it means."""
    told = {
        "version": __version__,
        "environment": settings.env,
        "exit_code": code,
        "settings": list(found.settings),
        "database": list(found.database),
        "unsafe_for_production": list(found.unsafe),
        "survives": list(found.survives),
        "advice": [*warnings, *found.advice],
        "in_force": dict(
            line.split(" = ", 1) for line in checks.described(settings) if " = " in line
        ),
        "time_zone_data": time_zone_version(),
        "data_directory": checks.place_of_data(settings),
    }
    sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def print_sentences(settings: Settings, found: Findings) -> None:
    """Print what hinders last, and the verdict where nothing does."""
    for sentence in (*found.survives, *found.advice, *_hindering(settings, found)):
        out.print(sentence)
    if not _hindering(settings, found):
        out.print(_verdict(found.unsafe))


def _code(settings: Settings, found: Findings) -> int:
    if found.database:
        return DATABASE
    return USAGE if _hindering(settings, found) else 0


def _hindering(settings: Settings, found: Findings) -> Sequence[str]:
    unsafe = found.unsafe if settings.in_production else ()
    return (*found.settings, *unsafe, *found.database)


def _verdict(unsafe: Sequence[str]) -> str:
    if not unsafe:
        return "All is well."
    refused = "".join(f"\n  - {sentence}" for sentence in unsafe)
    return f"Fit for development only. Production would refuse this:{refused}"
