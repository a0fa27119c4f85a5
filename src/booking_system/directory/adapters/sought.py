"""Who may look in a public list for what another system calls something."""

from typing import Any
from uuid import UUID

from booking_system.directory.application.keep_references import may_see
from booking_system.directory.domain.references import Kind
from booking_system.directory.records.references_shown import check_clinic
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotPermitted, Unauthenticated
from booking_system.shared_kernel.identifiers import ClinicId


def sought(
    external_id: str, clinic_id: UUID | None, kind: Kind, actor: Actor | None
) -> dict[str, Any]:
    """Return the filter. Raises `Invalid` without a clinic, `Unauthenticated`, `NotPermitted`."""
    check_clinic(external_id, clinic_id)
    if actor is None:
        raise Unauthenticated
    if clinic_id is None or not may_see(kind, ClinicId(clinic_id), actor):
        raise NotPermitted
    return {"external_id": external_id}
