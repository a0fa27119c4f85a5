"""Requests to Stripe by its own library, and what its errors mean."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

import httpx
import stripe

from booking_system.payments.adapters.providers.accounts import StripeAccount
from booking_system.payments.adapters.providers.http_client import ANSWER, http_client
from booking_system.payments.adapters.providers.reading import log, object_of, text_of
from booking_system.payments.adapters.providers.retry_after import seconds_asked_for
from booking_system.payments.application.provider_port import (
    LONGEST_CALL,
    ProviderBusy,
    ProviderRefused,
    ProviderUnsure,
)
from booking_system.platform.ticket import waiting_elsewhere

VERSION = "2026-10-28.endive"
"""Of the API, pinned: what we read is of this version, and the library has one of its own."""

# The library would write an id of this machine into a file, and tell it beside what it runs on.
stripe.enable_telemetry = False
# It logs what is sent at `debug`, and error texts at `info`.
logging.getLogger("stripe").setLevel(logging.WARNING)


class SavedFailure(ProviderUnsure):
    """Stripe's own fault, which it has kept: the same key will be answered the same for a day."""


class OtherParameters(ProviderUnsure):
    """The key was used for other parameters: what became of those has to be looked for."""


class NotForThisKey(ProviderRefused):
    """The key is one of Stripe's, and may not do this: it is restricted, or of another account."""


class _Http(stripe.HTTPClient):
    """HTTP for the library. Its own client for httpx calls that in a way which httpx warns of."""

    name = "httpx"

    def __init__(self, answer_seconds: float) -> None:
        super().__init__()
        self._client = http_client(answer_seconds)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        content = post_data.encode() if isinstance(post_data, str) else post_data
        try:
            answer = await self._client.request(method, url, headers=headers, content=content)
        except httpx.HTTPError as error:
            raise stripe.APIConnectionError(type(error).__name__) from error  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        await self._client.aclose()


class StripeWay:
    """The connections to Stripe, of all accounts."""

    def __init__(self, *, base: str | None = None, answer_seconds: float = ANSWER) -> None:
        """`base` is another address of the API, without a slash at its end."""
        self._base = base
        self._http = _Http(answer_seconds)

    def client(self, account: StripeAccount) -> stripe.StripeClient:
        """Return what asks for one account. It never tries again by itself."""
        return stripe.StripeClient(
            account.secret_key.get_secret_value(),
            stripe_account=account.connected,
            stripe_version=VERSION,
            base_addresses={"api": self._base} if self._base else None,
            max_network_retries=0,
            http_client=self._http,
        )

    async def close(self) -> None:
        """Give all connections back."""
        await self._http.close_async()


async def told(call: Awaitable[stripe.StripeObject]) -> Mapping[str, Any]:
    """Wait for an answer and return it. Raises what the port says."""
    with _errors_read():
        return (await call).to_dict()


async def all_told(call: Awaitable[stripe.ListObject[Any]]) -> list[Mapping[str, Any]]:
    """Wait for all pages of a list. Raises what the port says."""
    return [one async for one in _pages(call)]


async def first_told(
    call: Awaitable[stripe.ListObject[Any]],
    fits: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> Mapping[str, Any] | None:
    """Wait for the first entry of a list that fits. Raises what the port says."""
    async with aclosing(_pages(call)) as entries:
        async for one in entries:
            if fits(one):
                return one
    return None


async def _pages(call: Awaitable[stripe.ListObject[Any]]) -> AsyncGenerator[Mapping[str, Any]]:
    with _errors_read():
        async for one in (await call).auto_paging_iter():
            yield one.to_dict()


@asynccontextmanager
async def one_call() -> AsyncIterator[None]:
    """Do all that one call of the port asks Stripe, in time, and while no transaction is open."""
    with waiting_elsewhere():
        try:
            async with asyncio.timeout(LONGEST_CALL):
                yield
        except TimeoutError:
            raise ProviderUnsure("timeout") from None


@contextmanager
def _errors_read() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise _meaning(error) from None
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        # What the library makes of an answer that is JSON and no object of Stripe's.
        raise ProviderUnsure(f"unreadable: {type(error).__name__}") from None


def _meaning(error: stripe.StripeError) -> Exception:
    """Return what an error of Stripe's means; its sentence, which may quote, goes no further."""
    match error:
        case stripe.RateLimitError():
            return ProviderBusy(seconds_asked_for((error.headers or {}).get("Retry-After")))
        case stripe.IdempotencyError():
            log.error("stripe_key_used_for_other_parameters")
            return OtherParameters("idempotency_error")
    status = error.http_status or 0
    if status >= 500:
        return SavedFailure(f"status {status}")
    if not status >= 400 or status in {408, 409}:
        return ProviderUnsure(f"status {status}")
    kind = text_of(object_of(object_of(error.json_body).get("error")), "type") or f"status {status}"
    if isinstance(error, stripe.PermissionError):
        return NotForThisKey(error.code or kind)
    return ProviderRefused(error.code or kind, is_payer=isinstance(error, stripe.CardError))
