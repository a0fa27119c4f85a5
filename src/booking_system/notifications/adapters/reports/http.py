"""Addresses that providers call; they exist where there is something to verify with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from fastapi import Response

from booking_system.notifications.adapters.reports import amazon, sendgrid, twilio
from booking_system.notifications.adapters.reports.sendgrid import SendGridSignature
from booking_system.notifications.adapters.reports.sns import (
    CONFIRMATION,
    NOTIFICATION,
    Envelope,
    SnsSignature,
    envelope_of,
)
from booking_system.notifications.adapters.reports.twilio import TwilioSignature
from booking_system.notifications.application.sending_ports import ReportSink
from booking_system.platform.http.hooks import RawBody
from booking_system.platform.http.input import BodyLimit
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Unavailable

CALLBACKS = "/v1/message-callbacks"
TWILIO = f"{CALLBACKS}/twilio"
"""Below it each message has an address of its own."""
OF_SENDGRID = BodyLimit(most_bytes=1024 * 1024, seconds=10.0)
"""It tells of up to 768 KB of events at once."""
OF_SNS = BodyLimit(most_bytes=256 * 1024, seconds=10.0)
NOTHING_MORE = 204

log = structlog.get_logger("booking_system.reports")


def twilio_callback(public_url: str) -> str | None:
    """Return where Twilio tells of an SMS, without its id; None where Twilio cannot come.

    It refuses a message with an address that only this machine or its network knows.
    """
    host = urlsplit(public_url).hostname or ""
    try:
        is_public = ip_address(host).is_global
    except ValueError:
        is_public = "." in host
    return f"{public_url}{TWILIO}" if is_public else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRoutes:
    """HTTP for what providers tell. They stay out of the document: clients have no use for them."""

    sink: ReportSink
    clock: Clock
    twilio: TwilioSignature
    sendgrid: SendGridSignature
    sns: SnsSignature
    confirm: Callable[[Envelope], Awaitable[None]]

    def routes(self) -> Routes:
        """List the hooks."""
        routes = Routes("Messages")
        routes.hook(
            f"{TWILIO}/{{message_id}}",
            self.hear_from_twilio,
            signature=self.twilio,
            status=NOTHING_MORE,
            refuses=[NotFound],
            shown=False,
        )
        routes.hook(
            f"{CALLBACKS}/twilio-replies",
            self.hear_a_reply,
            signature=self.twilio,
            status=NOTHING_MORE,
            refuses=[NotFound],
            shown=False,
        )
        routes.hook(
            f"{CALLBACKS}/sendgrid",
            self.hear_from_sendgrid,
            signature=self.sendgrid,
            status=NOTHING_MORE,
            refuses=[NotFound],
            body_limit=OF_SENDGRID,
            shown=False,
        )
        routes.hook(
            f"{CALLBACKS}/sns",
            self.hear_from_amazon,
            signature=self.sns,
            status=NOTHING_MORE,
            refuses=[NotFound, NotPermitted, Unavailable],
            body_limit=OF_SNS,
            shown=False,
        )
        return routes

    async def hear_from_twilio(self, message_id: UUID, raw: RawBody) -> Response:
        """Hear from Twilio what became of an SMS."""
        form = twilio.form_of(raw)
        await self.sink(twilio.status_report(form, message_id, self.clock.now()))
        return Response(status_code=NOTHING_MORE)

    async def hear_a_reply(self, raw: RawBody) -> Response:
        """Hear from Twilio what a person answered; the answer to them, if any, is a message."""
        await self.sink(twilio.replies(twilio.form_of(raw), self.clock.now()))
        return Response(status_code=NOTHING_MORE)

    async def hear_from_sendgrid(self, raw: RawBody) -> Response:
        """Hear from SendGrid what became of e-mails."""
        await self.sink(sendgrid.reports(raw, self.clock.now()))
        return Response(status_code=NOTHING_MORE)

    async def hear_from_amazon(self, raw: RawBody) -> Response:
        """Hear from Amazon what became of e-mails, and what people answered."""
        envelope = envelope_of(raw)
        if envelope.kind == CONFIRMATION:
            await self.confirm(envelope)
        elif envelope.kind == NOTIFICATION:
            await self.sink(amazon.told(envelope, self.clock.now()))
        else:
            log.warning("sns_subscription_ended", topic=envelope.topic)
        return Response(status_code=NOTHING_MORE)
