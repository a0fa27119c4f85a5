"""The filters that all searches for slots take over HTTP, and for whom somebody searches."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from booking_system.identity.domain.actor import Actor
from booking_system.platform.http.input import ShortText
from booking_system.scheduling.application.ports import AgreedNeeds
from booking_system.scheduling.domain.search import Visits
from booking_system.shared_kernel.errors import Invalid, Unauthenticated
from booking_system.shared_kernel.identifiers import AppointmentId
from booking_system.shared_kernel.mode import Mode


async def slot_filters(  # noqa: PLR0913
    *,
    clinic_id: UUID | None = None,
    doctor_id: UUID | None = None,
    service_id: Annotated[
        UUID | None,
        Query(
            description="Slots that a booking of this service could begin in, of"
            " doctors who offer it"
        ),
    ] = None,
    booking_id: Annotated[
        UUID | None,
        Query(
            description="To move this booking, of yours or of your clinic: where it could go, for"
            " the time that was agreed, as if it were not there. Not together with `service_id`"
        ),
    ] = None,
    specialty: ShortText | None = None,
    language: Annotated[ShortText | None, Query(description="In capitals or not: `de`")] = None,
    mode: Mode | None = None,
    exclude_my_conflicts: Annotated[
        bool, Query(description="Leave out when the caller, a patient, has an appointment already")
    ] = False,
) -> dict[str, Any]:
    """Dependency: what a search asks for; a coroutine, so that it needs no thread."""
    if booking_id is not None and service_id is not None:
        raise Invalid.field("/service_id", "is what was agreed for the booking", "one_of")
    return {
        "clinic_id": clinic_id,
        "doctor_id": doctor_id,
        "service_id": service_id,
        "booking_id": booking_id,
        "specialty": specialty,
        "language": language,
        "mode": mode,
        "is_mine": exclude_my_conflicts,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterReading:
    """Makes of the filters what is wanted, for any caller."""

    agreed: AgreedNeeds

    def is_own(self, filters: dict[str, Any]) -> bool:
        """Say whether the answer is for the caller only."""
        return filters["is_mine"] or filters["booking_id"] is not None

    async def wanted(self, filters: dict[str, Any], actor: Actor | None) -> dict[str, Any]:
        """Return the values of a `SlotFilter`.

        Raises `Unauthenticated` where nobody is signed in whose conflicts could be left out,
        `NotFound` where the booking is not there for the caller, `Invalid` where it cannot move.
        """
        wanted = dict(filters)
        is_mine, booking_id = wanted.pop("is_mine"), wanted.pop("booking_id")
        if is_mine:
            if actor is None:
                raise Unauthenticated
            if actor.patient_id is not None:
                wanted["visits"] = Visits.told_to(actor, actor.patient_id)
        if booking_id is not None:
            agreed = await self.agreed(AppointmentId(booking_id), actor)
            wanted["moves"] = agreed
            wanted["visits"] = Visits.told_to(actor, agreed.patient_id)
            wanted["clinic_id"] = wanted["clinic_id"] or agreed.clinic_id
        return wanted
