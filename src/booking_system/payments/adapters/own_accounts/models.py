"""What the API takes of accounts of clinics."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from booking_system.payments.adapters.providers.accounts import (
    METHOD,
    STRIPE_KEY,
    STRIPE_PUBLIC_KEY,
    STRIPE_SECRET,
    is_live_key,
)
from booking_system.payments.application.own_accounts import AccountWish
from booking_system.payments.domain.own_account import OwnProvider
from booking_system.platform.http.input import Input

KEEPS = "Without it the present one stays, as long as the account is the same"
MOST_SECRETS = 3
MOST_METHODS = 20
CLIENT_SECRET = re.compile(r"[\x21-\x7e]+", re.ASCII)


def _secret(pattern: re.Pattern[str]) -> Callable[[SecretStr], SecretStr]:
    def fits(value: SecretStr) -> SecretStr:
        if not pattern.fullmatch(value.get_secret_value()):
            message = "is not of the form that the provider gives out"
            raise ValueError(message)
        return value

    return fits


StripeKey = Annotated[
    SecretStr,
    Field(
        max_length=300,
        description=f"A secret or restricted key, which says test or live. {KEEPS}",
        examples=["sk_test_51ExampleKeyOfAClinic9f3a"],
    ),
    AfterValidator(_secret(STRIPE_KEY)),
]
WebhookSecret = Annotated[SecretStr, Field(max_length=300), AfterValidator(_secret(STRIPE_SECRET))]
PublicKey = Annotated[str, StringConstraints(max_length=300, pattern=STRIPE_PUBLIC_KEY.pattern)]
Method = Annotated[str, StringConstraints(pattern=f"^{METHOD.pattern}$")]


class StripeAccountIn(Input):
    """A clinic's own account at Stripe."""

    account_id: Annotated[str, StringConstraints(pattern=r"^acct_[A-Za-z0-9]{1,100}$")] = Field(
        description="As Stripe's settings show it", examples=["acct_1ExampleClinic"]
    )
    secret_key: StripeKey | None = Field(
        default=None, description="Secret or restricted key; left out: the stored one"
    )
    webhook_secrets: list[WebhookSecret] | None = Field(
        default=None,
        max_length=MOST_SECRETS,
        description="What Stripe signs the clinic's events with; several while one takes another's"
        " place. Without it the present ones stay",
        examples=[["whsec_ExampleSecretOfAnEndpoint"]],
    )
    publishable_key: PublicKey | None = Field(
        default=None,
        description="Stripe's publishable key, for an embedded form; no secret",
        examples=["pk_test_51Example"],
    )
    methods: list[Method] = Field(
        default=["card"],
        max_length=MOST_METHODS,
        description="Ways to pay, in Stripe's words; none: what the account's own pages say",
        examples=[["card"]],
    )

    def wish(self) -> AccountWish:
        """Return what is to be set."""
        key = None if self.secret_key is None else self.secret_key.get_secret_value()
        secrets = self.webhook_secrets
        return AccountWish(
            provider=OwnProvider.STRIPE,
            name=self.account_id,
            is_live=None if key is None else is_live_key(key),
            options={"publishable_key": self.publishable_key, "methods": self.methods},
            key=key,
            webhooks=None if secrets is None else tuple(one.get_secret_value() for one in secrets),
        )


class PayPalAccountIn(Input):
    """A clinic's own account at PayPal."""

    client_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")] = Field(
        description="Of an application of the clinic's", examples=["AaExampleClientOfAClinic"]
    )
    client_secret: (
        Annotated[
            SecretStr,
            Field(
                min_length=1,
                max_length=200,
                description=KEEPS,
                examples=["EExampleSecretOfAClinic9f3a"],
            ),
            AfterValidator(_secret(CLIENT_SECRET)),
        ]
        | None
    ) = Field(
        default=None,
        description="The secret of that application; left out: the stored one",
    )
    mode: Literal["live", "sandbox"] = Field(
        default="live", description="`sandbox`: for tests, nobody pays by it"
    )
    webhook_ids: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,50}$")]] = Field(
        default=[],
        max_length=MOST_SECRETS,
        description="Ids of the webhooks that call `webhook_url`, as PayPal's pages show them",
        examples=[["8PT597110X687430LKGECATA"]],
    )

    def wish(self) -> AccountWish:
        """Return what is to be set."""
        secret = self.client_secret
        return AccountWish(
            provider=OwnProvider.PAYPAL,
            name=self.client_id,
            is_live=self.mode == "live",
            options={"webhook_ids": self.webhook_ids},
            key=None if secret is None else secret.get_secret_value(),
            webhooks=(),
        )
