"""Where the program connects to, seen where every connection of a loop begins."""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvloop

Place = tuple[str, object]


@dataclass
class Watched:
    """Connections and names that were asked for; those elsewhere than `allowed` are refused."""

    allowed: set[int]
    there: list[Place] = field(default_factory=list)
    elsewhere: list[Place] = field(default_factory=list)

    def see(self, host: Any, port: Any) -> None:
        place = (str(host), port)
        if _is_here(host) and port in self.allowed:
            self.there.append(place)
            return
        self.elsewhere.append(place)
        raise ConnectionRefusedError(f"{host}:{port} is nobody's place")


@contextmanager
def connections_watched(*allowed: int | None) -> Iterator[Watched]:
    """Let the loop connect to these ports of this machine only; PostgreSQL's is a socket file."""
    watched = Watched({one for one in allowed if one is not None})
    connect, look_up = uvloop.Loop.create_connection, uvloop.Loop.getaddrinfo

    async def connecting(
        loop: uvloop.Loop, factory: Any, host: Any = None, port: Any = None, **more: Any
    ) -> Any:
        if "sock" not in more:
            watched.see(host, port)
        return await connect(loop, factory, host, port, **more)

    async def looking_up(loop: uvloop.Loop, host: Any, port: Any, **more: Any) -> Any:
        watched.see(host, port)
        return await look_up(loop, host, port, **more)

    uvloop.Loop.create_connection = connecting  # type: ignore[method-assign]
    uvloop.Loop.getaddrinfo = looking_up  # type: ignore[method-assign,assignment]
    try:
        yield watched
    finally:
        del uvloop.Loop.create_connection, uvloop.Loop.getaddrinfo


def _is_here(host: Any) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
