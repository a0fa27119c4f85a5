"""What was sent to an endpoint, over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
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
from booking_system.shared_kernel.errors import NotFound
from booking_system.webhooks.adapters.endpoints_http import ONE
from booking_system.webhooks.adapters.models import ReplayOut, WebhookDeliveryOut
from booking_system.webhooks.application.deliveries import (
    ListDeliveries,
    PingEndpoint,
    ReplayDeliveries,
    ReplayDelivery,
    Replayed,
    ShowDelivery,
)
from booking_system.webhooks.application.keep_endpoints import ShowEndpoint
from booking_system.webhooks.domain.delivery import DeliveryId, DeliveryState
from booking_system.webhooks.domain.endpoint import EndpointId
from booking_system.webhooks.domain.refusals import DeliveryUnderWay, EndpointNotEnabled

Caller = Annotated[Actor, Depends(caller)]
InState = Annotated[DeliveryState | None, Query(description="Only those that stand there")]
Since = Annotated[
    int,
    Query(
        ge=1,
        lt=2**63,
        description="The number of the first event that was missed (`event_seq`, `seq`)",
        examples=[4712],
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRoutes:
    """HTTP for deliveries."""

    see: ShowEndpoint
    list: ListDeliveries
    show: ShowDelivery
    replay: ReplayDelivery
    replay_all: ReplayDeliveries
    ping: PingEndpoint

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Webhooks")
        routes.add(
            "GET",
            f"{ONE}/deliveries",
            self.list_webhook_deliveries,
            policy=signed_in,
            answers=Page[WebhookDeliveryOut],
            refuses=[NotFound, InvalidCursor],
        )
        routes.add(
            "POST",
            f"{ONE}/deliveries/{{delivery_id}}/replay",
            self.replay_webhook_delivery,
            policy=signed_in,
            status=202,
            answers=WebhookDeliveryOut,
            refuses=[NotFound, EndpointNotEnabled, DeliveryUnderWay],
            once=InOneTransaction(again=self.show_again),
        )
        routes.add(
            "POST",
            f"{ONE}/replay",
            self.replay_webhook_deliveries,
            policy=signed_in,
            status=202,
            answers=ReplayOut,
            refuses=[NotFound, EndpointNotEnabled],
            once=InOneTransaction(again=self.show_nothing_more),
        )
        routes.add(
            "POST",
            f"{ONE}/ping",
            self.ping_webhook_endpoint,
            policy=signed_in,
            status=202,
            answers=WebhookDeliveryOut,
            refuses=[NotFound, EndpointNotEnabled],
            once=InOneTransaction(again=self.show_again),
        )
        return routes

    async def list_webhook_deliveries(  # noqa: PLR0913, PLR0917
        self,
        request: Request,
        endpoint_id: UUID,
        actor: Caller,
        state: InState = None,
        limit: Limit = 50,
        cursor: CursorText = None,
    ) -> Response:
        """List the deliveries of the last 30 days: sent or to be sent, the newest first."""
        filters = {"endpoint_id": endpoint_id, "state": state}
        place = position_of(cursor, filters)
        found = await self.list(
            endpoint_id=EndpointId(endpoint_id),
            state=state,
            before=place and place[1],
            limit=limit,
            actor=actor,
        )
        more = len(found) > limit
        following = cursor_after(None, found[limit - 1].id, filters) if more else None
        items = [WebhookDeliveryOut.of(one) for one in found[:limit]]
        body = {"items": items, "next_cursor": following}
        return json_answer(body, headers=link_to_next(request, following))

    async def replay_webhook_delivery(
        self, endpoint_id: UUID, delivery_id: UUID, actor: Caller
    ) -> Response:
        """Send a delivery again: with the same `webhook-id`, also when it had arrived."""
        delivery = await self.replay(
            endpoint_id=EndpointId(endpoint_id), delivery_id=DeliveryId(delivery_id), actor=actor
        )
        return making_answer(WebhookDeliveryOut.of(delivery), [delivery.id], status=202)

    async def show_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the delivery. Raises `NotFound`."""
        delivery = await self.show(
            endpoint_id=EndpointId(UUID(request.path_params["endpoint_id"])),
            delivery_id=DeliveryId(made[0]),
            actor=request.scope["caller"],
        )
        return json_answer(WebhookDeliveryOut.of(delivery))

    async def replay_webhook_deliveries(
        self, endpoint_id: UUID, actor: Caller, since_seq: Since = 1
    ) -> Response:
        """Send all failed deliveries again: paused ones, too, from a number on, 1,000 at a time."""
        replayed = await self.replay_all(
            endpoint_id=EndpointId(endpoint_id), since_seq=since_seq, actor=actor
        )
        return json_answer(ReplayOut.of(replayed), status=202)

    async def show_nothing_more(self, request: StrictRequest, _: Sequence[UUID]) -> Response:
        """What a request has brought on its way is not counted again. Raises `NotFound`."""
        endpoint_id = EndpointId(UUID(request.path_params["endpoint_id"]))
        await self.see(endpoint_id=endpoint_id, actor=request.scope["caller"])
        return json_answer(ReplayOut.of(Replayed(count=0, next_seq=None)))

    async def ping_webhook_endpoint(self, endpoint_id: UUID, actor: Caller) -> Response:
        """Ping a webhook endpoint: sends a `webhook.ping` in a moment; its delivery tells all."""
        delivery = await self.ping(endpoint_id=EndpointId(endpoint_id), actor=actor)
        return making_answer(WebhookDeliveryOut.of(delivery), [delivery.id], status=202)
