"""Certificates that Amazon SNS signs with: fetched from Amazon only, and kept."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.platform.http.signatures import InvalidSignature
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Unavailable

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns what is at an address; raises `FetchError`."""

PLACE = re.compile(
    r"https://sns\.[a-z]{2}(-[a-z]+){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?"
    r"/SimpleNotificationService-[0-9a-f]{8,64}\.pem",
    re.ASCII,
)
"""The whole address: a region's host, no port, no login, no query.

Just any word in its place would be `sns.s3.amazonaws.com`: somebody's bucket with the name `sns`.
"""
LARGEST = 64 * 1024
MOST_KEPT = 16
REST = timedelta(seconds=5)
"""After a failure nothing is fetched for so long: anybody can make up addresses that fit."""
SECONDS = 5.0


class FetchError(Exception):
    """It could not be had."""


def fetched_by(http: HttpWhenNeeded) -> Fetch:
    """Return what fetches, follows no redirect, and reads no more than 64 KiB."""

    async def fetch(url: str) -> bytes:
        import httpx  # noqa: PLC0415  (loaded where something is fetched)

        client, read = http.way().client, bytearray()
        try:
            async with client.stream("GET", url, follow_redirects=False, timeout=SECONDS) as answer:
                if answer.status_code != 200:
                    raise FetchError
                async for piece in answer.aiter_bytes():
                    read += piece
                    if len(read) > LARGEST:
                        raise FetchError
        except httpx.HTTPError:
            raise FetchError from None
        return bytes(read)

    return fetch


class Certificates:
    """The keys of Amazon's certificates by their addresses."""

    def __init__(self, fetch: Fetch, *, clock: Clock) -> None:
        """Nothing is fetched yet."""
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[str, x509.Certificate] = {}
        self._one_at_a_time = asyncio.Lock()
        self._rests_until: datetime | None = None

    async def key(self, url: str) -> RSAPublicKey:
        """Return the key of the certificate at `url`.

        Raises `InvalidSignature` for an address that is not Amazon's and for a certificate that is
        out of date, `Unavailable` where it cannot be had now.
        """
        if not PLACE.fullmatch(url):
            raise InvalidSignature
        certificate = self._kept.get(url) or await self._newly_fetched(url)
        now, key = self._clock.now(), certificate.public_key()
        is_in_date = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        if not is_in_date or not isinstance(key, RSAPublicKey):
            raise InvalidSignature
        return key

    async def _newly_fetched(self, url: str) -> x509.Certificate:
        with waiting_elsewhere():
            async with self._one_at_a_time:
                if (known := self._kept.get(url)) is not None:
                    return known
                if self._rests_until is not None and self._clock.now() < self._rests_until:
                    raise Unavailable("The certificate cannot be fetched now.")
                try:
                    certificate = x509.load_pem_x509_certificate(await self._fetch(url))
                except (FetchError, ValueError):
                    self._rests_until = self._clock.now() + REST
                    raise Unavailable("The certificate could not be fetched.") from None
                if len(self._kept) >= MOST_KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[url] = certificate
                return certificate
