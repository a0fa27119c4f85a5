"""Merging records of patients over HTTP: appointments and holds follow."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from pydantic import Field

from booking_system.booking.domain.refusals import PatientOverlap
from booking_system.desk.adapters.removal_http import ShowsPatient
from booking_system.desk.application.merge_patients import MergePatients
from booking_system.desk.domain.refusals import PossibleDuplicate
from booking_system.directory.records.patient_shown import PatientOut
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.identity.domain.refusals import RateLimited
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
from booking_system.platform.http.input import Input
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import PatientId

Caller = Annotated[Actor, Depends(caller)]


class MergeIn(Input):
    """The other record of the same patient."""

    duplicate_id: UUID = Field(description="The record that goes; it must have no account")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRoutes:
    """HTTP for merging."""

    merge: MergePatients
    show: ShowsPatient

    def routes(self) -> Routes:
        """List the operation."""
        routes = Routes("Patients")
        routes.add(
            "POST",
            "/v1/patients/{patient_id}/merge",
            self.merge_patients,
            policy=signed_in,
            answers=PatientOut,
            refuses=[NotFound, NotPermitted, Stale, PossibleDuplicate, PatientOverlap, RateLimited],
            once=InOneTransaction(),
        )
        return routes

    async def merge_patients(
        self, patient_id: UUID, body: MergeIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Merge two records of the same patient. This one stays, the other goes.

        For staff of a clinic that knows both, where no other clinic knows the duplicate.
        Appointments, holds and acquaintance follow; what is missing in the record that stays is
        filled in, unless it has an account. The duplicate is deleted for good. `If-Match` is about
        the record that stays.
        """
        await self.merge(
            patient_id=PatientId(patient_id),
            duplicate_id=PatientId(body.duplicate_id),
            version=expected_version(if_match),
            actor=actor,
        )
        return await self.show(patient_id, actor)
