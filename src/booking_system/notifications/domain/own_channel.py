"""A clinic's own account with a provider: what it is set to, and how it does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from booking_system.notifications.domain.message import Channel
from booking_system.shared_kernel.identifiers import ClinicId, UserId

UNREADABLE = "channel_unreadable"
"""Why a message fails whose clinic's secret nobody can open."""


class Provider(StrEnum):
    """What a clinic's account is with."""

    SMTP = "smtp"
    SENDGRID = "sendgrid"
    SES = "ses"
    TWILIO = "twilio"
    SNS = "sns"


class UnreadableChannelError(Exception):
    """None of the installation's keys opens a clinic's secret, or it is not of this account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a clinic sets.

    `target` says where the secret is good for (host, login, region), `options` what else is wanted.
    `sender` is an address for e-mails; a number, a name or a service for SMS, None: the provider's.
    """

    provider: Provider
    sender: str | None
    target: Mapping[str, Any]
    options: Mapping[str, Any]

    def is_as(self, other: "Account") -> bool:
        """Say whether the other one's secret is good for this one, too."""
        return self.provider is other.provider and self.target == other.target


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnChannel:
    """A clinic's account, as it is stored; times in UTC.

    `hint` is the end of its secret. `verified_at`: when the provider last took a message.
    `failed_at` and `failure`: when and why it last refused all of ours; None once it took one.
    """

    id: UUID
    clinic_id: ClinicId
    channel: Channel
    account: Account
    hint: str
    version: int
    changed_at: datetime
    changed_by: UserId
    verified_at: datetime | None
    failed_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class OwnSender:
    """Which version of a clinic's account a message goes through, and who writes it."""

    channel_id: UUID
    version: int
    sender: str | None


def bound_to(clinic_id: UUID, channel: Channel, account: Account) -> bytes:
    """Return what a sealed secret is bound to: moved anywhere else it does not open.

    Also not by another host in the same row: it would be told the secret.
    """
    about = [str(clinic_id), channel.value, account.provider.value, dict(account.target)]
    return json.dumps(about, sort_keys=True, separators=(",", ":")).encode()


def scope_of(clinic_id: UUID) -> str:
    """Return the sender that blocks are noted for which a clinic's own account has told.

    It is no number: a clinic may name any number as its sender, and may not speak for others.
    """
    return f"clinic:{clinic_id}"
