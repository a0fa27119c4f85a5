"""What identity tells the rest of the world of accounts: ids and times, no address and no name."""

from dataclasses import dataclass
from typing import ClassVar

from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRegistered(DomainEvent):
    """There is a new account; nobody has proved yet that its address is theirs."""

    name: ClassVar[str] = "account.registered"

    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequested(DomainEvent):
    """The owner wants the mail once more that proves the address."""

    name: ClassVar[str] = "account.verification_requested"

    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetRequested(DomainEvent):
    """Somebody wants a new password for an account.

    `user_id` is None where the address that they gave is nobody's: it is stored all the same, so
    that the work does not tell one from the other.
    """

    name: ClassVar[str] = "account.password_reset_requested"

    user_id: UserId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(DomainEvent):
    """The account has a new password, by the old one or by a link."""

    name: ClassVar[str] = "account.password_changed"

    user_id: UserId
