"""Where a request comes from, as a name that tells one network from another and nothing else."""

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address

from fastapi import Request

SIZE_BYTES = 16
HOSTS_OF_A_NETWORK = 64
"""So many bits of an IPv6 address one household has to itself (RFC 6177, section 2)."""


class Networks:
    """Names networks by a keyed digest, so that no address is ever stored."""

    def __init__(self, *, secret: str) -> None:
        """`secret` is shared by all instances: they give the same names."""
        # A key of its own: nothing else is ever made with it.
        self._secret = hmac.digest(secret.encode(), b"networks", hashlib.sha256)

    def name_of(self, request: Request) -> bytes:
        """Return the name of the caller's network: an IPv4 address, or the half of an IPv6 one."""
        host = "" if request.client is None else request.client.host
        return hmac.digest(self._secret, _network(host).encode(), hashlib.sha256)[:SIZE_BYTES]


def _network(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return hex(int(address) >> HOSTS_OF_A_NETWORK)
    return str(address)
