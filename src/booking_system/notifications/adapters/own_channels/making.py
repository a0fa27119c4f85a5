"""Carriers for accounts of clinics.

A carrier is loaded where it is needed: together they take a third of a second.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import SecretStr

from booking_system.notifications.adapters.carriers.addresses import (
    SendGridAddress,
    SesAddress,
    SmtpAddress,
    SnsAddress,
    TwilioAddress,
)
from booking_system.notifications.adapters.carriers.amazon_keys import AmazonKeys
from booking_system.notifications.adapters.carriers.choosing import ApiBases
from booking_system.notifications.adapters.carriers.http_when_needed import HttpWhenNeeded
from booking_system.notifications.adapters.carriers.waits import Waits
from booking_system.notifications.application.sending_ports import EmailCarrier, SmsCarrier
from booking_system.notifications.domain.own_channel import OwnChannel, Provider
from booking_system.platform.outward.connecting import CheckedAddresses

if TYPE_CHECKING:
    from booking_system.notifications.adapters.carriers.http_handover import HttpWay

TWILIO_HOST = "api.twilio.com"
AMAZON_PACKAGE = "botocore"
OwnCallback = Callable[[UUID], str | None]
"""Takes an account's id, returns where Twilio tells of its SMS; None where it cannot come."""


def has_amazon() -> bool:
    """Say whether this installation can speak with Amazon."""
    return find_spec(AMAZON_PACKAGE) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCarrierMaker:
    """Makes them. Only hosts of SMTP are typed by clinics; where those lead is looked at.

    `waits` other than the usual are for somebody who waits for the answer.
    """

    http: HttpWhenNeeded
    bases: ApiBases
    addresses: CheckedAddresses
    callback: OwnCallback
    waits: Waits = field(default_factory=Waits)

    def email(self, own: OwnChannel, secret: str) -> EmailCarrier:
        """Return what carries e-mails through this account."""
        target, options, key = own.account.target, own.account.options, SecretStr(secret)
        match own.account.provider:
            case Provider.SENDGRID:
                from booking_system.notifications.adapters.carriers.sendgrid import SendGridCarrier  # noqa: PLC0415

                address = SendGridAddress(host=target["host"], key=key)
                return SendGridCarrier(address, way=self._way(), base=self.bases.sendgrid)
            case Provider.SES:
                from booking_system.notifications.adapters.carriers.ses import SesCarrier  # noqa: PLC0415

                region, wanted = target["region"], options.get("configuration_set")
                return SesCarrier(
                    SesAddress(region=region, configuration_set=wanted),
                    way=self._way(),
                    keys=AmazonKeys((target["access_key_id"], key)),
                    base=self.bases.amazon,
                )
            case _:
                from booking_system.notifications.adapters.carriers.smtp import SmtpCarrier  # noqa: PLC0415

                security = target["security"]
                return SmtpCarrier(
                    SmtpAddress(
                        host=target["host"],
                        port=target["port"],
                        user=target["user"],
                        password=key,
                        is_tls=security == "tls",
                        needs_starttls=security == "starttls",
                    ),
                    clock=self.http.clock,
                    waits=self.waits,
                    addresses=self.addresses,
                )

    def sms(self, own: OwnChannel, secret: str) -> SmsCarrier:
        """Return what carries SMS through this account."""
        target, key, sender = own.account.target, SecretStr(secret), own.account.sender
        if own.account.provider is Provider.SNS:
            from booking_system.notifications.adapters.carriers.sns import SnsCarrier  # noqa: PLC0415

            price = own.account.options.get("max_price")
            return SnsCarrier(
                SnsAddress(region=target["region"], sender=sender, max_price=price),
                way=self._way(),
                keys=AmazonKeys((target["access_key_id"], key)),
                base=self.bases.amazon,
            )
        from booking_system.notifications.adapters.carriers.twilio import TwilioCarrier  # noqa: PLC0415

        assert sender is not None, "an account with Twilio has a sender"
        address = TwilioAddress(
            host=TWILIO_HOST, account=target["account"], token=key, sender=sender
        )
        return TwilioCarrier(
            address, way=self._way(), base=self.bases.twilio, callback=self.callback(own.id)
        )

    def _way(self) -> "HttpWay":
        return replace(self.http.way(), waits=self.waits)
