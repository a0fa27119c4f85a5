"""Doctors in PostgreSQL."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.records.rows import doctor_of
from booking_system.directory.records.tables import clinics, doctors
from booking_system.shared_kernel.identifiers import DoctorId

FOUND = (
    select(doctors)
    .join(clinics)
    .where(doctors.c.deleted_at.is_(None), clinics.c.deleted_at.is_(None))
)


class PostgresDoctors:
    """The doctors, inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def read(self, doctor_id: DoctorId) -> Doctor | None:
        """Read a live doctor."""
        return await self._one(FOUND.where(_is(doctor_id)))

    async def lock(self, doctor_id: DoctorId) -> Doctor | None:
        """Take the row `FOR NO KEY UPDATE`, which lets foreign keys to it through."""
        wanted = FOUND.where(_is(doctor_id)).with_for_update(key_share=True, of=doctors)
        return await self._one(wanted)

    async def add(self, doctor: Doctor) -> None:
        """Insert it."""
        await self._connection.execute(insert(doctors).values(asdict(doctor)))

    async def save(self, doctor: Doctor) -> None:
        """Write all its columns."""
        await self._connection.execute(update(doctors).where(_is(doctor.id)).values(asdict(doctor)))

    async def _one(self, wanted: Select[Any]) -> Doctor | None:
        row = (await self._connection.execute(wanted)).mappings().one_or_none()
        return None if row is None else doctor_of(row)


def _is(doctor_id: DoctorId) -> ColumnElement[bool]:
    return doctors.c.id == doctor_id
