"""Whose attempts are counted together. A key is `kind:value`; each kind has its own quota."""

import ipaddress
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from booking_system.identity.domain.account import email_key

ACCOUNT = "account"
ADDRESS = "address"
REGISTRATION = "registration"
LOOKUP = "lookup"
STAFF = "staff"
INVITATION = "invitation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of a quota: `remaining` of `quota` attempts in `window` seconds."""

    policy: str
    quota: int
    window: int
    remaining: int
    reset: int
    """Seconds until more are allowed."""


def account_key(email: str) -> str:
    """Attempts on one account, from wherever they come."""
    digest = blake2b(email_key(email).encode(errors="replace"), digest_size=16)
    return f"{ACCOUNT}:{digest.hexdigest()}"


def address_key(address: str) -> str:
    """Attempts from one network address, on whatever account."""
    return f"{ADDRESS}:{_network(address)}"


def registration_key(address: str) -> str:
    """New accounts from one network address."""
    return f"{REGISTRATION}:{_network(address)}"


def lookup_key(user_id: UUID) -> str:
    """Looks of one user for patients by their addresses."""
    return f"{LOOKUP}:{user_id}"


def staff_key(user_id: UUID) -> str:
    """New staff, invited or with an account, by one administrator."""
    return f"{STAFF}:{user_id}"


def invitation_key(address: str) -> str:
    """Tokens of invitations shown from one network address."""
    return f"{INVITATION}:{_network(address)}"


def _network(address: str) -> str:
    """One IPv6 customer has a /64 to choose addresses from (RFC 6177)."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, 64), strict=False).network_address)
