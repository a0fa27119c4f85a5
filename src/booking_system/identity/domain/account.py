"""An account: somebody who can sign in."""

import unicodedata
from dataclasses import dataclass

from booking_system.identity.domain.actor import RoleGrant
from booking_system.shared_kernel.identifiers import UserId


def email_key(email: str) -> str:
    """Return the form by which addresses are compared: composed (NFC), lower case, no blanks."""
    return unicodedata.normalize("NFC", email.strip()).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user as stored. `password_hash` is None for an account that cannot use a password yet.

    A temporary password is known to somebody else: no role holds until the owner has changed it.
    """

    id: UserId
    email: str
    email_verified: bool
    password_hash: str | None
    password_is_temporary: bool = False
    full_name: str
    locale: str | None
    time_zone: str | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An account with all that it may do, as its owner sees it."""

    account: Account
    grants: tuple[RoleGrant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """What the owner changes; None leaves a field as it is."""

    full_name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
