"""Accounts at providers, and what opens them; nothing slow is loaded with them."""

import re
from dataclasses import dataclass, field

from pydantic import SecretStr

from booking_system.payments.domain.sighting import Account

STRIPE_KEY = re.compile(r"[sr]k_(test|live)_[A-Za-z0-9_]{1,250}", re.ASCII)
STRIPE_PUBLIC_KEY = re.compile(r"pk_(test|live)_[A-Za-z0-9_]{1,250}", re.ASCII)
STRIPE_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{1,250}", re.ASCII)
METHOD = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)


def is_live_key(key: str) -> bool:
    """Say whether a key of Stripe's, secret or not, moves real money."""
    return "_live_" in key[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """An account at Stripe and what opens it.

    `webhook_secrets` are all that are in use: two while one takes the other's place. `connected` is
    an account `acct_…` that `secret_key`, a platform's, acts for; its own key needs none. `is_own`:
    it is a clinic's, so that its events speak for no other account.
    """

    account: Account
    secret_key: SecretStr
    webhook_secrets: tuple[SecretStr, ...] = ()
    publishable_key: str | None = None
    connected: str | None = None
    is_own: bool = False
    methods: tuple[str, ...] = field(default=("card",))
    """Ways to pay, in Stripe's words; none: what the account's own pages say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPalAccount:
    """An account at PayPal and what opens it.

    `webhook_ids` are of the endpoints that are subscribed, real ones or those of PayPal's sandbox.
    """

    account: Account
    client_id: str
    client_secret: SecretStr
    webhook_ids: tuple[str, ...] = ()
