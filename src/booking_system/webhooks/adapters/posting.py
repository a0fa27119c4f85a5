"""Webhooks over HTTP: one POST each, no redirection, no proxy, and only some of the answer."""

import asyncio
import re
import ssl
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpcore

from booking_system.platform.outward.connecting import CheckedNetwork, NotConnectedError
from booking_system.shared_kernel.clock import Clock
from booking_system.webhooks.application.sending_ports import Letter
from booking_system.webhooks.domain.delivery import Answer, NotAnsweredError

SECONDS = 15.0
"""For all of it: name, connection, request, answer."""
EXCERPT_BYTES = 1024
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(slots=True, kw_only=True)
class HttpPost:
    """Each webhook has a connection of its own, so each is looked at before it is made.

    The library below follows no redirection and reads no proxy from the environment.
    """

    network: CheckedNetwork
    clock: Clock
    seconds: float = SECONDS
    trust: ssl.SSLContext | None = None
    """None: what this machine trusts, read when it is first needed."""
    _pool: httpcore.AsyncConnectionPool | None = field(default=None, init=False)

    async def __call__(self, letter: Letter) -> Answer:
        """Send it. Raises `NotAnsweredError`."""
        status, headers, excerpt = 0, dict[bytes, bytes](), bytearray()
        sent = self._sent(letter)
        try:
            async with asyncio.timeout(self.seconds), sent as response:
                status, headers = response.status, _named(response)
                await _read(response, excerpt)
        except NotConnectedError as error:
            _refuse_without(status, error.code)
        except (TimeoutError, httpcore.TimeoutException):
            _refuse_without(status, "timeout")
        except httpcore.ConnectError as error:
            _refuse_without(status, "tls" if _is_of_tls(error) else "connection")
        except httpcore.NetworkError:
            _refuse_without(status, "connection")
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            _refuse_without(status, "protocol")
        asked = self._asked(headers.get(b"retry-after"))
        return Answer(status=status, again_after=asked, excerpt=_text(bytes(excerpt)))

    def _sent(self, letter: Letter) -> AbstractAsyncContextManager[httpcore.Response]:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=self.trust or ssl.create_default_context(),
                network_backend=self.network,
                max_connections=None,
                max_keepalive_connections=0,
            )
        to = letter.target
        url = httpcore.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.path)
        headers = [("Host", to.authority), *letter.headers.items()]
        return self._pool.stream("POST", url, headers=headers, content=letter.body)

    def _asked(self, text: bytes | None) -> timedelta | None:
        """Read `Retry-After`: seconds, or a date."""
        if text is None:
            return None
        said = text.decode("ascii", "replace").strip()
        if said.isascii() and said.isdigit() and len(said) <= 9:
            return timedelta(seconds=int(said))
        try:
            at = parsedate_to_datetime(said)
            return max(timedelta(0), at - self.clock.now())
        except (ValueError, TypeError, OverflowError):
            return None


def _refuse_without(status: int, code: str) -> None:
    """An answer counts from its head on; the rest may be lost."""
    if not status:
        raise NotAnsweredError(code) from None


def _is_of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _named(response: httpcore.Response) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in response.headers}


async def _read(response: httpcore.Response, excerpt: bytearray) -> None:
    """Read the beginning; the rest is left behind with the connection."""
    async for piece in response.aiter_stream():
        excerpt += piece[: EXCERPT_BYTES - len(excerpt)]
        if len(excerpt) == EXCERPT_BYTES:
            return


def _text(raw: bytes) -> str:
    """Return what can be stored and shown of it."""
    plain = FORBIDDEN.sub("", raw.decode("utf-8", "replace"))
    return plain.encode()[:EXCERPT_BYTES].decode("utf-8", "ignore")
