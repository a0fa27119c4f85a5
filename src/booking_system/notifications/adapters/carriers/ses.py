"""E-mails by Amazon SES (API v2, `SendEmail` with the mail as bytes)."""

import base64
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import orjson

from booking_system.notifications.adapters.carriers.addresses import SesAddress, amazon_origin
from booking_system.notifications.adapters.carriers.amazon import AmazonWay
from booking_system.notifications.adapters.carriers.amazon_keys import AmazonKeys
from booking_system.notifications.adapters.carriers.http_answers import object_in
from booking_system.notifications.adapters.carriers.http_handover import HttpWay
from booking_system.notifications.adapters.carriers.mailboxes import on_the_wire
from booking_system.notifications.adapters.carriers.mime import mail_bytes, needs_utf8
from booking_system.notifications.adapters.correlation import MESSAGE_ID
from booking_system.notifications.application.sending_ports import Handover
from booking_system.notifications.domain.letter import Email
from booking_system.notifications.domain.sending import Fault, NotSentError


class SesCarrier:
    """Brings e-mails to SES, which gives each a `Message-ID` of its own: ours is a tag."""

    name = "ses"

    def __init__(
        self,
        address: SesAddress,
        *,
        way: HttpWay,
        keys: AmazonKeys | None = None,
        base: str | None = None,
    ) -> None:
        """`base` is another address of the API."""
        self._amazon = AmazonWay(
            way=way,
            service="ses",
            region=address.region,
            url=f"{base or amazon_origin('email', address.region)}/v2/email/outbound-emails",
            keys=keys or AmazonKeys(),
        )
        self._configuration_set = address.configuration_set

    def opened(self, email: Email) -> AbstractAsyncContextManager[Handover]:
        """Sign and connect. SES knows no SMTPUTF8: `NotSentError` for such an address."""
        return self._amazon.handover(
            orjson.dumps(self._body(email)), "application/json", self._judged
        )

    def _body(self, email: Email) -> dict[str, Any]:
        if needs_utf8(email):
            raise NotSentError(Fault.RECIPIENT, "smtputf8_missing")
        content = mail_bytes(email, clock=self._amazon.way.clock)
        body: dict[str, Any] = {
            "FromEmailAddress": on_the_wire(email.sender.address),
            "Destination": {"ToAddresses": [on_the_wire(email.to.address)]},
            "Content": {"Raw": {"Data": base64.b64encode(content).decode("ascii")}},
            "EmailTags": [{"Name": MESSAGE_ID, "Value": str(email.id)}],
        }
        if self._configuration_set is not None:
            body["ConfigurationSetName"] = self._configuration_set
        return body

    def _judged(self, response: httpx.Response) -> str | None:
        told = object_in(response)
        if response.is_success:
            given = told.get("MessageId")
            return given if isinstance(given, str) else None
        kind = response.headers.get("x-amzn-ErrorType") or str(told.get("__type", ""))
        raise self._amazon.refusal(response, kind.partition(":")[0].rpartition("#")[2])
