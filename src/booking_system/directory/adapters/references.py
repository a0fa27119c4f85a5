"""References of doctors, services and patients in PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.application.reference_ports import Owner
from booking_system.directory.domain.references import Kind, Noted, References
from booking_system.directory.records.acquaintance import knows
from booking_system.directory.records.references import (
    Keeping,
    is_deleted,
    keeping,
    references_of,
    values_of,
)
from booking_system.directory.records.tables import (
    doctor_references,
    doctors,
    patient_references,
    patients,
    service_references,
    services,
)
from booking_system.shared_kernel.identifiers import ClinicId

P = patient_references.c
KEPT: dict[Kind, Keeping] = {
    Kind.DOCTOR: keeping(
        doctor_references, "doctor_id", is_deleted(doctors, doctor_references, "doctor_id")
    ),
    Kind.SERVICE: keeping(
        service_references, "service_id", is_deleted(services, service_references, "service_id")
    ),
    Kind.PATIENT: keeping(
        patient_references,
        "patient_id",
        or_(
            ~knows(P.clinic_id, P.patient_id),
            is_deleted(patients, patient_references, "patient_id"),
        ),
    ),
}
"""The id of a record that is gone, or of a patient who is unknown by now, can be given anew."""


class PostgresReferences:
    """The references, inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        """`connection` is in a transaction already."""
        self._connection = connection

    async def read(self, owner: Owner) -> References:
        """Read the row, if there is one."""
        rows = await self._connection.execute(KEPT[owner.kind].read, _named(owner))
        return references_of(rows.mappings().one_or_none())

    async def page(
        self, kind: Kind, clinic_id: ClinicId, ids: Sequence[UUID]
    ) -> Mapping[UUID, References]:
        """Read the rows that there are in one statement."""
        values = {"owner_ids": list(ids), "in_clinic": clinic_id}
        rows = await self._connection.execute(KEPT[kind].page, values)
        return {row["owner_id"]: references_of(row) for row in rows.mappings()}

    async def note(self, owner: Owner, noted: Noted) -> References:
        """Let go of the id where its owner is gone, then add to the row in one statement."""
        kept, values = KEPT[owner.kind], _named(owner) | values_of(noted)
        if kept.let_go is not None and values["called"] is not None:
            await self._connection.execute(
                kept.let_go, {name: values[name] for name in ("in_clinic", "called")}
            )
        rows = await self._connection.execute(kept.write, values)
        changed = references_of(rows.mappings().one())
        changed.check()
        return changed


def _named(owner: Owner) -> dict[str, object]:
    return {"owner_id": owner.id, "in_clinic": owner.clinic_id}
