"""Certificates that PayPal signs webhooks with: from PayPal's hosts only, looked at, and kept.

An address comes with each webhook, from anybody. So nothing is fetched from anywhere but exact
hosts, seldom after a failure, and what was fetched counts only with a name of PayPal's, dates that
fit, and a chain to a root that is believed. Where PayPal leaves out what is between the two, there
is no chain to look at, and PayPal itself has to be asked (`Key.has_chain`).
"""

import asyncio
import re
import warnings
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from booking_system.payments.adapters.providers.http_client import authorities
from booking_system.payments.adapters.providers.paypal_calls import PayPalWay
from booking_system.payments.application.provider_port import InvalidEvent, ProviderUnsure
from booking_system.platform.ticket import waiting_elsewhere

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns what is at an address; raises `FetchError`."""
Roots = Callable[[], Sequence[x509.Certificate]]

HOSTS = ("api.paypal.com", "api-m.paypal.com", "api.sandbox.paypal.com", "api-m.sandbox.paypal.com")
PLACE = re.compile(
    rf"https://({'|'.join(map(re.escape, HOSTS))})(/v1/notifications/certs/[A-Za-z0-9_-]{{1,128}})",
    re.ASCII,
)
"""The whole address: no port, no login, no query, no other path."""
NAME = re.compile(r"([a-z0-9-]+\.)+paypal\.com", re.ASCII)
LARGEST = 64 * 1024
MOST_KEPT = 16
REST = timedelta(seconds=5)
"""After a failure nothing is fetched for so long: anybody can make up addresses that fit."""
SECONDS = 5.0


class FetchError(Exception):
    """It could not be had."""


def fetched_by(way: PayPalWay) -> Fetch:
    """Return what fetches, follows no redirect, and reads no more than 64 KiB.

    Where PayPal's API has another address, that is asked for the same path.
    """

    async def fetch(url: str) -> bytes:
        if way.base is not None and (place := PLACE.fullmatch(url)) is not None:
            url = f"{way.base}{place[2]}"
        read = bytearray()
        try:
            async with (
                asyncio.timeout(SECONDS),
                way.client.stream("GET", url) as answer,
            ):
                if answer.status_code != 200:
                    raise FetchError
                async for piece in answer.aiter_bytes():
                    read += piece
                    if len(read) > LARGEST:
                        raise FetchError
        except (httpx.HTTPError, TimeoutError):
            raise FetchError from None
        return bytes(read)

    return fetch


def system_roots() -> Sequence[x509.Certificate]:
    """Return the authorities that connections believe, of `SSL_CERT_FILE` where that is set."""
    found = []
    for der in authorities().get_ca_certs(binary_form=True):
        with warnings.catch_warnings(), suppress(ValueError, CryptographyDeprecationWarning):
            # A few old ones have numbers that are not allowed any more.
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            found.append(x509.load_der_x509_certificate(der))
    return found


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a certificate that is PayPal's by its place, its name and its dates.

    Without `has_chain` the certificate stood alone, and no root that is believed has signed it.
    """

    public: RSAPublicKey
    has_chain: bool


@dataclass(frozen=True, slots=True)
class _Chain:
    leaf: x509.Certificate
    above: Sequence[x509.Certificate]


class PayPalCertificates:
    """The keys of PayPal's certificates by their addresses."""

    def __init__(self, fetch: Fetch, *, roots: Roots = system_roots) -> None:
        """Nothing is fetched yet, and no root is loaded."""
        self._fetch = fetch
        self._roots = roots
        self._store: Store | None = None
        self._kept: dict[str, _Chain] = {}
        self._one_at_a_time = asyncio.Lock()
        self._rests_until: datetime | None = None

    async def key(self, url: str, *, now: datetime) -> Key:
        """Return the key of the certificate at `url`.

        Raises `InvalidEvent` for an address that is not PayPal's and a certificate that is not
        good at `now`, `ProviderUnsure` where it cannot be had now.
        """
        if not PLACE.fullmatch(url):
            raise InvalidEvent("the certificate is not at PayPal")
        chain = self._kept.get(url)
        if chain is None:
            with waiting_elsewhere():
                async with self._one_at_a_time:
                    chain = self._kept.get(url) or await self._newly_fetched(url, now)
        return self._verified(chain, now)

    async def _newly_fetched(self, url: str, now: datetime) -> _Chain:
        if self._rests_until is not None and now < self._rests_until:
            raise ProviderUnsure("no certificate is fetched now")
        self._rests_until = now + REST
        try:
            raw = await self._fetch(url)
        except FetchError:
            raise ProviderUnsure("the certificate could not be fetched") from None
        try:
            leaf, *above = x509.load_pem_x509_certificates(raw)
        except ValueError:
            raise InvalidEvent("there is no certificate") from None
        chain = _Chain(leaf, above)
        self._verified(chain, now)
        self._rests_until = None
        if len(self._kept) >= MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[url] = chain
        return chain

    def _verified(self, chain: _Chain, now: datetime) -> Key:
        leaf, name = chain.leaf, _name_in(chain.leaf)
        key = leaf.public_key()
        if not isinstance(key, RSAPublicKey):
            raise InvalidEvent("the certificate has no RSA key")
        if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
            raise InvalidEvent("the certificate is out of date")
        try:
            builder = PolicyBuilder().store(self._believed()).time(now)
            builder.build_server_verifier(x509.DNSName(name)).verify(leaf, list(chain.above))
        except (VerificationError, ValueError):
            if chain.above or leaf.issuer == leaf.subject:
                raise InvalidEvent("the certificate has no chain to a root") from None
            return Key(key, has_chain=False)
        return Key(key, has_chain=True)

    def _believed(self) -> Store:
        if self._store is None:
            self._store = Store(list(self._roots()))
        return self._store


def _name_in(certificate: x509.Certificate) -> str:
    """Return a name of PayPal's that the certificate is for. Raises `InvalidEvent`."""
    try:
        kind = x509.SubjectAlternativeName
        names = certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        raise InvalidEvent("the certificate names nobody") from None
    for name in names.get_values_for_type(x509.DNSName):
        if NAME.fullmatch(name):
            return name
    raise InvalidEvent("the certificate is not PayPal's")
