"""What the API gives of accounts of clinics: a key never goes out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.payments.adapters.providers.events import EVENTS
from booking_system.payments.domain.own_account import OwnAccount, OwnProvider


class ClinicPaymentAccountOut(BaseModel):
    """What new payments of a clinic go to: an account of its own, or the platform's. Times UTC."""

    is_own: bool = Field(description="false: the platform's; what is said of an own one is null")
    provider: OwnProvider
    account_id: str | None = Field(
        description="The account at Stripe, the client at PayPal", examples=["acct_1ExampleClinic"]
    )
    is_live: bool | None = Field(description="false: for tests, nobody pays by it")
    secret_ends_with: str | None = Field(
        description="Of the stored key no more is shown; empty for a short one", examples=["9f3a"]
    )
    webhook_secrets_end_with: list[str] = Field(
        examples=[["a4b1"]],
        description="How each stored secret of webhooks ends; of short ones nothing",
    )
    webhook_ids: list[str] = Field(
        description="Ids of the webhooks at PayPal by which its events are checked; else empty",
        examples=[[]],
    )
    publishable_key: str | None = Field(
        examples=["pk_test_51Example"],
        description="Stripe's key for pages; it is no secret. null: none was set",
    )
    methods: list[str] = Field(
        description="Ways to pay at Stripe, in its words; empty: what the account's own pages say",
        examples=[["card"]],
    )
    version: int = Field(
        description="Goes up with every change; 0: the platform's own account is in force"
    )
    created_at: datetime | None
    changed_at: datetime | None
    changed_by: UUID | None
    verified_at: datetime | None = Field(
        description="When the provider last took the keys; null: it did not answer when they were"
        " set, set them again"
    )
    webhook_url: str | None = Field(
        description="Name it at the provider, so that it tells what became of payments; keep it to"
        " yourself",
        examples=["https://booking.example.com/v1/payment-webhooks/stripe/0192f0c1"],
    )
    event_types: list[str] = Field(
        description="Subscribe that address to all of them", examples=[["refund.failed"]]
    )

    @classmethod
    def of(cls, own: OwnAccount | None, provider: OwnProvider, webhook_url: str) -> Self:
        """Show it."""
        events: Sequence[str] = EVENTS[provider.value]
        nothing = dict.fromkeys(cls.model_fields, None)
        shown: dict[str, object] = {
            **nothing,
            "is_own": own is not None,
            "provider": provider,
            "webhook_secrets_end_with": [],
            "webhook_ids": [],
            "methods": [],
            "version": 0,
            "event_types": list(events),
        }
        if own is not None:
            key, *webhooks = own.hints
            names = ("version", "created_at", "changed_at", "changed_by", "verified_at")
            shown |= {
                "account_id": own.named.name,
                "is_live": own.named.is_live,
                "secret_ends_with": key,
                "webhook_secrets_end_with": webhooks,
                "webhook_url": webhook_url,
                **own.named.options,
                **{name: getattr(own, name) for name in names},
            }
        return cls.model_validate(shown)
