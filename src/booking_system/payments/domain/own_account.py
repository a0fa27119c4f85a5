"""A clinic's own account at a provider of payments: what it is set to, and since when."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.identifiers import ClinicId, UserId
from booking_system.shared_kernel.secret_hints import hint_of

KEPT_FOR = timedelta(days=180)
"""So long behind its removal an account's keys are kept: providers give money back until then."""


class OwnProvider(StrEnum):
    """Where a clinic can have an account."""

    STRIPE = "stripe"
    PAYPAL = "paypal"


class UnreadableAccountError(Exception):
    """None of the installation's keys opens an account's keys, or they are not of this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which account a clinic means, and how it wants to use it.

    `name` is what the provider calls it: an account of Stripe's, a client of PayPal's. Keys are
    good for the same name and mode only. `options` hold nothing secret.
    """

    provider: OwnProvider
    name: str
    is_live: bool
    options: Mapping[str, Any]

    def is_as(self, other: "Named") -> bool:
        """Say whether it is the same account, with the same keys."""
        mine = self.provider, self.name, self.is_live
        return mine == (other.provider, other.name, other.is_live)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKeys:
    """What opens an account, and what its webhooks are signed with (Stripe's only)."""

    key: str = field(repr=False)
    webhooks: tuple[str, ...] = field(default=(), repr=False)

    def packed(self) -> str:
        """Return both as one text, to be sealed."""
        return json.dumps([self.key, *self.webhooks])

    @classmethod
    def unpacked(cls, text: str) -> "AccountKeys":
        """Return what `packed` made a text of."""
        key, *webhooks = json.loads(text)
        return cls(key=key, webhooks=tuple(webhooks))

    def hints(self) -> tuple[str, ...]:
        """Return the end of each: of the key first, then of the others."""
        return tuple(hint_of(one) for one in (self.key, *self.webhooks))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """A clinic's account, as it is stored; times in UTC.

    `id` is what attempts and the ledger call it, and it is in the address that the provider calls.
    `hints` are the ends of its key and of what webhooks are signed with. `verified_at`: when the
    provider last took the keys. `removed_at`: nothing new begins with it since, what had begun goes
    on.
    """

    id: UUID
    clinic_id: ClinicId
    named: Named
    hints: Sequence[str]
    version: int
    created_at: datetime
    changed_at: datetime
    changed_by: UserId
    verified_at: datetime | None
    removed_at: datetime | None

    @property
    def account(self) -> Account:
        """The account as payments name it."""
        named = self.named
        return Account(named.provider.value, str(self.id), is_live=named.is_live)

    @property
    def bound(self) -> bytes:
        """What its sealed keys are bound to: moved to another row or name, they do not open."""
        return bound_to(self.id, self.clinic_id, self.named)


def bound_to(account_id: UUID, clinic_id: UUID, named: Named) -> bytes:
    """Return what sealed keys are bound to."""
    about = [str(account_id), str(clinic_id), named.provider.value, named.name, named.is_live]
    return json.dumps(about, separators=(",", ":")).encode()
