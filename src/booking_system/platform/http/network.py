"""Where a request comes from, as a name that tells one network from another and nothing else."""

import hashlib
import hmac
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address

from fastapi import Request

from booking_system.platform.keyring import Keyring, Purpose

SIZE_BYTES = 16
HOSTS_OF_A_NETWORK = 64
"""So many bits of an IPv6 address one household has to itself (RFC 6177, section 2)."""


class Networks:
    """Names networks by a keyed digest, so that no address is ever stored."""

    def __init__(self, keys: Keyring) -> None:
        """`keys` are shared by all instances: they give the same names."""
        self._keys = keys.derived(Purpose.NETWORKS)

    def name_of(self, request: Request) -> bytes:
        """Return the name of the caller's network: an IPv4 address, or the half of an IPv6 one."""
        return self.names_of(request)[0]

    def names_of(self, request: Request) -> Sequence[bytes]:
        """Return that name, and those that it was given with keys that ours takes turns with."""
        network = network_of("" if request.client is None else request.client.host).encode()
        return [hmac.digest(key, network, hashlib.sha256)[:SIZE_BYTES] for key in self._keys]


def network_of(host: str) -> str:
    """Return what a household has of an address to itself: never to be stored or told as it is."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return hex(int(address) >> HOSTS_OF_A_NETWORK)
    return str(address)
