"""Use cases: owners of an endpoint see what was sent, send it again, and try the endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import Identities
from booking_system.webhooks.application.endpoint_ports import DeliveryStore
from booking_system.webhooks.application.keep_endpoints import ShowEndpoint
from booking_system.webhooks.domain.delivery import Delivery, DeliveryId, DeliveryState
from booking_system.webhooks.domain.endpoint import Endpoint, EndpointId, EndpointState
from booking_system.webhooks.domain.refusals import DeliveryUnderWay, EndpointNotEnabled

MOST_REPLAYED = 1000
"""Of one request."""


def _shown(delivery: Delivery, endpoint: Endpoint, actor: Actor) -> Delivery:
    """What a clinic's receiver answers may be about its patients: it is not for the platform."""
    clinic_id = endpoint.clinic_id
    if clinic_id is None or actor.works_at(clinic_id):
        return delivery
    return replace(delivery, answer=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeliveries:
    """The log of an endpoint."""

    show: ShowEndpoint
    store: DeliveryStore

    async def __call__(
        self,
        *,
        endpoint_id: EndpointId,
        state: DeliveryState | None,
        before: UUID | None,
        limit: int,
        actor: Actor,
    ) -> Sequence[Delivery]:
        """Return a page, the newest first, one more than `limit` where there are more.

        Raises `NotFound`.
        """
        endpoint = await self.show(endpoint_id=endpoint_id, actor=actor)
        found = await self.store.page(endpoint_id, state=state, before=before, limit=limit)
        return [_shown(one, endpoint, actor) for one in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDelivery:
    """One of them."""

    show: ShowEndpoint
    store: DeliveryStore

    async def __call__(
        self, *, endpoint_id: EndpointId, delivery_id: DeliveryId, actor: Actor
    ) -> Delivery:
        """Raises `NotFound`."""
        endpoint = await self.show(endpoint_id=endpoint_id, actor=actor)
        delivery = await self.store.read(endpoint_id, delivery_id)
        if delivery is None:
            raise NotFound
        return _shown(delivery, endpoint, actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDelivery:
    """A delivery is sent again with the same id, also when it had arrived."""

    see: ShowDelivery
    store: DeliveryStore
    clock: Clock

    async def __call__(
        self, *, endpoint_id: EndpointId, delivery_id: DeliveryId, actor: Actor
    ) -> Delivery:
        """Raises `NotFound`, `EndpointNotEnabled`, `DeliveryUnderWay`."""
        await self.see(endpoint_id=endpoint_id, delivery_id=delivery_id, actor=actor)
        if not await self.store.replay(endpoint_id, delivery_id, now=self.clock.now()):
            raise DeliveryUnderWay
        return await self.see(endpoint_id=endpoint_id, delivery_id=delivery_id, actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many are sent again; `next_seq`: there may be more from there on."""

    count: int
    next_seq: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDeliveries:
    """All that an endpoint has missed is sent, from a number of the feed on."""

    show: ShowEndpoint
    store: DeliveryStore
    clock: Clock

    async def __call__(self, *, endpoint_id: EndpointId, since_seq: int, actor: Actor) -> Replayed:
        """At most a thousand of them. Raises `NotFound`, `EndpointNotEnabled`."""
        await self.show(endpoint_id=endpoint_id, actor=actor)
        now = self.clock.now()
        done = await self.store.replay_from(endpoint_id, since_seq, most=MOST_REPLAYED, now=now)
        following = max(done) + 1 if len(done) == MOST_REPLAYED else None
        return Replayed(count=len(done), next_seq=following)


@dataclass(frozen=True, slots=True, kw_only=True)
class PingEndpoint:
    """A webhook that is about nothing goes out, to see whether they arrive."""

    show: ShowEndpoint
    see: ShowDelivery
    store: DeliveryStore
    clock: Clock
    identities: Identities

    async def __call__(self, *, endpoint_id: EndpointId, actor: Actor) -> Delivery:
        """Raises `NotFound`, `EndpointNotEnabled`."""
        endpoint = await self.show(endpoint_id=endpoint_id, actor=actor)
        if endpoint.state is not EndpointState.ENABLED:
            raise EndpointNotEnabled
        delivery_id = DeliveryId(self.identities.new())
        await self.store.ping(endpoint, delivery_id=delivery_id, now=self.clock.now())
        return await self.see(endpoint_id=endpoint_id, delivery_id=delivery_id, actor=actor)
