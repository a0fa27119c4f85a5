"""Whose attempts are counted together. A key is `kind:value`; each kind has its own quota."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from uuid import UUID

from booking_system.identity.domain.account import email_key
from booking_system.shared_kernel.identifiers import SessionId, UserId

ACCOUNT = "account"
ADDRESS = "address"
CROWD = "crowd"
PASSWORD_CHANGE = "password_change"  # noqa: S105
REGISTRATION = "registration"
LOOKUP = "lookup"
STAFF = "staff"
INVITATION = "invitation"
LINK = "link"
RESET = "reset"
RESET_OF_ADDRESS = "reset_of_address"
VERIFICATION = "verification"
CALENDAR_FEED = "calendar_feed"
OVERLAP = "overlap"
OVERLAP_OF_PATIENT = "overlap_of_patient"

LATELY = timedelta(days=30)
"""From where somebody has signed in within that time nobody makes them wait for strangers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of a quota: `remaining` of `quota` attempts in `window` seconds."""

    policy: str
    quota: int
    window: int
    remaining: int
    reset: int
    """Seconds until more are allowed."""


def account_key(email: str, network: bytes) -> str:
    """Attempts on one account from one network: what a stranger uses up is a stranger's."""
    return f"{ACCOUNT}:{_digest(email)}:{network.hex()}"


def crowd_key(email: str) -> str:
    """Attempts on one account, from wherever they come."""
    return f"{CROWD}:{_digest(email)}"


def address_key(network: bytes) -> str:
    """Attempts from one network, on any account."""
    return f"{ADDRESS}:{network.hex()}"


def password_change_key(user_id: UserId, session_id: SessionId) -> str:
    """Attempts of somebody who is signed in to change the password; nobody else gets here."""
    return f"{PASSWORD_CHANGE}:{user_id}:{session_id}"


def registration_key(network: bytes) -> str:
    """New accounts from one network."""
    return f"{REGISTRATION}:{network.hex()}"


def lookup_key(user_id: UUID) -> str:
    """Looks of one user for patients by their addresses."""
    return f"{LOOKUP}:{user_id}"


def overlap_keys(user_id: UUID, patient_id: UUID) -> tuple[str, str]:
    """What one member of staff is told of one patient's appointments elsewhere, and of all."""
    return f"{OVERLAP_OF_PATIENT}:{user_id} {patient_id}", f"{OVERLAP}:{user_id}"


def staff_key(user_id: UUID) -> str:
    """New staff, invited or with an account, by one administrator."""
    return f"{STAFF}:{user_id}"


def invitation_key(network: bytes) -> str:
    """Tokens of invitations shown from one network."""
    return f"{INVITATION}:{network.hex()}"


def link_key(network: bytes) -> str:
    """Tokens of links shown from one network."""
    return f"{LINK}:{network.hex()}"


def reset_keys(email: str, network: bytes) -> tuple[str, str]:
    """Wishes for a new password from one network, and for one address, whether it is anybody's."""
    return f"{RESET}:{network.hex()}", f"{RESET_OF_ADDRESS}:{_digest(email)}"


def calendar_feed_key(feed_id: UUID) -> str:
    """Reads of one calendar link, from wherever they come."""
    return f"{CALENDAR_FEED}:{feed_id}"


def verification_key(user_id: UserId) -> str:
    """Wishes of one user for the mail that proves the address."""
    return f"{VERIFICATION}:{user_id}"


def _digest(email: str) -> str:
    return blake2b(email_key(email).encode(errors="replace"), digest_size=16).hexdigest()
