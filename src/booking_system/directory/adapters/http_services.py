"""Services over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response

from booking_system.directory.adapters import answers
from booking_system.directory.adapters.models_listed import ListedServiceOut
from booking_system.directory.adapters.models_services import (
    ServiceChangeIn,
    ServiceIn,
)
from booking_system.directory.adapters.sought import sought, with_references
from booking_system.directory.application.keep_references import ListReferences
from booking_system.directory.application.keep_services import (
    ChangeService,
    CreateService,
    ListServices,
    RestoreService,
    ShowService,
)
from booking_system.directory.application.ports import Search
from booking_system.directory.domain.references import ExternalIdTaken, Kind
from booking_system.directory.domain.service import Service
from booking_system.directory.records.references_shown import ExpandItems, SoughtId, noted_of
from booking_system.directory.records.service_shown import ServiceOut
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import public, signed_in
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, expected_version
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId, ServiceId

Caller = Annotated[Actor, Depends(caller)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRoutes:
    """HTTP for services."""

    create: CreateService
    show: ShowService
    list: ListServices
    references: ListReferences
    pages: answers.PublicPages
    change: ChangeService
    restore: RestoreService

    def routes(self) -> Routes:
        """List the operations."""
        routes, one = Routes("Services"), "/v1/services/{service_id}"
        routes.add(
            "POST",
            "/v1/clinics/{clinic_id}/services",
            self.create_service,
            policy=signed_in,
            status=201,
            answers=ServiceOut,
            refuses=[NotFound, NotPermitted, ExternalIdTaken],
            once=InOneTransaction(again=self.show_service_again),
        )
        routes.add(
            "GET",
            "/v1/clinics/{clinic_id}/services",
            self.list_services,
            policy=public,
            answers=Page[ListedServiceOut],
            refuses=[NotFound, InvalidCursor, NotPermitted],
            knows_caller=True,
        )
        routes.add(
            "GET", one, self.read_service, policy=public, answers=ServiceOut, refuses=[NotFound]
        )
        routes.add(
            "PATCH",
            one,
            self.change_service,
            policy=signed_in,
            answers=ServiceOut,
            refuses=[NotFound, NotPermitted, Stale],
        )
        routes.add(
            "POST",
            f"{one}/restore",
            self.restore_service,
            policy=signed_in,
            answers=ServiceOut,
            refuses=[NotFound, NotPermitted],
            once=InOneTransaction(again=self.show_service_again),
        )
        return routes

    async def create_service(self, clinic_id: UUID, body: ServiceIn, actor: Caller) -> Response:
        """Add a service to a clinic. From the first one on, bookings name a service."""
        service = await self.create(
            clinic_id=ClinicId(clinic_id),
            fields=body.fields(),
            actor=actor,
            noted=noted_of(body.external_id, body.metadata),
        )
        location = {"Location": f"/v1/services/{service.id}"}
        return answers.one(service, ServiceOut.of, status=201, headers=location)

    async def list_services(  # noqa: PLR0913
        self,
        request: Request,
        *,
        clinic_id: UUID,
        external_id: SoughtId = None,
        expand: ExpandItems = None,
        actor: Annotated[Actor | None, Depends(caller)],
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the services of a clinic: the oldest first."""
        clinic = ClinicId(clinic_id)
        filters: dict[str, Any] = {"clinic_id": clinic}
        if external_id is not None:
            filters |= sought(external_id, clinic_id, Kind.SERVICE, actor)
        place = position_of(cursor, filters)
        search = Search(**filters, after=place and place[1], limit=limit)
        find = partial(self.list, clinic_id=clinic, search=search)
        if external_id is not None or expand:
            found = await find()
            show: answers.Shown[Service] = ServiceOut.of
            if expand:
                about: dict[str, Any] = {"clinic_id": clinic_id, "actor": actor}
                show = await with_references(
                    self.references, found, ServiceOut.of, kind=Kind.SERVICE, **about
                )
            return answers.page(request, found, show, limit=limit, filters=filters)
        return await self.pages.answer(request, search, filters, find=find, show=ServiceOut.of)

    async def read_service(self, service_id: UUID) -> Response:
        """Read one service."""
        service = await self.show(service_id=ServiceId(service_id))
        return answers.one(service, ServiceOut.of)

    async def show_service_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show what was made, or brought back, to callers who may still do so."""
        service = await self.show(service_id=ServiceId(made[0]), managed_by=request.scope["caller"])
        return answers.one(service, ServiceOut.of)

    async def change_service(
        self, service_id: UUID, body: ServiceChangeIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Change a service. Appointments keep the price that they were booked at."""
        service = await self.change(
            service_id=ServiceId(service_id),
            changes=body.changes(),
            version=expected_version(if_match),
            actor=actor,
        )
        return answers.one(service, ServiceOut.of)

    async def restore_service(self, service_id: UUID, actor: Caller) -> Response:
        """Restore a service."""
        service = await self.restore(service_id=ServiceId(service_id), actor=actor)
        return answers.one(service, ServiceOut.of)
