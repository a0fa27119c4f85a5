"""Use cases: administrators say where, and of what, other programs are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted, check_seen
from booking_system.shared_kernel.identifiers import ClinicId, Identities
from booking_system.webhooks.application.endpoint_ports import (
    Change,
    CheckUrl,
    EndpointStore,
    Secrets,
)
from booking_system.webhooks.domain.endpoint import (
    FORMER_SECRET_GOOD_FOR,
    MOST_OF_CLINIC,
    Endpoint,
    EndpointId,
    EndpointState,
)
from booking_system.webhooks.domain.refusals import TooManyEndpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """An endpoint with its secret, which is shown once."""

    endpoint: Endpoint
    secret: str


def _owns(actor: Actor, clinic_id: ClinicId | None) -> bool:
    return actor.is_platform_admin if clinic_id is None else actor.manages(clinic_id)


def _is_of_the_clinic(actor: Actor, clinic_id: ClinicId | None) -> bool:
    return clinic_id is not None and actor.works_at(clinic_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowEndpoint:
    """Administrators of its clinic see an endpoint, those of the platform all."""

    store: EndpointStore

    async def __call__(self, *, endpoint_id: EndpointId, actor: Actor) -> Endpoint:
        """Raises `NotFound`."""
        endpoint = await self.store.read(endpoint_id)
        if endpoint is None or not _owns(actor, endpoint.clinic_id):
            raise NotFound
        return endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEndpoints:
    """The endpoints that somebody administers."""

    store: EndpointStore

    async def __call__(
        self, *, clinic_id: ClinicId | None, after: UUID | None, limit: int, actor: Actor
    ) -> Sequence[Endpoint]:
        """Return a page, one more than `limit` where there are more. Raises `NotPermitted`."""
        if not (actor.is_platform_admin or actor.admin_of):
            raise NotPermitted
        clinics = None if actor.is_platform_admin else actor.admin_of
        if clinic_id is not None:
            clinics = frozenset({clinic_id}) & (clinics if clinics is not None else {clinic_id})
        return await self.store.page(clinics=clinics, after=after, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateEndpoint:
    """Administrators of a clinic want to be told of its events, those of the platform of all."""

    store: EndpointStore
    check: CheckUrl
    secrets: Secrets
    clock: Clock
    identities: Identities

    async def __call__(
        self,
        *,
        clinic_id: ClinicId | None,
        url: str,
        description: str | None,
        events: Sequence[str],
        actor: Actor,
    ) -> Keyed:
        """Raises `NotFound`, `NotPermitted`, `Invalid`, `TooManyEndpoints`."""
        if clinic_id is not None and not await self.store.has_clinic(clinic_id):
            raise NotFound
        if not _owns(actor, clinic_id):
            raise NotPermitted
        await self.check(url)
        now, endpoint_id = self.clock.now(), EndpointId(self.identities.new())
        endpoint = Endpoint(
            id=endpoint_id,
            clinic_id=clinic_id,
            url=url,
            description=description,
            events=events,
            with_patients=_is_of_the_clinic(actor, clinic_id),
            state=EndpointState.ENABLED,
            reason=None,
            state_since=now,
            failing_since=None,
            version=1,
            created_at=now,
            updated_at=now,
        )
        secret = self.secrets.new(endpoint_id)
        if not await self.store.add(endpoint, secret=secret.sealed, most=MOST_OF_CLINIC):
            raise TooManyEndpoints
        return Keyed(endpoint=endpoint, secret=secret.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEndpoint:
    """Another address, other events; paused, or enabled again."""

    store: EndpointStore
    check: CheckUrl
    clock: Clock

    async def __call__(
        self,
        *,
        endpoint_id: EndpointId,
        changes: Mapping[str, Any],
        version: int | None,
        actor: Actor,
    ) -> Endpoint:
        """Raises `NotFound`, `Invalid`, `Stale`."""
        seen = await self.store.read(endpoint_id)
        if seen is None or not _owns(actor, seen.clinic_id):
            raise NotFound
        if "url" in changes:
            await self.check(changes["url"])
        now = self.clock.now()

        def changed(endpoint: Endpoint) -> Endpoint:
            by_clinic = _is_of_the_clinic(actor, endpoint.clinic_id)
            return endpoint.changed(changes, by_clinic=by_clinic, now=now)

        done = await self.store.change(endpoint_id, _for(actor, version, changed))
        if done is None:
            raise NotFound
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateSecret:
    """A new secret; for a day both sign, so that no webhook is refused meanwhile."""

    store: EndpointStore
    secrets: Secrets
    clock: Clock

    async def __call__(self, *, endpoint_id: EndpointId, actor: Actor) -> Keyed:
        """Raises `NotFound`."""
        now, secret = self.clock.now(), self.secrets.new(endpoint_id)

        def rotated(endpoint: Endpoint) -> Endpoint:
            return endpoint.changed({}, by_clinic=endpoint.with_patients, now=now)

        done = await self.store.rotate(
            endpoint_id,
            _for(actor, None, rotated),
            secret=secret.sealed,
            former_until=now + FORMER_SECRET_GOOD_FOR,
        )
        if done is None:
            raise NotFound
        return Keyed(endpoint=done, secret=secret.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEndpoint:
    """Nothing is sent there any more."""

    store: EndpointStore
    clock: Clock

    async def __call__(self, *, endpoint_id: EndpointId, version: int | None, actor: Actor) -> None:
        """Raises `NotFound`, `Stale`."""
        now = self.clock.now()

        def gone(endpoint: Endpoint) -> Endpoint:
            return endpoint.changed({}, by_clinic=endpoint.with_patients, now=now)

        if await self.store.delete(endpoint_id, _for(actor, version, gone)) is None:
            raise NotFound


def _for(actor: Actor, version: int | None, change: Change) -> Change:
    """Return the change if the actor may make it: `NotFound` and `Stale` for others."""

    def permitted(endpoint: Endpoint) -> Endpoint:
        if not _owns(actor, endpoint.clinic_id):
            raise NotFound
        check_seen(version, endpoint.version)
        return change(endpoint)

    return permitted
