"""Which addresses may be called: what counts is the address that is connected to.

Python's own `is_global` and `is_private` are not enough: they let through NAT64 and 6to4 addresses
that lead to inner ones, multicast, and the shared space of carriers.
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(text: str) -> Sequence[Network]:
    return [ip_network(one) for one in text.split()]


DENIED = _networks(
    # IPv4 (IANA's special-purpose registry): this network, private, shared, loopback, link-local,
    # private, protocol assignments, documentation, relays of 6to4, private, benchmarks,
    # documentation, documentation, multicast, reserved with broadcast.
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24"
    " 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24"
    " 224.0.0.0/4 240.0.0.0/4"
    # IPv6: all but 2000::/3, which takes with it loopback, IPv4 in ::/96 and ::ffff:0:0:0/96,
    # NAT64 in 64:ff9b::/96 and 64:ff9b:1::/48, unique local, link-local, fec0::/10, multicast.
    " ::/3 4000::/2 8000::/1"
    # In 2000::/3: protocol assignments with Teredo, documentation, 6to4, documentation.
    " 2001::/23 2001:db8::/32 2002::/16 3fff::/20"
)
OF_ONE_S_OWN = _networks(
    "10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ::1/128 fc00::/7"
)
"""What the operator can allow. Link-local stays denied: clouds tell a machine its secrets there."""


def may_be_called(address: str, *, allow_private: bool) -> bool:
    """Say whether this address, as a resolver gives it, may be connected to.

    False also for what is no address, and for one with a zone (`fe80::1%eth0`).
    """
    if "%" in address:
        return False
    try:
        plain = _unmapped(ip_address(address))
    except ValueError:
        return False
    if allow_private and _is_in(plain, OF_ONE_S_OWN):
        return True
    return not _is_in(plain, DENIED)


def _unmapped(address: Address) -> Address:
    """The kernel connects ::ffff:127.0.0.1 to 127.0.0.1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == one.version and address in one for one in networks)
