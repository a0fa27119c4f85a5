"""The command `booking-system seed-demo`."""

import asyncio
from typing import Annotated

import typer

from booking_lab.scale.size import Size
from booking_system.bootstrap import up
from booking_system.bootstrap.chosen_database import database_for
from booking_system.bootstrap.console import FAILED, ended, err, out, progress, settings_and_logs
from booking_system.bootstrap.settings import Settings, SettingsProblem


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
    the next four weeks booked. It takes five minutes and 4.5 GB, all in one transaction: stopped
    halfway, nothing is there. Refused where BOOKING_ENV is production (exit code 2), where
    the tables are not up to date (3) and where there are clinics already (1).
    """
    settings = settings_and_logs()
    if scale:
        _at_size(settings, Size(doctors=doctors, months=months), anyway=even_if_not_empty)
    else:
        _small(settings)


def _small(settings: Settings) -> None:
    with progress("Demo data") as step, database_for(settings) as ready:
        lines = asyncio.run(_load_small(ready, step))
    out.print("\n".join(lines or ["The database is not empty: nothing was loaded."]))


def _at_size(settings: Settings, size: Size, *, anyway: bool) -> None:
    if settings.in_production:
        raise SettingsProblem(["Demo data at size is not loaded where BOOKING_ENV is production."])
    err.print(size.forecast())
    with progress("Demo data") as step, database_for(settings) as ready:
        lines = asyncio.run(_load_at_size(ready, size, step, anyway=anyway))
    if lines is None:
        told = "There are clinics already, nothing was loaded: --even-if-not-empty adds to them."
        raise ended(told, FAILED)
    out.print("\n".join(lines))


async def _load_small(settings: Settings, step: up.Progress) -> list[str] | None:
    from booking_lab.demo.data import load_demo  # noqa: PLC0415  (loads a lot)

    async with up.container_of(settings) as container:
        report = await load_demo(container, progress=step)
        return None if report is None else report.lines()


async def _load_at_size(
    settings: Settings, size: Size, step: up.Progress, *, anyway: bool
) -> list[str] | None:
    from booking_lab.scale.load import DatabaseNotEmptyError, load_scale  # noqa: PLC0415

    await up.refuse_other_schema(settings)
    assert settings.url_for_migrations is not None
    async with up.container_of(settings) as container:
        try:
            report = await load_scale(
                container,
                settings.url_for_migrations,
                size,
                even_if_not_empty=anyway,
                progress=step,
            )
        except DatabaseNotEmptyError:
            return None
        return report.lines()
