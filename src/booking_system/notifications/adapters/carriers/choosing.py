"""What carries messages, by the addresses that an operator has set."""

from dataclasses import dataclass, field

from booking_system.notifications.adapters.carriers.addresses import (
    SendGridAddress,
    SesAddress,
    SmtpAddress,
    SnsAddress,
    TwilioAddress,
    email_address,
    sms_address,
)
from booking_system.notifications.adapters.carriers.amazon import AmazonKeys
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.carriers.sendgrid import SendGridCarrier
from booking_system.notifications.adapters.carriers.ses import SesCarrier
from booking_system.notifications.adapters.carriers.smtp import SmtpCarrier
from booking_system.notifications.adapters.carriers.sns import SnsCarrier
from booking_system.notifications.adapters.carriers.twilio import TwilioCarrier
from booking_system.notifications.application.sending_ports import EmailCarrier, SmsCarrier


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiBases:
    """Other addresses of the providers' APIs; None: their own."""

    amazon: str | None = None
    sendgrid: str | None = None
    twilio: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Makes carriers of addresses; `outbox:` is what keeps messages instead of sending them.

    `twilio_callback` is where Twilio tells what became of an SMS, without the id behind it. It
    refuses messages with an address that it cannot reach: None where this program is not public.
    """

    way: HttpWay
    kept_email: EmailCarrier
    kept_sms: SmsCarrier
    bases: ApiBases = field(default_factory=ApiBases)
    twilio_callback: str | None = None
    amazon_keys: AmazonKeys = field(default_factory=AmazonKeys)

    def email(self, url: str) -> EmailCarrier:
        """Return what carries e-mails. Raises `WrongAddressError`."""
        match email_address(url):
            case None:
                return self.kept_email
            case SmtpAddress() as address:
                return SmtpCarrier(address, clock=self.way.clock, waits=self.way.waits)
            case SendGridAddress() as address:
                return SendGridCarrier(address, way=self.way, base=self.bases.sendgrid)
            case SesAddress() as address:
                return SesCarrier(
                    address, way=self.way, keys=self.amazon_keys, base=self.bases.amazon
                )

    def sms(self, url: str) -> SmsCarrier:
        """Return what carries SMS. Raises `WrongAddressError`."""
        match sms_address(url):
            case None:
                return self.kept_sms
            case TwilioAddress() as address:
                return TwilioCarrier(
                    address,
                    way=self.way,
                    base=self.bases.twilio,
                    callback=self.twilio_callback,
                )
            case SnsAddress() as address:
                return SnsCarrier(
                    address, way=self.way, keys=self.amazon_keys, base=self.bases.amazon
                )
