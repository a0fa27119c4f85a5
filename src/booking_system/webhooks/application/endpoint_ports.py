"""What keeping endpoints needs from outside."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.webhooks.domain.delivery import Delivery, DeliveryId, DeliveryState
from booking_system.webhooks.domain.endpoint import Endpoint, EndpointId

Change = Callable[[Endpoint], Endpoint]
"""Takes an endpoint that nobody else can change meanwhile; may raise a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A secret as its owner is shown it, once, and as it is stored."""

    text: str = field(repr=False)
    sealed: bytes = field(repr=False)


class Secrets(Protocol):
    """Makes secrets for signatures."""

    def new(self, endpoint_id: EndpointId) -> NewSecret:
        """Return a random one."""
        ...


class CheckUrl(Protocol):
    """Looks at an address before it is stored: what counts is the look when it is connected to."""

    async def __call__(self, url: str) -> None:
        """Raise `Invalid` where webhooks would not be sent there as things are."""
        ...


class EndpointStore(Protocol):
    """Where endpoints are kept; those that are deleted are not there."""

    async def has_clinic(self, clinic_id: ClinicId) -> bool:
        """Say whether there is such a clinic."""
        ...

    async def add(self, endpoint: Endpoint, *, secret: bytes, most: int) -> bool:
        """Store a new one; False: its owner has `most` already."""
        ...

    async def read(self, endpoint_id: EndpointId) -> Endpoint | None:
        """Return one."""
        ...

    async def page(
        self, *, clinics: Collection[ClinicId] | None, after: UUID | None, limit: int
    ) -> Sequence[Endpoint]:
        """Return those of these clinics, or all, by age, one more than `limit` if there is one."""
        ...

    async def change(self, endpoint_id: EndpointId, change: Change) -> Endpoint | None:
        """Store it as `change` returns it; what is on its way to one not enabled is paused."""
        ...

    async def rotate(
        self, endpoint_id: EndpointId, change: Change, *, secret: bytes, former_until: datetime
    ) -> Endpoint | None:
        """The same, with a new secret; the one until now is good as long as `former_until`."""
        ...

    async def delete(self, endpoint_id: EndpointId, change: Change) -> Endpoint | None:
        """The same, and take it away; what is on its way is not sent any more."""
        ...


class DeliveryStore(Protocol):
    """The log of deliveries."""

    async def page(
        self,
        endpoint_id: EndpointId,
        *,
        state: DeliveryState | None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Delivery]:
        """Return them, the newest first, one more than `limit` where there are more."""
        ...

    async def read(self, endpoint_id: EndpointId, delivery_id: DeliveryId) -> Delivery | None:
        """Return one of the endpoint."""
        ...

    async def ping(self, endpoint: Endpoint, *, delivery_id: DeliveryId, now: datetime) -> None:
        """Store a ping that is due."""
        ...

    async def replay(
        self, endpoint_id: EndpointId, delivery_id: DeliveryId, *, now: datetime
    ) -> bool:
        """Let it be sent again, at once; False: it is on its way already.

        Raises `EndpointNotEnabled`.
        """
        ...

    async def replay_from(
        self, endpoint_id: EndpointId, since_seq: int, *, most: int, now: datetime
    ) -> Sequence[int]:
        """Let those that failed or wait, from this number on, be sent; return their numbers.

        Raises `EndpointNotEnabled`.
        """
        ...
