"""What the API takes and gives of webhooks."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from booking_system.platform.http.input import Change, Input, ShortText
from booking_system.webhooks.application.deliveries import Replayed
from booking_system.webhooks.domain.delivery import Delivery, DeliveryState
from booking_system.webhooks.domain.endpoint import DisabledBecause, Endpoint, EndpointState
from booking_system.webhooks.domain.target import LONGEST

EXAMPLE_ID = "01912d2b-0000-7000-8000-000000000001"
EXAMPLE_URL = "https://example.com/webhooks"
MOST_PATTERNS = 50


def _each_once(patterns: list[str]) -> list[str]:
    if any(count > 1 for count in Counter(patterns).values()):
        message = "names an event twice"
        raise ValueError(message)
    return patterns


Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST,
        description="https, at the usual port, at a host of the public internet",
        examples=[EXAMPLE_URL],
    ),
]
Pattern = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+))$", max_length=100)]
Events = Annotated[
    list[Pattern],
    Field(
        min_length=1,
        max_length=MOST_PATTERNS,
        description="Names of events, all of a kind like `booking.*`, or `*` for all",
        examples=[["booking.*"]],
    ),
    AfterValidator(_each_once),
]


class WebhookEndpointIn(Input):
    """Where to tell, and of what."""

    url: Url
    events: Events = Field(default=["*"])
    clinic_id: UUID | None = Field(
        default=None,
        description="The clinic whose events are told; without it those of all, which is for the "
        "platform's administrators",
    )
    description: ShortText | None = None


class WebhookEndpointChangeIn(Change):
    """What is to be another."""

    url: Url = ""
    events: Events = Field(default=[])
    description: ShortText | None = None
    state: Literal["enabled", "paused"] = Field(
        default="enabled",
        description="`enabled` again after it was paused or disabled: what it missed is replayed "
        "on request only",
    )

    def changes(self) -> dict[str, Any]:
        """Return them by their names in the domain."""
        given = self.given()
        if "state" in given:
            given["state"] = EndpointState(given["state"])
        return given


class WebhookEndpointOut(BaseModel):
    """Where another program is told what happens. Times in UTC."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID | None = Field(
        description="Id of the clinic whose events it is told; null: the"
        " platform's own, for all clinics",
        examples=[EXAMPLE_ID],
    )
    url: str = Field(examples=[EXAMPLE_URL])
    events: list[str] = Field(examples=[["booking.*"]])
    description: str | None = Field(description="What its owner wrote about it; null: nothing")
    patient_ids: bool = Field(
        description="Whether ids of patients are told: where an administrator of the clinic has "
        "named the address, not where one of the platform has"
    )
    state: EndpointState = Field(
        description="`paused` by its owner; `disabled` by the program, `reason` says why"
    )
    reason: DisabledBecause | None = Field(
        description="`gone`: it answered 410; `failing`: nothing has succeeded for 72 hours"
    )
    state_since: datetime
    failing_since: datetime | None = Field(
        description="The first failure behind which nothing has succeeded"
    )
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        """Show it."""
        return cls.model_validate(_about(endpoint))


class NewWebhookEndpointOut(WebhookEndpointOut):
    """The same with its secret, which is shown this once."""

    secret: str | None = Field(
        description="Verifies signatures; null where the request is answered again",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )

    @classmethod
    def with_secret(cls, endpoint: Endpoint, secret: str | None) -> Self:
        """Show it."""
        return cls.model_validate({**_about(endpoint), "secret": secret})


def _about(endpoint: Endpoint) -> dict[str, Any]:
    fields = {name: getattr(endpoint, name) for name in Endpoint.__dataclass_fields__}
    return {**fields, "patient_ids": endpoint.with_patients}


class WebhookDeliveryOut(BaseModel):
    """One event on its way to one endpoint. Times in UTC."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    event_seq: int | None = Field(
        description="The event's number in the feed; null: a ping", examples=[4712]
    )
    event_id: UUID = Field(
        description="What receivers are told as `webhook-id`", examples=[EXAMPLE_ID]
    )
    name: str = Field(
        examples=["booking.created"], description="The kind of event, like `booking.created`"
    )
    state: DeliveryState = Field(
        description="`pending`: sent at `due_at`; `paused`: kept, because the endpoint was not "
        "enabled, until it is replayed; `failed`: given up after ten attempts"
    )
    attempts: int
    due_at: datetime
    attempted_at: datetime | None
    ended_at: datetime | None
    stored_at: datetime
    last_status: int | None = Field(description="What the receiver answered", examples=[503])
    error_code: str | None = Field(
        description="Why no answer came: `dns`, `connection`, `tls`, `timeout`, `protocol`, "
        "`blocked_address`, `worker_lost`, or a mistake of ours",
        examples=["timeout"],
    )
    answer: str | None = Field(
        description="The beginning of what it answered, at most 1 kB; for the endpoint's owner"
    )

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show it."""
        return cls.model_validate(delivery, from_attributes=True)


class ReplayOut(BaseModel):
    """What is sent again."""

    replayed: int = Field(description="How many deliveries are sent again", examples=[12])
    next_seq: int | None = Field(
        description="There may be more: ask again with it as `since_seq`", examples=[4712]
    )

    @classmethod
    def of(cls, replayed: Replayed) -> Self:
        """Show it."""
        return cls(replayed=replayed.count, next_seq=replayed.next_seq)
