"""Requests to PayPal, the token that they carry, and what its errors mean."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson

from booking_system.payments.adapters.providers.accounts import PayPalAccount
from booking_system.payments.adapters.providers.http_client import ANSWER, http_client
from booking_system.payments.adapters.providers.reading import (
    UnreadableAnswer,
    object_in,
    objects_of,
    text_of,
    words_of,
)
from booking_system.payments.adapters.providers.retry_after import seconds_asked_for
from booking_system.payments.application.provider_port import (
    LONGEST_CALL,
    ProviderBusy,
    ProviderGone,
    ProviderRefused,
    ProviderUnsure,
)
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.clock import Clock

LIVE, SANDBOX = "https://api-m.paypal.com", "https://api-m.sandbox.paypal.com"
BEFORE_ITS_END = timedelta(seconds=90)
"""A token is not used any more so long before its end."""
GONE = {"INVALID_RESOURCE_ID", "ORDER_EXPIRED", "RESOURCE_NOT_FOUND"}
PAYER = {
    "INSTRUMENT_DECLINED",
    "PAYER_ACTION_REQUIRED",
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING",
}
"""Refusals after which the payer may agree again, with other means."""


class PayPalWay:
    """The connections to PayPal, of all accounts."""

    def __init__(
        self, *, clock: Clock, base: str | None = None, answer_seconds: float = ANSWER
    ) -> None:
        """`base` is another address of the API, without a slash at its end."""
        self.base = base
        self.clock = clock
        self.client = http_client(answer_seconds)

    async def close(self) -> None:
        """Give all connections back."""
        await self.client.aclose()


@dataclass(slots=True)
class _Token:
    text: str
    until: datetime


class PayPalCalls:
    """Requests for one account."""

    def __init__(self, account: PayPalAccount, *, way: PayPalWay) -> None:
        self._account = account
        self._way = way
        self._base = way.base or (LIVE if account.account.is_live else SANDBOX)
        self._token: _Token | None = None
        self._one_at_a_time = asyncio.Lock()

    async def sign_in(self) -> None:
        """Get a token, and ask nothing by it. Raises what the port says."""
        await self._usable_token()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Ask for what is at `path`. Raises what the port says."""
        url = httpx.URL(f"{self._base}{path}", params=params or None)
        return await self._told(httpx.Request("GET", url))

    async def post(self, path: str, body: Mapping[str, Any], *, key: str) -> Mapping[str, Any]:
        """Have something done, once for the same `key`. Raises what the port says."""
        headers = {"PayPal-Request-Id": key, "Prefer": "return=representation"}
        return await self.send(path, orjson.dumps(body), headers)

    async def send(
        self, path: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """Send JSON as it is. Raises what the port says."""
        fields = {"Content-Type": "application/json", **(headers or {})}
        url = f"{self._base}{path}"
        return await self._told(httpx.Request("POST", url, headers=fields, content=content))

    async def _told(self, request: httpx.Request) -> Mapping[str, Any]:
        token = await self._usable_token()
        answer = await self._answer(request, token)
        if answer.status_code == 401:
            # Taken back before its time: the request was refused for that alone.
            self._forget(token)
            answer = await self._answer(request, await self._usable_token())
        return _read(answer)

    async def _answer(self, request: httpx.Request, token: str) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {token}"
        request.extensions = {"timeout": self._way.client.timeout.as_dict()}
        try:
            return await self._way.client.send(request)
        except httpx.HTTPError as error:
            raise ProviderUnsure(type(error).__name__) from None

    def _forget(self, token: str) -> None:
        if self._token is not None and self._token.text == token:
            self._token = None

    async def _usable_token(self) -> str:
        """Return a token; one is fetched for all who wait for it."""
        async with self._one_at_a_time:
            now = self._way.clock.now()
            if self._token is None or now >= self._token.until:
                self._token = await self._new_token(now)
            return self._token.text

    async def _new_token(self, now: datetime) -> _Token:
        """Fetch one. Where that fails, nothing was done of what it is for."""
        secret = self._account.client_secret.get_secret_value()
        try:
            answer = await self._way.client.post(
                f"{self._base}/v1/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=httpx.BasicAuth(self._account.client_id, secret),
            )
        except httpx.HTTPError:
            raise ProviderBusy from None
        is_definite = 400 <= answer.status_code < 500 and answer.status_code not in {408, 429}
        if not answer.is_success and not is_definite:
            raise ProviderBusy(_rest(answer))
        told = object_in(answer.content)
        if not answer.is_success:
            reason = text_of(told or {}, "error") or f"status {answer.status_code}"
            raise ProviderRefused(reason)
        text = words_of(told or {}, "access_token")
        if text is None:
            raise ProviderBusy
        seconds = (told or {}).get("expires_in")
        life = timedelta(seconds=min(seconds, 86_400) if isinstance(seconds, int) else 0)
        return _Token(text, now + life - BEFORE_ITS_END)


@asynccontextmanager
async def one_call() -> AsyncIterator[None]:
    """Do all that one call of the port asks PayPal, in time, and while no transaction is open."""
    with waiting_elsewhere():
        try:
            async with asyncio.timeout(LONGEST_CALL):
                yield
        except TimeoutError:
            raise ProviderUnsure("timeout") from None


def _read(answer: httpx.Response) -> Mapping[str, Any]:
    told, status = object_in(answer.content), answer.status_code
    if answer.is_success:
        if told is None:
            raise UnreadableAnswer("no object")
        return told
    if status == 429:
        raise ProviderBusy(_rest(answer))
    if not 400 <= status < 500 or status in {408, 409}:
        raise ProviderUnsure(f"status {status}")
    issue = _issue(told or {})
    if status == 404 or issue in GONE:
        raise ProviderGone(issue or "404")
    raise ProviderRefused(issue or f"status {status}", is_payer=issue in PAYER)


def _issue(told: Mapping[str, Any]) -> str | None:
    """Return PayPal's word for what is wrong; its sentences, which may quote, go no further."""
    issues = (text_of(one, "issue") for one in objects_of(told.get("details")))
    return next((issue for issue in issues if issue), None) or text_of(told, "name")


def _rest(answer: httpx.Response) -> float | None:
    return seconds_asked_for(answer.headers.get("Retry-After"))
