"""The lists that anybody may read: one statement each, outside of any transaction.

Each combination of filters has a statement of its own, so that its plan fits. A digest is made of
the very rows that the list would show.
"""

from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, func, literal_column, select

from booking_system.directory.adapters.clinics import LIVE
from booking_system.directory.adapters.doctors import FOUND as FOUND_DOCTORS
from booking_system.directory.adapters.paging import like_part
from booking_system.directory.adapters.services import FOUND as FOUND_SERVICES
from booking_system.directory.application.ports import Search
from booking_system.directory.application.public_lists import Listed
from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.domain.service import Service
from booking_system.directory.records.references import has_external_id
from booking_system.directory.records.rows import clinic_of, doctor_of, service_of
from booking_system.directory.records.tables import (
    clinics,
    doctor_references,
    doctors,
    service_doctors,
    service_references,
    services,
)
from booking_system.platform.postgres.phrases import a_text, an_id, how_many, texts
from booking_system.platform.postgres.searches import Reads
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.identifiers import ClinicId, ServiceId

MOST, AFTER, CLINIC_ID, PART = how_many("most"), an_id("after"), an_id("clinic_id"), a_text("part")
SERVICE_ID = an_id("service_id")

CLINICS = {
    "part": clinics.c.name.ilike(PART, escape="\\"),
    "slug": clinics.c.slug == a_text("slug"),
    "after": clinics.c.id > AFTER,
}
OFFERING = (
    select(service_doctors.c.doctor_id)
    .join(services, services.c.id == service_doctors.c.service_id)
    .where(service_doctors.c.service_id == SERVICE_ID, services.c.deleted_at.is_(None))
)
"""Whom a booking of the service would take: those whom it names, and nobody where it names none."""
DOCTORS = {
    "clinic_id": doctors.c.clinic_id == CLINIC_ID,
    "service_id": doctors.c.id.in_(OFFERING),
    "specialty": func.lower(doctors.c.specialty) == func.lower(a_text("specialty")),
    "language": doctors.c.languages.contains(texts("language")),
    "external_id": has_external_id(doctors.c.id, doctor_references, "doctor_id"),
    "part": doctors.c.full_name.ilike(PART, escape="\\"),
    "after": doctors.c.id > AFTER,
}
SERVICES = {
    "clinic_id": services.c.clinic_id == CLINIC_ID,
    "external_id": has_external_id(services.c.id, service_references, "service_id"),
    "after": services.c.id > AFTER,
}
"""Conditions, by the value that they speak of."""
LIVE_CLINIC = Statement(select(func.count()).where(LIVE, clinics.c.id == CLINIC_ID))
LIVE_SERVICE = Statement(
    select(func.count())
    .select_from(services.join(clinics, clinics.c.id == services.c.clinic_id))
    .where(LIVE, services.c.deleted_at.is_(None), services.c.id == SERVICE_ID)
)


class PostgresPublicLists:
    """Reads clinics, doctors and services."""

    def __init__(self, database: Reads) -> None:
        """Reads go through single statements."""
        self._database = database

    async def clinics(self, search: Search) -> Sequence[Clinic]:
        """Read a page by keyset on the id."""
        return [clinic_of(row) for row in await self._rows("clinics", search)]

    async def doctors(self, search: Search) -> Sequence[Doctor]:
        """Read a page by keyset on the id."""
        return [doctor_of(row) for row in await self._rows("doctors", search)]

    async def services(self, search: Search) -> Sequence[Service]:
        """Read a page by keyset on the id."""
        return [service_of(row) for row in await self._rows("services", search)]

    async def digest(self, listed: Listed, search: Search) -> Hashable:
        """Mix all that is in the rows."""
        (row,) = await self._rows(listed, search, mixed=True)
        return row["many"], row["mixed"]

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Look for it."""
        async with self._database.reading() as connection:
            return bool(await LIVE_CLINIC.fetchval(connection, clinic_id=clinic_id))

    async def has_service(self, service_id: ServiceId) -> bool:
        """Look for it."""
        async with self._database.reading() as connection:
            return bool(await LIVE_SERVICE.fetchval(connection, service_id=service_id))

    async def _rows(self, listed: Listed, search: Search, *, mixed: bool = False) -> Any:
        given = {
            "part": None if search.q is None else like_part(search.q),
            "slug": search.slug,
            "clinic_id": search.clinic_id,
            "specialty": search.specialty,
            "after": search.after,
        }
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if search.language is not None:
            values["language"] = [search.language]
        if search.service_id is not None:
            values["service_id"] = search.service_id
        if search.external_id is not None:
            values["external_id"] = search.external_id
        async with self._database.reading() as connection:
            statement = _statement(listed, mixed, *values)
            return await statement.fetch(connection, **values, most=search.limit + 1)


LISTS: dict[Listed, tuple[Select[Any], ColumnElement[Any], dict[str, ColumnElement[bool]]]] = {
    "clinics": (select(clinics).where(LIVE), clinics.c.id, CLINICS),
    "doctors": (FOUND_DOCTORS, doctors.c.id, DOCTORS),
    "services": (FOUND_SERVICES, services.c.id, SERVICES),
}
"""What is found, in which order, and what can be asked of it."""


@cache
def _statement(listed: Listed, mixed: bool, *named: str) -> Statement[Any]:  # noqa: FBT001
    found, identity, conditions = LISTS[listed]
    page = found.where(*(conditions[one] for one in named)).order_by(identity).limit(MOST)
    if not mixed:
        return Statement(page)
    rows = page.subquery("found")
    row = func.hash_record_extended(literal_column("found"), 0)
    mixture = func.bit_xor(row, type_=BigInteger())
    return Statement(select(func.count().label("many"), mixture.label("mixed")).select_from(rows))
