"""Services in PostgreSQL, with the doctors who offer them."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.domain.service import Service
from booking_system.directory.records.rows import OFFERED_BY, service_of
from booking_system.directory.records.tables import clinics, doctors, service_doctors, services
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId

EVEN_DELETED = (
    select(services, clinics.c.currency, OFFERED_BY)
    .join(clinics)
    .where(clinics.c.deleted_at.is_(None))
)
FOUND = EVEN_DELETED.where(services.c.deleted_at.is_(None))


class PostgresServices:
    """The services, inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def read(self, service_id: ServiceId) -> Service | None:
        """Read a live service."""
        return await self._one(FOUND.where(_is(service_id)))

    async def lock(self, service_id: ServiceId, *, deleted: bool = False) -> Service | None:
        """Take the row `FOR NO KEY UPDATE`, which lets foreign keys to it through."""
        which = EVEN_DELETED.where(services.c.deleted_at.is_not(None)) if deleted else FOUND
        wanted = which.where(_is(service_id)).with_for_update(key_share=True, of=services)
        return await self._one(wanted)

    async def strangers(
        self, clinic_id: ClinicId, doctor_ids: Sequence[DoctorId]
    ) -> Collection[DoctorId]:
        """Compare with the clinic's live doctors."""
        if not doctor_ids:
            return set()
        wanted = select(doctors.c.id).where(
            doctors.c.clinic_id == clinic_id,
            doctors.c.id.in_(doctor_ids),
            doctors.c.deleted_at.is_(None),
        )
        known = set((await self._connection.execute(wanted)).scalars())
        return set(doctor_ids) - known

    async def any_has_a_price(self, clinic_id: ClinicId) -> bool:
        """Look for one."""
        priced = exists().where(
            services.c.clinic_id == clinic_id, services.c.price_amount.is_not(None)
        )
        return bool((await self._connection.execute(select(priced))).scalar_one())

    async def add(self, service: Service) -> None:
        """Insert the service and who offers it."""
        await self._connection.execute(insert(services).values(_row(service)))
        await self._offer(service, service.doctor_ids)

    async def save(self, service: Service) -> None:
        """Write all its columns; of who offers it only what has changed.

        Doctors who are deleted at the moment keep their place, for when they come back.
        """
        await self._connection.execute(
            update(services).where(_is(service.id)).values(_row(service))
        )
        offers = service_doctors.c.service_id == service.id
        wanted = select(service_doctors.c.doctor_id, doctors.c.deleted_at).join(
            doctors, doctors.c.id == service_doctors.c.doctor_id
        )
        present = (await self._connection.execute(wanted.where(offers))).all()
        gone = [one for one, deleted in present if not deleted and one not in service.doctor_ids]
        await self._connection.execute(
            delete(service_doctors).where(offers, service_doctors.c.doctor_id.in_(gone))
        )
        known = {one for one, _ in present}
        await self._offer(service, [one for one in service.doctor_ids if one not in known])

    async def mark(self, service: Service, *, deleted_at: datetime | None) -> None:
        """Write the mark, and the new version."""
        await self._connection.execute(
            update(services)
            .where(_is(service.id))
            .values(_row(service) | {"deleted_at": deleted_at})
        )

    async def _offer(self, service: Service, doctor_ids: Sequence[DoctorId]) -> None:
        if doctor_ids:
            rows = [
                {"service_id": service.id, "doctor_id": one, "clinic_id": service.clinic_id}
                for one in doctor_ids
            ]
            await self._connection.execute(insert(service_doctors), rows)

    async def _one(self, wanted: Select[Any]) -> Service | None:
        row = (await self._connection.execute(wanted)).mappings().one_or_none()
        return None if row is None else service_of(row)


def _is(service_id: ServiceId) -> ColumnElement[bool]:
    return services.c.id == service_id


def _row(service: Service) -> dict[str, Any]:
    row = asdict(service)
    del row["doctor_ids"]
    for name in ("price", "deposit"):
        money = row.pop(name)
        row[f"{name}_amount"] = None if money is None else money["amount"]
    return row
