"""Where a webhook goes: an address that is taken apart once, and refused where it is unusual."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Self
from urllib.parse import urlsplit

from booking_system.shared_kernel.errors import Invalid

LONGEST = 2000
PLAIN = re.compile(r"[\x21-\x7e]+")
NAME = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}", re.IGNORECASE
)
PORTS = {"https": 443, "http": 80}


def _wrong(detail: str, code: str) -> Invalid:
    return Invalid.field("/url", detail, code)


@dataclass(frozen=True, slots=True)
class Target:
    """One HTTP address in its parts; `host` is a name or a plain IP address, without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str, *, allow_private: bool) -> Self:
        """Take the address apart. Raises `Invalid`.

        Only https at its own port, unless private addresses are allowed: then any port, and http.
        """
        if len(url) > LONGEST or not PLAIN.fullmatch(url) or "\\" in url:
            raise _wrong("must be an address in plain ASCII without spaces", "invalid_url")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise _wrong("cannot be read as an address", "invalid_url") from None
        if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
            raise _wrong("must begin with https://", "https_needed")
        if "@" in parts.netloc:
            raise _wrong("must not hold a user name or a password", "userinfo_in_url")
        if "#" in url:
            raise _wrong("must not hold a fragment", "fragment_in_url")
        _check_host(host)
        port = PORTS[parts.scheme] if port is None else port
        if not allow_private and port != PORTS[parts.scheme]:
            raise _wrong("must have the usual port, 443", "port_not_allowed")
        query = f"?{parts.query}" if parts.query else ""
        return cls(scheme=parts.scheme, host=host, port=port, path=(parts.path or "/") + query)

    @property
    def authority(self) -> str:
        """What the `Host` field says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def _check_host(host: str) -> None:
    """Numbers that programs take for IPv4 addresses, such as 2130706433 and 0x7f.1, are no names.

    A name whose last part begins with a digit is none either (WHATWG URL, "ends in a number").
    """
    if ":" in host:
        try:
            if IPv6Address(host).scope_id is None:
                return
        except ValueError:
            pass
        raise _wrong("must name a host", "invalid_url")
    try:
        IPv4Address(host)
    except ValueError:
        if not NAME.fullmatch(host) or host.rpartition(".")[2][0].isdigit():
            raise _wrong("must name a host, or be a plain IP address", "invalid_host") from None
