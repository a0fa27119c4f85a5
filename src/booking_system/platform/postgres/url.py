"""Database addresses: written as libpq writes them, read as SQLAlchemy wants them."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import URL

USUAL_PORT = "5432"
OF_SEVERAL = "target_session_attrs"
"""Which of several hosts is wanted, in libpq's words."""


class DatabaseUrlError(ValueError):
    """The address of the database cannot be read."""


def sqlalchemy_url(url: str, *, of_several: str = "read-write") -> URL:
    """Turn `postgresql://user:password@host1:5432,host2/name?…` into an asyncpg address.

    Of several hosts the wanted server is found: by `target_session_attrs` of the address, else
    `of_several`. A `host` that is a path is the folder of a socket. Raises `DatabaseUrlError`,
    which never quotes the address: it may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres", "postgresql+asyncpg"}:
        message = "The address of the database must begin with postgresql://."
        raise DatabaseUrlError(message)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    names = [host for host in hosts.split(",") if host] or query.pop("host", "").split(",")
    places = list(_places([name for name in names if name], query.pop("port", USUAL_PORT)))
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    # SQLAlchemy passes lists of hosts and ports on where each is one query value.
    everything: dict[str, str | tuple[str, ...]] = dict(query)
    if places:
        everything["host"] = tuple(f"{host}:{number}" for host, number in places)
        everything.setdefault(OF_SEVERAL, of_several)
    if len(places) == 1:
        everything = {**query, "host": places[0][0], "port": places[0][1]}
    return URL.create(
        "postgresql+asyncpg",
        username=unquote(user) or None,
        password=unquote(password) or None,
        database=unquote(parts.path.lstrip("/")) or None,
        query=everything,
    )


def _places(names: list[str], port: str) -> Iterator[tuple[str, str]]:
    """Ports behind the hosts are one for all, or one for each."""
    ports = port.split(",")
    if len(ports) not in {1, len(names)}:
        message = "The address of the database must have one port for all hosts, or one for each."
        raise DatabaseUrlError(message)
    for number, name in enumerate(names):
        yield _place(name, ports[number % len(ports)] or USUAL_PORT)


def _place(name: str, port: str) -> tuple[str, str]:
    if name.startswith("/"):
        return unquote(name), port
    if name.startswith("["):
        address, _, rest = name[1:].partition("]")
        return address, rest.lstrip(":") or port
    host, _, own = name.rpartition(":") if ":" in name else (name, "", port)
    return host, own
