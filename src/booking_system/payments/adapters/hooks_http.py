"""Addresses that providers call: a signature first, then the event is kept, then the answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from booking_system.payments.adapters.accounts import PlatformAccounts
from booking_system.payments.application.provider_port import (
    InvalidEvent,
    Provider,
    ProviderUnsure,
)
from booking_system.payments.application.take_event import TakeEvent
from booking_system.platform.http.hooks import RawBody
from booking_system.platform.http.input import BodyLimit
from booking_system.platform.http.routing import Routes
from booking_system.platform.http.signatures import InvalidSignature, Signed
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, Unavailable

HOOKS = "/v1/payment-webhooks"
LIMIT = BodyLimit(most_bytes=512 * 1024, seconds=10.0)


Find = Callable[[Signed], Awaitable[Provider]]
"""Says whose address is called. Raises `NotFound`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSignature:
    """The policy of a provider's hook: all that comes is an event of its account, or nothing."""

    find: Find
    clock: Clock

    async def __call__(self, signed: Signed) -> None:
        """Raise `InvalidSignature`; `NotFound` without an account, `Unavailable` to come again."""
        account = await self.find(signed)
        try:
            await account.hint(signed.body, _plain(signed.headers), now=self.clock.now())
        except InvalidEvent as problem:
            raise InvalidSignature from problem
        except ProviderUnsure as problem:
            raise Unavailable(retry_after=60) from problem


def add_hook(
    routes: Routes, path: str, endpoint: Callable[..., Any], signature: ProviderSignature
) -> None:
    """Add an address that a provider calls; it stays out of the document."""
    routes.hook(
        path,
        endpoint,
        signature=signature,
        refuses=[NotFound, Unavailable],
        body_limit=LIMIT,
        shown=False,
    )


async def take_told(take: TakeEvent, account: Provider, request: Request, raw: bytes) -> Response:
    """Keep an event whose signature held, and answer. Raises `InvalidSignature`, `Unavailable`.

    What is believed may have changed in between: the event is read by what holds now.
    """
    try:
        await take(account, raw, _plain(request.headers))
    except InvalidEvent as problem:
        raise InvalidSignature from problem
    except ProviderUnsure as problem:
        raise Unavailable(retry_after=60) from problem
    return Response(status_code=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentHooks:
    """HTTP for what providers tell. It is described by them, so it stays out of the document."""

    accounts: PlatformAccounts
    take: TakeEvent
    clock: Clock

    def routes(self) -> Routes:
        """List the hooks."""
        routes = Routes("Payments")
        for provider, endpoint in (
            ("stripe", self.hear_from_stripe),
            ("paypal", self.hear_from_paypal),
        ):
            signature = ProviderSignature(find=self._called(provider), clock=self.clock)
            add_hook(routes, f"{HOOKS}/{provider}", endpoint, signature)
        return routes

    async def hear_from_stripe(self, request: Request, raw: RawBody) -> Response:
        """Keep an event of Stripe's."""
        return await self._hear("stripe", request, raw)

    async def hear_from_paypal(self, request: Request, raw: RawBody) -> Response:
        """Keep an event of PayPal's."""
        return await self._hear("paypal", request, raw)

    async def _hear(self, provider: str, request: Request, raw: bytes) -> Response:
        return await take_told(self.take, await self._account(provider), request, raw)

    def _called(self, provider: str) -> Find:
        return lambda _: self._account(provider)

    async def _account(self, provider: str) -> Provider:
        account = await self.accounts.named(provider)
        if account is None:
            raise NotFound
        return account


def _plain(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
