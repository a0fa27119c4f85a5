"""Messages that were given up, over HTTP: for the operator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, Field

from booking_system.identity.domain.policies import platform_admin
from booking_system.notifications.adapters.dead_messages import DEAD, SEND_AGAIN
from booking_system.notifications.domain.message import Channel, Kind
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.pagination import Limit
from booking_system.platform.http.routing import Routes
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted

NOTHING = UUID(int=0)
After = Annotated[
    UUID, Query(description="Go on behind the message with this `id`, the last of the page before")
]


class DeadMessageOut(BaseModel):
    """A message that was given up; whom it was for stands with its appointment."""

    id: UUID
    kind: Kind = Field(examples=["reminder"], description="What the message was to tell")
    channel: Channel = Field(examples=["email"])
    appointment_id: UUID | None
    clinic_id: UUID | None = Field(description="Id of the clinic; null: it is no clinic's")
    reason: str | None = Field(
        examples=["unknown"], description="Why it was given up; null: no reason is known"
    )
    error_code: str | None = Field(
        description="The provider's own code; null: it gave none", examples=["timeout"]
    )
    provider: str | None = Field(examples=["smtp"])
    ended_at: datetime = Field(description="When it was given up. UTC")
    not_after: datetime = Field(description="From then on it is of no use. UTC")


class DeadMessagesOut(BaseModel):
    """Messages that were given up, oldest first; go on behind the last `id` for more."""

    items: list[DeadMessageOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMessageRoutes:
    """HTTP for messages that were given up."""

    database: Database
    clock: Clock

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Notifications")
        routes.add(
            "GET",
            "/v1/dead-messages",
            self.list_dead_messages,
            policy=platform_admin,
            answers=DeadMessagesOut,
            refuses=[NotPermitted],
        )
        routes.add(
            "POST",
            "/v1/dead-messages/{message_id}/retry",
            self.retry_dead_message,
            policy=platform_admin,
            status=204,
            answers=None,
            refuses=[NotFound, NotPermitted],
            once=InOneTransaction(),
        )
        return routes

    async def list_dead_messages(self, after: After = NOTHING, limit: Limit = 50) -> Response:
        """List messages that were given up."""
        async with self.database.reading() as connection:
            rows = await DEAD.fetch(connection, after=after, most=limit)
        items = [DeadMessageOut.model_validate(dict(row)) for row in rows]
        return json_answer(DeadMessagesOut(items=items))

    async def retry_dead_message(self, message_id: UUID) -> Response:
        """Send a dead message again: it may have arrived; one of no use any more is not found."""
        async with self.database.driver_transaction() as connection:
            found = await SEND_AGAIN.fetchval(connection, id=message_id, now=self.clock.now())
        if found is None:
            raise NotFound
        return Response(status_code=204)
