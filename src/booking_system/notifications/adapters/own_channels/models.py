"""What the API takes of accounts of clinics."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from booking_system.notifications.adapters.carriers.addresses import (
    HOST,
    NAME,
    PRICE,
    REGION,
    SID,
    SNS_SENDER,
    TOPIC,
    TWILIO_SENDER,
)
from booking_system.notifications.adapters.reports.sendgrid import WrongKeyError, public_key
from booking_system.notifications.domain.own_channel import (
    Account,
    Provider,
)
from booking_system.platform.http.fields import Email, Phone
from booking_system.platform.http.input import Input

KEEPS = "Without it the present one stays, as long as the account is the same"
PLAIN = re.compile(r"[\x20-\x7e]+")
Proposal = tuple[Account, str | None]


def _fitting(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def fits(value: str) -> str:
        if not pattern.fullmatch(value):
            message = "is not of the form that the provider gives out"
            raise ValueError(message)
        return value

    return fits


def _verifying(value: str) -> str:
    try:
        public_key(value)
    except WrongKeyError:
        message = "is no public key as SendGrid shows it"
        raise ValueError(message) from None
    return value


def _plain(value: SecretStr) -> SecretStr:
    if not PLAIN.fullmatch(value.get_secret_value()):
        message = "must be plain ASCII"
        raise ValueError(message)
    return value


Secret = Annotated[
    SecretStr, Field(min_length=1, max_length=500, description=KEEPS), AfterValidator(_plain)
]
Host = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253, to_lower=True),
    AfterValidator(_fitting(HOST)),
]
Region = Annotated[
    str,
    StringConstraints(max_length=30),
    AfterValidator(_fitting(REGION)),
    Field(examples=["eu-central-1"]),
]
KeyName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z0-9]{16,128}$"),
    Field(description="The name of the access key", examples=["AKIAIOSFODNN7EXAMPLE"]),
]
Topics = Annotated[
    list[Annotated[str, StringConstraints(max_length=400), AfterValidator(_fitting(TOPIC))]],
    Field(max_length=10, description="Topics of SNS that may tell what became of messages"),
]


class SmtpIn(Input):
    """A mail server."""

    host: Host = Field(examples=["mail.example.com"], description="Name of the server")
    port: int = Field(default=587, ge=1, le=65535, description="25, 465, 587 or 2525")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`tls` from the start; `none` only where the installation allows private "
        "addresses",
    )
    user: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        examples=["clinic"],
        description="Name of the account that signs in to the server",
    )
    password: Secret | None = Field(
        default=None,
        examples=["correct-horse-battery"],
        description="Of that user; left out: the stored one",
    )

    def account(self, sender: str | None) -> Proposal:
        """Return what is to be set, and its secret."""
        target = {
            "host": self.host,
            "port": self.port,
            "security": self.security,
            "user": self.user,
        }
        return _proposal(Provider.SMTP, sender, target, {}, self.password)


class SendGridIn(Input):
    """An account with SendGrid."""

    api_key: Secret | None = Field(
        default=None,
        examples=["SG.example-key-of-a-clinic"],
        description="The provider's key, never shown again; left out: the stored one",
    )
    region: Literal["global", "eu"] = "global"
    webhook_keys: list[Annotated[str, AfterValidator(_verifying)]] = Field(
        default=[], max_length=5, description="Public keys of its event webhook"
    )

    def account(self, sender: str | None) -> Proposal:
        """Return what is to be set, and its secret."""
        host = "api.eu.sendgrid.com" if self.region == "eu" else "api.sendgrid.com"
        options = {"webhook_keys": self.webhook_keys}
        return _proposal(Provider.SENDGRID, sender, {"host": host}, options, self.api_key)


class SesIn(Input):
    """An account with Amazon SES."""

    region: Region
    access_key_id: KeyName
    secret_access_key: Secret | None = None
    configuration_set: Annotated[str, AfterValidator(_fitting(NAME))] | None = Field(
        default=None,
        description="A set of the account's that tells what became of mails; null: none",
    )
    topics: Topics = Field(default=[])

    def account(self, sender: str | None) -> Proposal:
        """Return what is to be set, and its secret."""
        target = {"region": self.region, "access_key_id": self.access_key_id}
        options = {"configuration_set": self.configuration_set, "topics": self.topics}
        return _proposal(Provider.SES, sender, target, options, self.secret_access_key)


class TwilioIn(Input):
    """An account with Twilio."""

    account_sid: Annotated[str, StringConstraints(max_length=34), AfterValidator(_fitting(SID))] = (
        Field(examples=[f"AC{'0' * 32}"], description="The SID of the account")
    )
    auth_token: Secret | None = Field(
        default=None,
        examples=["0123456789abcdef0123456789abcdef"],
        description="The account's token; left out: the stored one",
    )

    def account(self, sender: str | None) -> Proposal:
        """Return what is to be set, and its secret."""
        return _proposal(
            Provider.TWILIO, sender, {"account": self.account_sid}, {}, self.auth_token
        )


class SnsIn(Input):
    """An account with Amazon SNS."""

    region: Region
    access_key_id: KeyName
    secret_access_key: Secret | None = None
    max_price: Annotated[str, AfterValidator(_fitting(PRICE))] | None = Field(
        default=None, description="In USD: what costs more is not sent"
    )
    topics: Topics = Field(default=[])

    def account(self, sender: str | None) -> Proposal:
        """Return what is to be set, and its secret."""
        target = {"region": self.region, "access_key_id": self.access_key_id}
        options = {"max_price": self.max_price, "topics": self.topics}
        return _proposal(Provider.SNS, sender, target, options, self.secret_access_key)


def _proposal(
    provider: Provider,
    sender: str | None,
    target: Mapping[str, Any],
    options: Mapping[str, Any],
    secret: SecretStr | None,
) -> Proposal:
    account = Account(provider=provider, sender=sender, target=target, options=options)
    return account, None if secret is None else secret.get_secret_value()


def _only(given: Sequence[Any]) -> Any:
    found = [one for one in given if one is not None]
    if len(found) != 1:
        message = "must name one provider"
        raise ValueError(message)
    return found[0]


class EmailChannelIn(Input):
    """The account that a clinic's e-mails go through: one of the providers, and who writes."""

    sender: Email = Field(
        description="The address that the mails come from; the provider must allow it",
        examples=["desk@example.com"],
    )
    smtp: SmtpIn | None = Field(
        description="A mail server; just one of the three is named",
        default=None,
        examples=[{"host": "93.184.215.14", "user": "clinic", "password": "correct-horse-battery"}],
    )
    sendgrid: SendGridIn | None = Field(
        default=None, description="SendGrid; just one of the three is named"
    )
    ses: SesIn | None = Field(
        default=None, description="Amazon SES; just one of the three is named"
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        self._named()
        return self

    def _named(self) -> SmtpIn | SendGridIn | SesIn:
        found: SmtpIn | SendGridIn | SesIn = _only((self.smtp, self.sendgrid, self.ses))
        return found

    def account(self) -> Proposal:
        """Return what is to be set, and its secret."""
        return self._named().account(self.sender)


class SmsChannelIn(Input):
    """The account that a clinic's SMS go through: one of the providers, and who writes."""

    sender: Annotated[str, StringConstraints(min_length=1, max_length=34)] | None = Field(
        default=None,
        description="A number, a name, or with Twilio the SID of a messaging service; SNS has one "
        "of its own where none is named",
        examples=["+4915112345678"],
    )
    twilio: TwilioIn | None = Field(
        description="Twilio; just one of the two is named",
        default=None,
        examples=[
            {
                "account_sid": f"AC{'0' * 32}",
                "auth_token": "0123456789abcdef0123456789abcdef",
            }
        ],
    )
    sns: SnsIn | None = Field(default=None, description="Amazon SNS; just one of the two is named")

    @model_validator(mode="after")
    def _one(self) -> Self:
        named = self._named()
        pattern = TWILIO_SENDER if isinstance(named, TwilioIn) else SNS_SENDER
        is_needed = isinstance(named, TwilioIn)
        if (self.sender is None and is_needed) or (
            self.sender is not None and not pattern.fullmatch(self.sender)
        ):
            message = "the sender is none that this provider knows"
            raise ValueError(message)
        return self

    def _named(self) -> TwilioIn | SnsIn:
        found: TwilioIn | SnsIn = _only((self.twilio, self.sns))
        return found

    def account(self) -> Proposal:
        """Return what is to be set, and its secret."""
        return self._named().account(self.sender)


class SmsTrialIn(Input):
    """Where the message goes."""

    number: Phone | None = Field(
        default=None,
        description="Without it to the number of your own record",
        examples=["+4915112345678"],
    )
