"""What another system calls records of a clinic: who may look for it, and have it beside them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from booking_system.directory.adapters.answers import Resource
from booking_system.directory.application.keep_references import ListReferences, may_see
from booking_system.directory.domain.patient import FoundPatient
from booking_system.directory.domain.references import Kind, References
from booking_system.directory.records.references_shown import ReferencesOut, check_clinic
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.errors import NotPermitted, Unauthenticated
from booking_system.shared_kernel.identifiers import ClinicId

Thing = TypeVar("Thing", bound=Resource)
NONE = References()


def sought(
    external_id: str, clinic_id: UUID | None, kind: Kind, actor: Actor | None
) -> dict[str, Any]:
    """Return the filter. Raises `Invalid` without a clinic, `Unauthenticated`, `NotPermitted`."""
    check_clinic(external_id, clinic_id)
    check_may_see(clinic_id, kind, actor)
    return {"external_id": external_id}


def check_may_see(clinic_id: UUID | None, kind: Kind, actor: Actor | None) -> None:
    """Raise `Unauthenticated` or `NotPermitted` for people who are not the clinic's staff."""
    if actor is None:
        raise Unauthenticated
    if clinic_id is None or not may_see(kind, ClinicId(clinic_id), actor):
        raise NotPermitted


async def with_references(  # noqa: PLR0913
    read: ListReferences,
    found: Sequence[Thing],
    show: Callable[[Thing], BaseModel],
    *,
    kind: Kind,
    clinic_id: UUID | None,
    actor: Actor | None,
) -> Callable[[Thing], dict[str, Any]]:
    """Return what shows each of `found` with its references: one statement, however many.

    Raises `Invalid` without a clinic, `Unauthenticated`, `NotPermitted`.
    """
    check_clinic(kind, clinic_id, name="expand=references")
    check_may_see(clinic_id, kind, actor)
    assert clinic_id is not None, "it was checked"
    ids = [thing.id for thing in found if _is_known(thing)]
    noted = await read(kind=kind, clinic_id=ClinicId(clinic_id), ids=ids)

    def shown(thing: Thing) -> dict[str, Any]:
        references = ReferencesOut.of(noted.get(thing.id, NONE)) if _is_known(thing) else None
        return {**dict(show(thing)), "expanded": {"references": references}}

    return shown


def _is_known(thing: Resource) -> bool:
    return not isinstance(thing, FoundPatient) or thing.is_known
