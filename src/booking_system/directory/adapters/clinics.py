"""Clinics in PostgreSQL."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.domain.clinic import Clinic
from booking_system.directory.records.rows import clinic_of
from booking_system.directory.records.tables import clinics
from booking_system.shared_kernel.identifiers import ClinicId

LIVE = clinics.c.deleted_at.is_(None)


class PostgresClinics:
    """The clinics, inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def read(self, clinic_id: ClinicId) -> Clinic | None:
        """Read a live clinic."""
        rows = await self._connection.execute(select(clinics).where(LIVE, _is(clinic_id)))
        row = rows.mappings().one_or_none()
        return None if row is None else clinic_of(row)

    async def lock(self, clinic_id: ClinicId) -> Clinic | None:
        """Take the row `FOR NO KEY UPDATE`, which lets foreign keys to it through."""
        wanted = select(clinics).where(LIVE, _is(clinic_id)).with_for_update(key_share=True)
        row = (await self._connection.execute(wanted)).mappings().one_or_none()
        return None if row is None else clinic_of(row)

    async def add(self, clinic: Clinic) -> None:
        """Insert it."""
        await self._connection.execute(insert(clinics).values(_row(clinic)))

    async def save(self, clinic: Clinic) -> None:
        """Write all its columns."""
        await self._connection.execute(update(clinics).where(_is(clinic.id)).values(_row(clinic)))


def _is(clinic_id: ClinicId) -> ColumnElement[bool]:
    return clinics.c.id == clinic_id


def _row(clinic: Clinic) -> dict[str, Any]:
    row = asdict(clinic)
    row.update(row.pop("policy"))
    return row
