"""What other systems call appointments, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from booking_system.booking.records.tables import appointment_references
from booking_system.directory.domain.references import ExternalIdTaken, Noted, References
from booking_system.directory.records.references import keeping, references_of, values_of
from booking_system.platform.postgres.faults import Refusals
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId

REFUSALS: Refusals = {"uq_appointment_references_external_id": ExternalIdTaken}
_KEPT = keeping(appointment_references, "appointment_id")
READ, PAGE, WRITE = Statement(_KEPT.read), Statement(_KEPT.page), Statement(_KEPT.write)


async def note(
    connection: asyncpg.Connection,
    appointment_id: AppointmentId,
    clinic_id: ClinicId,
    noted: Noted,
) -> References:
    """Add to the row in one statement. Raises `Invalid` for too many keys."""
    row = await WRITE.fetchrow(
        connection, owner_id=appointment_id, in_clinic=clinic_id, **values_of(noted)
    )
    changed = references_of(row)
    changed.check()
    return changed


class PostgresBookingReferences:
    """Keeps them in rows beside the appointments."""

    def __init__(self, database: Database) -> None:
        """`database` need not know the constraint; this adds it."""
        self._database = database.knowing(REFUSALS)

    async def read(self, appointment_id: AppointmentId, clinic_id: ClinicId) -> References:
        """Read the row, if there is one."""
        async with self._database.reading() as connection:
            row = await READ.fetchrow(connection, owner_id=appointment_id, in_clinic=clinic_id)
        return references_of(row)

    async def page(
        self, clinic_id: ClinicId, ids: Sequence[AppointmentId]
    ) -> Mapping[UUID, References]:
        """Read the rows that there are in one statement."""
        async with self._database.reading() as connection:
            rows = await PAGE.fetch(connection, owner_ids=list(ids), in_clinic=clinic_id)
        return {row["owner_id"]: references_of(row) for row in rows}

    async def note(
        self, appointment_id: AppointmentId, clinic_id: ClinicId, noted: Noted
    ) -> References:
        """Write in a transaction of its own."""
        async with self._database.driver_transaction() as connection:
            return await note(connection, appointment_id, clinic_id, noted)
