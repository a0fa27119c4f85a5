"""The lists that anybody may read: one statement each, outside of any transaction.

Each combination of filters has a statement of its own, so that its plan fits.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from booking_system.directory.adapters.clinics import LIVE, clinic_of
from booking_system.directory.adapters.doctors import FOUND as FOUND_DOCTORS
from booking_system.directory.adapters.doctors import doctor_of
from booking_system.directory.adapters.paging import like_part
from booking_system.directory.adapters.services import FOUND as FOUND_SERVICES
from booking_system.directory.adapters.services import service_of
from booking_system.directory.application.ports import Search
from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.service import Service
from booking_system.directory.records.tables import clinics, doctors, services
from booking_system.platform.postgres.phrases import a_text, an_id, how_many, texts
from booking_system.platform.postgres.searches import Reads
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.identifiers import ClinicId

MOST, AFTER, CLINIC_ID, PART = how_many("most"), an_id("after"), an_id("clinic_id"), a_text("part")

CLINICS = {
    "part": clinics.c.name.ilike(PART, escape="\\"),
    "slug": clinics.c.slug == a_text("slug"),
    "after": clinics.c.id > AFTER,
}
DOCTORS = {
    "clinic_id": doctors.c.clinic_id == CLINIC_ID,
    "specialty": func.lower(doctors.c.specialty) == func.lower(a_text("specialty")),
    "language": doctors.c.languages.contains(texts("language")),
    "part": doctors.c.full_name.ilike(PART, escape="\\"),
    "after": doctors.c.id > AFTER,
}
SERVICES = {"clinic_id": services.c.clinic_id == CLINIC_ID, "after": services.c.id > AFTER}
"""Conditions, by the value that they speak of."""
LIVE_CLINIC = Statement(select(func.count()).where(LIVE, clinics.c.id == CLINIC_ID))


class PostgresPublicLists:
    """Reads clinics, doctors and services."""

    def __init__(self, database: Reads) -> None:
        """Reads go through single statements."""
        self._database = database

    async def clinics(self, search: Search) -> Sequence[Clinic]:
        """Read a page by keyset on the id."""
        return [clinic_of(row) for row in await self._page(_clinics, search)]

    async def doctors(self, search: Search) -> Sequence[Doctor]:
        """Read a page by keyset on the id."""
        return [doctor_of(row) for row in await self._page(_doctors, search)]

    async def services(self, search: Search) -> Sequence[Service]:
        """Read a page by keyset on the id."""
        return [service_of(row) for row in await self._page(_services, search)]

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Look for it."""
        async with self._database.reading() as connection:
            return bool(await LIVE_CLINIC.fetchval(connection, clinic_id=clinic_id))

    async def _page(self, statement_for: Callable[..., Statement[Any]], search: Search) -> Any:
        given = {
            "part": None if search.q is None else like_part(search.q),
            "slug": search.slug,
            "clinic_id": search.clinic_id,
            "specialty": search.specialty,
            "language": None if search.language is None else [search.language],
            "after": search.after,
        }
        values = {name: value for name, value in given.items() if value is not None}
        async with self._database.reading() as connection:
            statement = statement_for(*values)
            return await statement.fetch(connection, **values, most=search.limit + 1)


@cache
def _clinics(*named: str) -> Statement[Any]:
    return _statement(select(clinics).where(LIVE), clinics.c.id, [CLINICS[one] for one in named])


@cache
def _doctors(*named: str) -> Statement[Any]:
    return _statement(FOUND_DOCTORS, doctors.c.id, [DOCTORS[one] for one in named])


@cache
def _services(*named: str) -> Statement[Any]:
    return _statement(FOUND_SERVICES, services.c.id, [SERVICES[one] for one in named])


def _statement(
    found: Select[Any], identity: ColumnElement[Any], conditions: Sequence[ColumnElement[bool]]
) -> Statement[Any]:
    return Statement(found.where(*conditions).order_by(identity).limit(MOST))
