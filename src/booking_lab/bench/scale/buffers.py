"""How many pages each kind of search touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, cast

import asyncpg

from booking_lab.bench.scale.explained import ExplainedDatabase
from booking_lab.bench.scale.searches import CALENDAR, KINDS, NEXT, Kind, Known
from booking_system.platform.postgres.transaction import SERVER_SETTINGS, Database
from booking_system.scheduling.adapters.overview import PostgresOverview
from booking_system.scheduling.adapters.slot_search import PostgresSlotFinder
from booking_system.scheduling.application.overview_slots import ShowCalendar
from booking_system.scheduling.domain.overview import CalendarSearch, NextSearch
from booking_system.scheduling.domain.search import SlotSearch, search_range
from booking_system.shared_kernel.mode import Mode

WARM_UP = 6
"""Searches that go before: PostgreSQL decides about a general plan behind the fifth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """The mean of all samples of one kind, and the last plan of each of its statements."""

    buffers: float
    plans: tuple[tuple[str, ...], ...]


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


async def touched(url: str, days: int, *, samples: int) -> dict[str, Touched]:
    """Explain so many searches of each kind, by the title of the kind."""
    return {kind.title: await _touched(url, kind, days, samples) for kind in KINDS}


async def _touched(url: str, kind: Kind, days: int, samples: int) -> Touched:
    settings = SERVER_SETTINGS | {"statement_timeout": "60000"}
    connection = await asyncpg.connect(url, server_settings=settings)
    try:
        known = await Known.of(connection, days, seed=1)
        database = ExplainedDatabase(connection)
        counted: list[int] = []
        for number in range(WARM_UP + samples):
            database.explanations.clear()
            await _search(cast("Database", database), kind.path, kind.asked(known))
            if number >= WARM_UP:
                counted.append(sum(one.buffers for one in database.explanations))
        plans = tuple(one.plan for one in database.explanations)
        return Touched(buffers=fmean(counted), plans=plans)
    finally:
        await connection.close()


async def _search(database: Database, path: str, asked: Mapping[str, Any]) -> None:
    """Do what the API does for it, whose pages are never the kept ones here."""
    clock, now = _Now(), datetime.now(UTC)
    filters: dict[str, Any] = {
        name: Mode(value) if name == "mode" else value
        for name, value in asked.items()
        if name not in {"from", "to", "after"}
    }
    if path == NEXT:
        search = NextSearch(after=asked["after"], **filters)
        await PostgresOverview(database).next(search, now=now)
    elif path == CALENDAR:
        whose = {"doctor_id": None, "clinic_id": None} | filters
        show = ShowCalendar(
            overview=PostgresOverview(database), finder=PostgresSlotFinder(database), clock=clock
        )
        await show(search=CalendarSearch(first=asked["from"], until=asked["to"], **whose))
    else:
        period = search_range(asked["from"], asked.get("to"), now=now)
        wanted = SlotSearch(period=period, **filters)
        finder = PostgresSlotFinder(database)
        await finder.digest(wanted, now=now)
        await finder.find(wanted, now=now)


def plans_of(found: Mapping[str, Touched]) -> dict[str, Sequence[Sequence[str]]]:
    """Return the plans by title, for machines."""
    return {title: [list(plan) for plan in one.plans] for title, one in found.items()}
