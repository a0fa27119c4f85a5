"""What an operator can set about messages: what carries them, and who may tell of them."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from email_validator import EmailNotValidError, validate_email
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from booking_system.bootstrap.plain_addresses import is_plain_address, listed
from booking_system.notifications.adapters.carriers.addresses import (
    OUTBOX,
    TOPIC,
    SmsAddress,
    TwilioAddress,
    WrongAddressError,
    email_address,
    sms_address,
)
from booking_system.notifications.adapters.carriers.choosing import ApiBases
from booking_system.notifications.adapters.manage_links import PLACE
from booking_system.notifications.adapters.reports.sendgrid import WrongKeyError, public_key

NOBODY = "no-reply@booking.invalid"
"""Who writes what is only kept."""


def _is_page(template: str) -> bool:
    """Say whether it is a web address with one place for a booking's id, and no other place."""
    if template.count(PLACE) != 1:
        return False
    address = template.replace(PLACE, "id")
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False
    host = template.split("/", 3)[2] if template.count("/") > 1 else ""
    is_plain = address.isascii() and address.isprintable() and not set(address) & set(' <>"{}')
    return is_web and is_plain and "@" not in host and PLACE not in host


class MessageSettings(BaseSettings):
    """Carriers of messages, and what their callbacks are verified with."""

    email_url: SecretStr = Field(SecretStr(OUTBOX), description="what carries e-mails")
    email_from: str | None = Field(None, description="the address that all e-mails come from")
    sms_url: SecretStr = Field(SecretStr(OUTBOX), description="what carries SMS")
    manage_url: str = Field(
        "", description="where patients see, move and cancel a booking; {booking_id} is its id"
    )
    aws_endpoint_url: str | None = Field(None, description="None: Amazon's own")
    sendgrid_api_base: str | None = Field(None, description="None: the host of the e-mail URL")
    twilio_api_base: str | None = Field(None, description="None: the host of the SMS URL")
    sendgrid_webhook_keys: str = Field(
        "", description="public keys of its event webhooks; commas between"
    )
    sns_topic_arns: str = Field(
        "", description="topics of Amazon SNS that are believed; commas between"
    )

    @property
    def api_bases(self) -> ApiBases:
        """Other addresses of the providers' APIs."""
        return ApiBases(
            amazon=self.aws_endpoint_url,
            sendgrid=self.sendgrid_api_base,
            twilio=self.twilio_api_base,
        )

    @property
    def keeps_mails(self) -> bool:
        """Say whether e-mails are kept to be looked at, instead of being sent."""
        return self.email_url.get_secret_value() == OUTBOX

    @property
    def mail_sender(self) -> str:
        """The address that all e-mails come from."""
        return self.email_from or NOBODY

    @property
    def sms_sender(self) -> str:
        """Who writes SMS, as far as opt-outs go; empty where nobody else can see it."""
        address = self._sms_address()
        return "" if address is None else address.sender or ""

    @property
    def sms_can_be_answered(self) -> bool:
        """Say whether an answer to an SMS reaches this program."""
        address = self._sms_address()
        if address is None or not address.can_be_answered:
            return False
        return isinstance(address, TwilioAddress) or bool(self.trusted_topics)

    @property
    def twilio_tokens(self) -> Sequence[SecretStr]:
        """What Twilio signs its callbacks with; none where SMS go another way."""
        address = self._sms_address()
        return [address.token] if isinstance(address, TwilioAddress) else []

    @property
    def sendgrid_keys(self) -> Sequence[EllipticCurvePublicKey]:
        """What SendGrid's events are verified with."""
        return [public_key(one) for one in listed(self.sendgrid_webhook_keys)]

    @property
    def trusted_topics(self) -> Sequence[str]:
        """The topics of Amazon SNS that may tell of messages."""
        return listed(self.sns_topic_arns)

    @field_validator("email_url")
    @classmethod
    def _email_carrier(cls, value: SecretStr) -> SecretStr:
        try:
            email_address(value.get_secret_value())
        except WrongAddressError as error:
            raise ValueError(f"BOOKING_EMAIL_URL cannot be used: {error}.") from None
        return value

    @field_validator("sms_url")
    @classmethod
    def _sms_carrier(cls, value: SecretStr) -> SecretStr:
        try:
            sms_address(value.get_secret_value())
        except WrongAddressError as error:
            raise ValueError(f"BOOKING_SMS_URL cannot be used: {error}.") from None
        return value

    @field_validator("email_from")
    @classmethod
    def _sender(cls, value: str | None) -> str | None:
        try:
            return value and validate_email(value, check_deliverability=False).normalized
        except EmailNotValidError:
            raise ValueError(
                "BOOKING_EMAIL_FROM must be an e-mail address; the name beside it is the clinic's."
            ) from None

    @field_validator("aws_endpoint_url", "sendgrid_api_base", "twilio_api_base")
    @classmethod
    def _api(cls, value: str | None) -> str | None:
        if value is not None and not is_plain_address(value):
            raise ValueError("{name} must be an address like https://api.example.com.")
        return value and value.rstrip("/")

    @field_validator("manage_url")
    @classmethod
    def _page_of_a_booking(cls, value: str) -> str:
        if value and not _is_page(value):
            raise ValueError(
                "{name} must be an address like https://www.example.com/bookings/{{booking_id}}."
            )
        return value

    @field_validator("sendgrid_webhook_keys")
    @classmethod
    def _keys(cls, value: str) -> str:
        try:
            for one in listed(value):
                public_key(one)
        except WrongKeyError:
            raise ValueError(
                "BOOKING_SENDGRID_WEBHOOK_KEYS must be public keys as SendGrid shows them, with "
                "commas between them."
            ) from None
        return value

    @field_validator("sns_topic_arns")
    @classmethod
    def _topics(cls, value: str) -> str:
        if not all(map(TOPIC.fullmatch, listed(value))):
            raise ValueError(
                "BOOKING_SNS_TOPIC_ARNS must be like arn:aws:sns:eu-central-1:123456789012:name, "
                "with commas between them."
            )
        return value

    def _message_contradictions(self) -> Iterator[str]:
        if self.email_from is None and not self.keeps_mails:
            yield "BOOKING_EMAIL_URL needs BOOKING_EMAIL_FROM beside it."

    def _sms_address(self) -> SmsAddress | None:
        return sms_address(self.sms_url.get_secret_value())
