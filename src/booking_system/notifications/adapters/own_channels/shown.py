"""What the API gives of accounts of clinics: a secret never goes out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.notifications.application.try_channel import Tried
from booking_system.notifications.domain.own_channel import UNREADABLE, OwnChannel, Provider


class ClinicChannelOut(BaseModel):
    """What messages go through: a clinic's own account, or the platform's. Times in UTC."""

    is_own: bool = Field(description="false: the platform's; all that follows is null then")
    provider: Provider | None = Field(examples=["smtp"])
    sender: str | None = Field(
        examples=["desk@example.com"],
        description="Who writes: an address, a number or a name; null: the platform's",
    )
    target: dict[str, Any] | None = Field(
        description="Where the secret is good for: host, login, region",
        examples=[{"host": "mail.example.com", "port": 587, "security": "starttls", "user": "x"}],
    )
    options: dict[str, Any] | None = Field(
        examples=[{}], description="What else was set, by name; null: the platform's"
    )
    secret_ends_with: str | None = Field(
        description="Of the stored secret no more is shown; empty for a short one",
        examples=["9f3a"],
    )
    version: int = Field(description="Goes up with every change; 0: the platform's own is in force")
    changed_at: datetime | None
    changed_by: UUID | None
    verified_at: datetime | None = Field(
        description="When the provider last took a message of this account"
    )
    failed_at: datetime | None = Field(
        description="When it last refused all of them, or could not be reached; null once it works"
    )
    failure: str | None = Field(
        description=f"The provider's code for that; `{UNREADABLE}`: set the secret anew",
        examples=["535 5.7.8"],
    )
    callbacks: list[str] = Field(
        description="Addresses to name at the provider, so that it tells what became of messages; "
        "keep them to yourself",
        examples=[["https://booking.example.com/v1/message-callbacks/own/0192f0c1/sendgrid"]],
    )

    @classmethod
    def of(cls, own: OwnChannel | None, callbacks: Sequence[str]) -> Self:
        """Show it."""
        if own is None:
            nothing = dict.fromkeys(cls.model_fields, None)
            return cls.model_validate({**nothing, "is_own": False, "version": 0, "callbacks": []})
        account = own.account
        names = ("version", "changed_at", "changed_by", "verified_at", "failed_at", "failure")
        return cls.model_validate(
            {
                "is_own": True,
                "provider": account.provider,
                "sender": account.sender,
                "target": dict(account.target),
                "options": dict(account.options),
                "secret_ends_with": own.hint,
                "callbacks": list(callbacks),
                **{name: getattr(own, name) for name in names},
            }
        )


class TrialOut(BaseModel):
    """What came of a message that was sent to try an account."""

    accepted: bool = Field(description="The provider has taken it; look whether it arrives")
    provider: Provider = Field(examples=["smtp"])
    sent_to: str | None = Field(
        description="null where the request is answered again", examples=["admin@example.com"]
    )
    code: str | None = Field(description="The provider's own, or ours", examples=["535 5.7.8"])
    told: str = Field(
        description="What came of it, in a sentence for people",
        examples=["The provider refuses the account: look at the login, the key and the sender."],
    )

    @classmethod
    def of(cls, tried: Tried) -> Self:
        """Show it."""
        return cls(
            accepted=tried.is_taken,
            provider=tried.provider,
            sent_to=tried.sent_to,
            code=tried.code,
            told=tried.told,
        )
