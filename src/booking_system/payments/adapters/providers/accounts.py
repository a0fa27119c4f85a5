"""Accounts at providers, and what opens them; nothing slow is loaded with them."""

from dataclasses import dataclass, field

from pydantic import SecretStr

from booking_system.payments.domain.sighting import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeAccount:
    """An account at Stripe and what opens it.

    `webhook_secrets` are all that are in use: two while one takes the other's place. `connected` is
    an account `acct_…` that `secret_key`, a platform's, acts for; its own key needs none.
    """

    account: Account
    secret_key: SecretStr
    webhook_secrets: tuple[SecretStr, ...] = ()
    publishable_key: str | None = None
    connected: str | None = None
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
