"""Endpoints of webhooks over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import (
    CursorText,
    InvalidCursor,
    Limit,
    Page,
    cursor_after,
    link_to_next,
    position_of,
)
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.webhooks.adapters.models import (
    NewWebhookEndpointOut,
    WebhookEndpointChangeIn,
    WebhookEndpointIn,
    WebhookEndpointOut,
)
from booking_system.webhooks.application.keep_endpoints import (
    ChangeEndpoint,
    CreateEndpoint,
    DeleteEndpoint,
    ListEndpoints,
    RotateSecret,
    ShowEndpoint,
)
from booking_system.webhooks.domain.endpoint import Endpoint, EndpointId
from booking_system.webhooks.domain.refusals import TooManyEndpoints

Caller = Annotated[Actor, Depends(caller)]
OfClinic = Annotated[UUID | None, Query(description="Only those of this clinic")]
ALL = "/v1/webhook-endpoints"
ONE = f"{ALL}/{{endpoint_id}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRoutes:
    """HTTP for endpoints."""

    create: CreateEndpoint
    list: ListEndpoints
    show: ShowEndpoint
    change: ChangeEndpoint
    rotate: RotateSecret
    delete: DeleteEndpoint

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Webhooks")
        routes.add(
            "POST",
            ALL,
            self.create_webhook_endpoint,
            policy=signed_in,
            status=201,
            answers=NewWebhookEndpointOut,
            refuses=[NotFound, NotPermitted, TooManyEndpoints],
            once=InOneTransaction(again=self.show_again),
        )
        routes.add(
            "GET",
            ALL,
            self.list_webhook_endpoints,
            policy=signed_in,
            answers=Page[WebhookEndpointOut],
            refuses=[NotPermitted, InvalidCursor],
        )
        routes.add(
            "GET",
            ONE,
            self.read_webhook_endpoint,
            policy=signed_in,
            answers=WebhookEndpointOut,
            refuses=[NotFound],
        )
        routes.add(
            "PATCH",
            ONE,
            self.change_webhook_endpoint,
            policy=signed_in,
            answers=WebhookEndpointOut,
            refuses=[NotFound, Stale],
        )
        routes.add(
            "DELETE",
            ONE,
            self.delete_webhook_endpoint,
            policy=signed_in,
            status=204,
            answers=None,
            refuses=[NotFound, Stale],
        )
        routes.add(
            "POST",
            f"{ONE}/rotate-secret",
            self.rotate_webhook_secret,
            policy=signed_in,
            answers=NewWebhookEndpointOut,
            refuses=[NotFound],
            once=InOneTransaction(again=self.show_again),
        )
        return routes

    async def create_webhook_endpoint(self, body: WebhookEndpointIn, actor: Caller) -> Response:
        """Add a webhook endpoint: a program is told what happens (Standard Webhooks 1.0).

        The `secret` verifies them and is shown this once. The document's `webhooks` say what each
        event tells; what is promised is in `docs/webhooks.md`. For administrators of a clinic its
        events, for those of the platform all, without the ids of patients.
        """
        clinic_id = None if body.clinic_id is None else ClinicId(body.clinic_id)
        made = await self.create(
            clinic_id=clinic_id,
            url=body.url,
            description=body.description,
            events=body.events,
            actor=actor,
        )
        return making_answer(
            NewWebhookEndpointOut.with_secret(made.endpoint, made.secret),
            [made.endpoint.id],
            headers={"Location": f"{ALL}/{made.endpoint.id}", "ETag": _tag(made.endpoint)},
        )

    async def show_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the endpoint without its secret. Raises `NotFound`."""
        actor = request.scope["caller"]
        endpoint = await self.show(endpoint_id=EndpointId(made[0]), actor=actor)
        shown = NewWebhookEndpointOut.with_secret(endpoint, None)
        return json_answer(shown, headers={"ETag": _tag(endpoint)})

    async def list_webhook_endpoints(
        self,
        request: Request,
        actor: Caller,
        clinic_id: OfClinic = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the webhook endpoints that you administer: the oldest first."""
        filters = {"clinic_id": clinic_id}
        place = position_of(cursor, filters)
        found = await self.list(
            clinic_id=None if clinic_id is None else ClinicId(clinic_id),
            after=place and place[1],
            limit=limit,
            actor=actor,
        )
        more = len(found) > limit
        following = cursor_after(None, found[limit - 1].id, filters) if more else None
        items = [WebhookEndpointOut.of(one) for one in found[:limit]]
        body = {"items": items, "next_cursor": following}
        return json_answer(body, headers=link_to_next(request, following))

    async def read_webhook_endpoint(self, endpoint_id: UUID, actor: Caller) -> Response:
        """Read one webhook endpoint: how it does, and why it may be told nothing."""
        return _answer(await self.show(endpoint_id=EndpointId(endpoint_id), actor=actor))

    async def change_webhook_endpoint(
        self,
        endpoint_id: UUID,
        body: WebhookEndpointChangeIn,
        actor: Caller,
        if_match: IfMatch = None,
    ) -> Response:
        """Change a webhook endpoint: also to pause it, or to enable it again.

        What has waited meanwhile stays `paused` until you replay it. Another `url` takes with it
        whether ids of patients are told (`patient_ids`).
        """
        changed = await self.change(
            endpoint_id=EndpointId(endpoint_id),
            changes=body.changes(),
            version=expected_version(if_match),
            actor=actor,
        )
        return _answer(changed)

    async def delete_webhook_endpoint(
        self, endpoint_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Delete a webhook endpoint: nothing is sent there any more."""
        await self.delete(
            endpoint_id=EndpointId(endpoint_id), version=expected_version(if_match), actor=actor
        )
        return Response(status_code=204)

    async def rotate_webhook_secret(self, endpoint_id: UUID, actor: Caller) -> Response:
        """Rotate a webhook endpoint's secret; the new one is shown this once.

        For 24 hours webhooks are signed with both, the new one and the one before.
        """
        done = await self.rotate(endpoint_id=EndpointId(endpoint_id), actor=actor)
        return making_answer(
            NewWebhookEndpointOut.with_secret(done.endpoint, done.secret),
            [done.endpoint.id],
            status=200,
            headers={"ETag": _tag(done.endpoint)},
        )


def _tag(endpoint: Endpoint) -> str:
    return etag_of(endpoint.version)


def _answer(endpoint: Endpoint) -> Response:
    return json_answer(WebhookEndpointOut.of(endpoint), headers={"ETag": _tag(endpoint)})
