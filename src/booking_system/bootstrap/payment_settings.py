"""What an operator can set about payments: providers, and the platform's accounts with them."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from booking_system.bootstrap.plain_addresses import is_plain_address, listed
from booking_system.payments.adapters.providers.accounts import (
    METHOD,
    STRIPE_KEY,
    STRIPE_PUBLIC_KEY,
    STRIPE_SECRET,
    PayPalAccount,
    StripeAccount,
    is_live_key,
)
from booking_system.payments.adapters.providers.choosing import PaymentApiBases
from booking_system.payments.domain.sighting import Account

PLATFORM = "platform"
"""The key of an account that settings name, instead of a clinic's own."""
PROVIDERS = ("sandbox", "stripe", "paypal")
DASHBOARD = "dashboard"


class PaymentSettings(BaseSettings):
    """Providers of payments, and accounts with them that clinics without their own share."""

    payment_providers: str | None = Field(
        None, description="sandbox, stripe, paypal; commas between"
    )
    stripe_secret_key: SecretStr | None = None
    stripe_publishable_key: str | None = Field(None, description="for an embedded checkout")
    stripe_webhook_secret: SecretStr | None = Field(
        None, description="commas between, while one takes another's place"
    )
    stripe_payment_methods: str = Field(
        "card", description="in Stripe's words, commas between; or dashboard"
    )
    stripe_api_base: str | None = Field(None, description="None: Stripe's own")
    paypal_client_id: str | None = None
    paypal_client_secret: SecretStr | None = None
    paypal_webhook_id: str = Field("", description="commas between")
    paypal_mode: Literal["live", "sandbox"] | None = Field(None, description="None: sandbox")
    paypal_api_base: str | None = Field(None, description="None: PayPal's own, by the mode")

    @property
    def named_providers(self) -> Sequence[str]:
        """The providers that the operator named."""
        return listed(self.payment_providers or "")

    @property
    def offered_providers(self) -> Sequence[str]:
        """The providers that clinics can choose; in production the sandbox is none of them.

        Where none are named: those with an account here, and the sandbox in development.
        """
        if self.payment_providers is not None:
            return self.named_providers
        accounts = {"stripe": self.stripe_platform, "paypal": self.paypal_platform}
        mine = [name for name, account in accounts.items() if account is not None]
        return mine if self._is_for_production() else ["sandbox", *mine]

    @property
    def own_providers(self) -> Sequence[str]:
        """The providers that clinics can have accounts of their own with."""
        return PROVIDERS if self.payment_providers is None else self.named_providers

    @property
    def stripe_platform(self) -> StripeAccount | None:
        """The platform's account at Stripe; its mode is that of the key."""
        if self.stripe_secret_key is None:
            return None
        key, secrets = self.stripe_secret_key, self.stripe_webhook_secret
        given = listed(secrets.get_secret_value()) if secrets is not None else []
        methods = listed(self.stripe_payment_methods)
        return StripeAccount(
            account=Account("stripe", PLATFORM, is_live=is_live_key(key.get_secret_value())),
            secret_key=key,
            webhook_secrets=tuple(map(SecretStr, given)),
            publishable_key=self.stripe_publishable_key,
            methods=() if methods == [DASHBOARD] else tuple(methods),
        )

    @property
    def paypal_platform(self) -> PayPalAccount | None:
        """The platform's account at PayPal."""
        if self.paypal_client_id is None or self.paypal_client_secret is None:
            return None
        return PayPalAccount(
            account=Account("paypal", PLATFORM, is_live=self.paypal_mode == "live"),
            client_id=self.paypal_client_id,
            client_secret=self.paypal_client_secret,
            webhook_ids=tuple(listed(self.paypal_webhook_id)),
        )

    @property
    def payment_api_bases(self) -> PaymentApiBases:
        """Where the providers' APIs are."""
        return PaymentApiBases(stripe=self.stripe_api_base, paypal=self.paypal_api_base)

    @field_validator("payment_providers")
    @classmethod
    def _known_providers(cls, value: str | None) -> str | None:
        if value is not None and not set(listed(value)) <= set(PROVIDERS):
            raise ValueError(
                "BOOKING_PAYMENT_PROVIDERS must be of sandbox, stripe and paypal, with commas "
                "between them."
            )
        return value

    @field_validator("stripe_secret_key")
    @classmethod
    def _stripe_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not STRIPE_KEY.fullmatch(value.get_secret_value()):
            raise ValueError(
                "BOOKING_STRIPE_SECRET_KEY must be a secret or restricted key, which begins with "
                "sk_ or rk_ and says test or live."
            )
        return value

    @field_validator("stripe_publishable_key")
    @classmethod
    def _stripe_public_key(cls, value: str | None) -> str | None:
        if value is not None and not STRIPE_PUBLIC_KEY.fullmatch(value):
            raise ValueError("BOOKING_STRIPE_PUBLISHABLE_KEY must begin with pk_test_ or pk_live_.")
        return value

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _stripe_secrets(cls, value: SecretStr | None) -> SecretStr | None:
        given = [] if value is None else listed(value.get_secret_value())
        if not all(map(STRIPE_SECRET.fullmatch, given)):
            raise ValueError(
                "BOOKING_STRIPE_WEBHOOK_SECRET must be secrets that begin with whsec_, with commas "
                "between them."
            )
        return value

    @field_validator("stripe_payment_methods")
    @classmethod
    def _stripe_methods(cls, value: str) -> str:
        methods = listed(value)
        if not methods or not all(map(METHOD.fullmatch, methods)):
            raise ValueError(
                "BOOKING_STRIPE_PAYMENT_METHODS must be words of Stripe's such as card,sepa_debit, "
                "or dashboard."
            )
        return value

    @field_validator("stripe_api_base", "paypal_api_base")
    @classmethod
    def _payment_api(cls, value: str | None) -> str | None:
        if value is not None and not is_plain_address(value):
            raise ValueError("{name} must be an address like https://api.example.com.")
        return value and value.rstrip("/")

    def _payment_contradictions(self) -> Iterator[str]:
        secret, public = self.stripe_secret_key, self.stripe_publishable_key
        if public is not None and secret is None:
            yield "BOOKING_STRIPE_PUBLISHABLE_KEY needs BOOKING_STRIPE_SECRET_KEY beside it."
        elif (
            public and secret and is_live_key(public) is not is_live_key(secret.get_secret_value())
        ):
            yield "The two keys of Stripe must be both for tests, or both live."
        if (self.paypal_client_id is None) is not (self.paypal_client_secret is None):
            yield "BOOKING_PAYPAL_CLIENT_ID and BOOKING_PAYPAL_CLIENT_SECRET must be set together."

    def payment_advice(self) -> Iterator[str]:
        """What works, but hardly as meant."""
        stripe, paypal = self.stripe_platform, self.paypal_platform
        if stripe is not None and not stripe.webhook_secrets:
            yield _unheard("BOOKING_STRIPE_WEBHOOK_SECRET")
        if paypal is not None and not paypal.webhook_ids:
            yield _unheard("BOOKING_PAYPAL_WEBHOOK_ID")
        if not self._is_for_production():
            return
        if stripe is not None and not stripe.account.is_live:
            yield "BOOKING_STRIPE_SECRET_KEY is a key for tests: nobody pays by it."
        if paypal is not None and not paypal.account.is_live:
            yield "BOOKING_PAYPAL_MODE is sandbox: nobody pays by it."

    def _is_for_production(self) -> bool:
        return getattr(self, "env", None) == "production"


def _unheard(name: str) -> str:
    return f"{name} is not set: payments are seen when the provider is asked, minutes later."
