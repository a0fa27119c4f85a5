"""Connections to machines that others name: the very address that was looked at is connected to.

A name is resolved once for each connection. All its addresses are looked at, and a single
forbidden one refuses all: a name that leads inside and outside is a trick. What is connected to is
an address, so nothing is resolved again behind the look; TLS and `Host` have the name as before.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import httpcore

from booking_system.platform.outward.addresses import may_be_called

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Takes a host and a port, returns addresses. Raises `NotConnectedError` where there are none."""


class NotConnectedError(Exception):
    """Nothing is connected to."""

    def __init__(self, code: str) -> None:
        """`code` says why: `blocked_address`, `dns`, `connection`."""
        super().__init__(code)
        self.code = code


async def by_the_system(host: str, port: int) -> Sequence[str]:
    """Ask as every program of this machine does."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotConnectedError("dns") from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAddresses:
    """Resolves names to addresses that may be connected to."""

    allow_private: bool
    resolve: Resolve = by_the_system

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Raise `NotConnectedError` for a name that leads nowhere, or where nothing may go."""
        addresses = await self.resolve(host, port)
        if not addresses:
            raise NotConnectedError("dns")
        if not all(may_be_called(one, allow_private=self.allow_private) for one in addresses):
            raise NotConnectedError("blocked_address")
        return addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """What HTTP connections are made with; `dial` connects to addresses only."""

    addresses: CheckedAddresses
    dial: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the interface of the library)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers. Raises `NotConnectedError`."""
        for address in await self.addresses(host, port):
            try:
                return await self.dial.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise NotConnectedError("connection")

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries of the library, which makes none."""
        await self.dial.sleep(seconds)


async def connected_socket(addresses: CheckedAddresses, host: str, port: int) -> socket.socket:
    """Return a connection to the first address that answers, for a library that takes sockets.

    Raises `NotConnectedError`. The caller limits the time.
    """
    loop = asyncio.get_running_loop()
    for address in await addresses(host, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setblocking(False)  # noqa: FBT003
        try:
            await loop.sock_connect(one, (address, port))
        except OSError:
            one.close()
        except BaseException:
            one.close()
            raise
        else:
            return one
    raise NotConnectedError("connection")
