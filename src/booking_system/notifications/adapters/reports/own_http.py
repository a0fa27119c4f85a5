"""Addresses that providers call of accounts that are a clinic's own.

Each account has addresses of its own, and is verified with what that clinic has set: the platform's
token does not hold there, nor the other way round. What is told counts for this clinic's messages
only, and for no other sender: a clinic can sign what it likes with its own token.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from fastapi import Response
from pydantic import SecretStr

from booking_system.notifications.adapters.own_channels.store import PostgresChannels
from booking_system.notifications.adapters.reports import amazon, sendgrid, twilio
from booking_system.notifications.adapters.reports.certificates import Certificates
from booking_system.notifications.adapters.reports.http import (
    CALLBACKS,
    NOTHING_MORE,
    OF_SENDGRID,
    OF_SNS,
    twilio_callback,
)
from booking_system.notifications.adapters.reports.sendgrid import SendGridSignature, public_key
from booking_system.notifications.adapters.reports.sns import (
    CONFIRMATION,
    NOTIFICATION,
    SnsConfirmation,
    SnsSignature,
    envelope_of,
)
from booking_system.notifications.adapters.reports.twilio import TwilioSignature
from booking_system.notifications.application.sending_ports import ReportSink
from booking_system.notifications.domain.own_channel import (
    OwnChannel,
    Provider,
    UnreadableChannelError,
)
from booking_system.notifications.domain.sending import Report, SmsReply
from booking_system.platform.http.hooks import RawBody
from booking_system.platform.http.routing import Routes
from booking_system.platform.http.signatures import Signature, Signed
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Unavailable

OWN = f"{CALLBACKS}/own"
WHOSE = re.compile(rf"{OWN}/([0-9a-f-]{{36}})/", re.ASCII)
PATHS = {
    Provider.SENDGRID: ("sendgrid",),
    Provider.TWILIO: ("twilio-replies",),
    Provider.SES: ("sns",),
    Provider.SNS: ("sns",),
}
"""What people name at the provider; where Twilio tells of an SMS, each SMS says itself."""

log = structlog.get_logger("booking_system.reports")


def callbacks_of(own: OwnChannel, public_url: str) -> Sequence[str]:
    """Return the addresses to name at the provider."""
    return [f"{public_url}{OWN}/{own.id}/{name}" for name in PATHS.get(own.account.provider, ())]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCallback:
    """Knows where Twilio tells what became of an account's SMS."""

    public_url: str

    def __call__(self, channel_id: UUID) -> str | None:
        """Return it without the message's id; None where Twilio cannot come."""
        platform = twilio_callback(self.public_url)
        return platform and f"{self.public_url}{OWN}/{channel_id}/twilio"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSignatures:
    """Checks what comes with what the account's clinic has set."""

    store: PostgresChannels
    public_url: str
    certificates: Certificates

    def of(self, *providers: Provider) -> Signature:
        """Return the signature of an address for these providers."""

        async def check(signed: Signed) -> None:
            """Raise `NotFound` for another id, or another provider; else as the signature does."""
            own, secret = await self._found(signed)
            if own.account.provider not in providers:
                raise NotFound
            await self._signature(own, secret)(signed)

        return check

    async def _found(self, signed: Signed) -> tuple[OwnChannel, str]:
        named = WHOSE.match(signed.target.decode("latin-1"))
        try:
            found = await self.store.with_secret(UUID(named[1])) if named else None
        except ValueError:
            found = None
        except UnreadableChannelError:
            raise Unavailable("The secret of this account cannot be opened.") from None
        if found is None:
            raise NotFound
        return found

    def _signature(self, own: OwnChannel, secret: str) -> Signature:
        options = own.account.options
        match own.account.provider:
            case Provider.TWILIO:
                return TwilioSignature([SecretStr(secret)], public_url=self.public_url)
            case Provider.SENDGRID:
                return SendGridSignature([public_key(one) for one in options["webhook_keys"]])
            case _:
                return SnsSignature(options["topics"], self.certificates)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReportRoutes:
    """HTTP for what providers tell of accounts of clinics; it stays out of the document."""

    store: PostgresChannels
    signatures: OwnSignatures
    sink: ReportSink
    clock: Clock
    confirm: SnsConfirmation

    def routes(self) -> Routes:
        """List the hooks."""
        routes, one = Routes("Messages"), f"{OWN}/{{channel_id}}"
        by_twilio = self.signatures.of(Provider.TWILIO)
        refuses = [NotFound, Unavailable]
        for path, hear in (
            (f"{one}/twilio/{{message_id}}", self.hear_own_from_twilio),
            (f"{one}/twilio-replies", self.hear_own_reply),
        ):
            routes.hook(
                path,
                hear,
                signature=by_twilio,
                status=NOTHING_MORE,
                refuses=refuses,
                shown=False,
            )
        routes.hook(
            f"{one}/sendgrid",
            self.hear_own_from_sendgrid,
            signature=self.signatures.of(Provider.SENDGRID),
            status=NOTHING_MORE,
            refuses=refuses,
            body_limit=OF_SENDGRID,
            shown=False,
        )
        routes.hook(
            f"{one}/sns",
            self.hear_own_from_amazon,
            signature=self.signatures.of(Provider.SES, Provider.SNS),
            status=NOTHING_MORE,
            refuses=[*refuses, NotPermitted],
            body_limit=OF_SNS,
            shown=False,
        )
        return routes

    async def hear_own_from_twilio(
        self, channel_id: UUID, message_id: UUID, raw: RawBody
    ) -> Response:
        """Hear from Twilio what became of a clinic's SMS."""
        form = twilio.form_of(raw)
        return await self._take(
            channel_id, twilio.status_report(form, message_id, self.clock.now())
        )

    async def hear_own_reply(self, channel_id: UUID, raw: RawBody) -> Response:
        """Hear from Twilio what a person answered to a clinic's number."""
        told = twilio.replies(twilio.form_of(raw), self.clock.now())
        return await self._take(channel_id, told)

    async def hear_own_from_sendgrid(self, channel_id: UUID, raw: RawBody) -> Response:
        """Hear from SendGrid what became of a clinic's e-mails."""
        return await self._take(channel_id, sendgrid.reports(raw, self.clock.now()))

    async def hear_own_from_amazon(self, channel_id: UUID, raw: RawBody) -> Response:
        """Hear from Amazon what became of a clinic's messages."""
        envelope = envelope_of(raw)
        if envelope.kind == CONFIRMATION:
            await self.confirm(envelope)
        elif envelope.kind == NOTIFICATION:
            return await self._take(channel_id, amazon.told(envelope, self.clock.now()))
        else:
            log.warning("sns_subscription_ended", topic=envelope.topic)
        return Response(status_code=NOTHING_MORE)

    async def _take(self, channel_id: UUID, told: Sequence[Report | SmsReply]) -> Response:
        own = await self.store.by_id(channel_id)
        if own is None:
            raise NotFound
        await self.sink(told, clinic_id=own.clinic_id)
        return Response(status_code=NOTHING_MORE)
