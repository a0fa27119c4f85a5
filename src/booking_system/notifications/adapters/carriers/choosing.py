"""What carries messages, by the addresses that an operator has set.

A carrier is loaded where it is chosen: together they take a third of a second.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booking_system.notifications.adapters.carriers.addresses import (
    SendGridAddress,
    SesAddress,
    SmtpAddress,
    SnsAddress,
    TwilioAddress,
    email_address,
    sms_address,
)
from booking_system.notifications.adapters.carriers.amazon_keys import AmazonKeys
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.application.sending_ports import EmailCarrier, SmsCarrier

if TYPE_CHECKING:
    from booking_system.notifications.adapters.carriers.sns_opt_outs import SnsOptOuts


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

    http: HttpWhenNeeded
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
                from booking_system.notifications.adapters.carriers.smtp import SmtpCarrier  # noqa: PLC0415

                return SmtpCarrier(address, clock=self.http.clock)
            case SendGridAddress() as address:
                from booking_system.notifications.adapters.carriers.sendgrid import SendGridCarrier  # noqa: PLC0415

                return SendGridCarrier(address, way=self.http.way(), base=self.bases.sendgrid)
            case SesAddress() as address:
                from booking_system.notifications.adapters.carriers.ses import SesCarrier  # noqa: PLC0415

                return SesCarrier(
                    address, way=self.http.way(), keys=self.amazon_keys, base=self.bases.amazon
                )

    def opt_outs(self, url: str) -> "SnsOptOuts | None":
        """Return where the provider's opt-outs are read; None: it tells of them itself."""
        address = sms_address(url)
        if not isinstance(address, SnsAddress):
            return None
        from booking_system.notifications.adapters.carriers.sns_opt_outs import SnsOptOuts  # noqa: PLC0415

        return SnsOptOuts(
            address, way=self.http.way(), keys=self.amazon_keys, base=self.bases.amazon
        )

    def sms(self, url: str) -> SmsCarrier:
        """Return what carries SMS. Raises `WrongAddressError`."""
        match sms_address(url):
            case None:
                return self.kept_sms
            case TwilioAddress() as address:
                from booking_system.notifications.adapters.carriers.twilio import TwilioCarrier  # noqa: PLC0415

                return TwilioCarrier(
                    address,
                    way=self.http.way(),
                    base=self.bases.twilio,
                    callback=self.twilio_callback,
                )
            case SnsAddress() as address:
                from booking_system.notifications.adapters.carriers.sns import SnsCarrier  # noqa: PLC0415

                return SnsCarrier(
                    address, way=self.http.way(), keys=self.amazon_keys, base=self.bases.amazon
                )
