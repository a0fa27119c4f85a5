"""Accounts of clinics over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import Depends, Response

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.notifications.adapters.own_channels.models import (
    EmailChannelIn,
    Proposal,
    SmsChannelIn,
    SmsTrialIn,
)
from booking_system.notifications.adapters.own_channels.shown import ClinicChannelOut, TrialOut
from booking_system.notifications.adapters.reports.own_http import callbacks_of
from booking_system.notifications.application.own_channels import (
    DropChannel,
    SetChannel,
    ShowChannel,
)
from booking_system.notifications.application.try_channel import TryChannel
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import OwnChannel
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.once import ClaimedFirst, OutsideKeyOf
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, NotPermitted, Stale
from booking_system.shared_kernel.identifiers import ClinicId

Caller = Annotated[Actor, Depends(caller)]
EMAIL = "/v1/clinics/{clinic_id}/email-channel"
SMS = "/v1/clinics/{clinic_id}/sms-channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRoutes:
    """HTTP for what a clinic's messages go through."""

    show: ShowChannel
    set: SetChannel
    drop: DropChannel
    trial: TryChannel
    public_url: str

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Message settings")
        for path, see, put, gone, trial in (
            (
                EMAIL,
                self.read_email_channel,
                self.set_email_channel,
                self.delete_email_channel,
                self.try_email_channel,
            ),
            (
                SMS,
                self.read_sms_channel,
                self.set_sms_channel,
                self.delete_sms_channel,
                self.try_sms_channel,
            ),
        ):
            routes.add(
                "GET",
                path,
                see,
                policy=signed_in,
                answers=ClinicChannelOut,
                refuses=[NotFound, NotPermitted],
            )
            routes.add(
                "PUT",
                path,
                put,
                policy=signed_in,
                answers=ClinicChannelOut,
                refuses=[NotFound, NotPermitted, Stale],
            )
            routes.add(
                "DELETE",
                path,
                gone,
                policy=signed_in,
                status=204,
                answers=None,
                refuses=[NotFound, NotPermitted, Stale],
            )
            routes.add(
                "POST",
                f"{path}/try",
                trial,
                policy=signed_in,
                answers=TrialOut,
                refuses=[NotFound, NotPermitted],
                once=ClaimedFirst(again=self.show_trial_again),
            )
        return routes

    async def read_email_channel(self, clinic_id: UUID, actor: Caller) -> Response:
        """Read what a clinic's e-mails go through, and how it does; for administrators."""
        return await self._shown(clinic_id, Channel.EMAIL, actor)

    async def read_sms_channel(self, clinic_id: UUID, actor: Caller) -> Response:
        """Read what a clinic's SMS go through, and how it does; for administrators."""
        return await self._shown(clinic_id, Channel.SMS, actor)

    async def set_email_channel(
        self, clinic_id: UUID, body: EmailChannelIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Set the account that a clinic's e-mails go through; for its administrators.

        The secret is stored encrypted, and shown to nobody. From the next message on nothing goes
        through the platform's account, also where this one does not work: `failure` says so.
        """
        return await self._set(clinic_id, Channel.EMAIL, body.account(), if_match, actor)

    async def set_sms_channel(
        self, clinic_id: UUID, body: SmsChannelIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Set the account that a clinic's SMS go through; for its administrators.

        The secret is stored encrypted, and shown to nobody. From the next message on nothing goes
        through the platform's account, also where this one does not work: `failure` says so.
        """
        return await self._set(clinic_id, Channel.SMS, body.account(), if_match, actor)

    async def delete_email_channel(
        self, clinic_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Delete a clinic's e-mail account: the platform's is used again; the secret is gone."""
        return await self._gone(clinic_id, Channel.EMAIL, if_match, actor)

    async def delete_sms_channel(
        self, clinic_id: UUID, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Delete a clinic's SMS account: the platform's is used again; the secret is gone."""
        return await self._gone(clinic_id, Channel.SMS, if_match, actor)

    async def try_email_channel(
        self, clinic_id: UUID, actor: Caller, key: OutsideKeyOf
    ) -> Response:
        """Try a clinic's e-mail account: sends a test message to your own address.

        It waits for the provider, and tells what that said, also where it refuses.
        """
        return await self._tried(clinic_id, Channel.EMAIL, None, key, actor)

    async def try_sms_channel(
        self, clinic_id: UUID, body: SmsTrialIn, actor: Caller, key: OutsideKeyOf
    ) -> Response:
        """Try a clinic's SMS account: sends a test message to your number.

        It waits for the provider, and tells what that said, also where it refuses.
        """
        return await self._tried(clinic_id, Channel.SMS, body.number, key, actor)

    async def show_trial_again(self, request: StrictRequest, _: Sequence[UUID]) -> Response:
        """Tell how the account does; nothing is sent again. Raises `NotFound`, `NotPermitted`."""
        is_email = request.url.path.endswith("/email-channel/try")
        own = await self.show(
            clinic_id=ClinicId(UUID(request.path_params["clinic_id"])),
            channel=Channel.EMAIL if is_email else Channel.SMS,
            actor=request.scope["caller"],
        )
        if own is None:
            raise NotFound
        shown = TrialOut(
            accepted=own.failed_at is None,
            provider=own.account.provider,
            sent_to=None,
            code=own.failure,
            told="This request was answered before; nothing was sent again.",
        )
        return json_answer(shown)

    async def _shown(self, clinic_id: UUID, channel: Channel, actor: Actor) -> Response:
        own = await self.show(clinic_id=ClinicId(clinic_id), channel=channel, actor=actor)
        return self._answer(own)

    async def _set(
        self,
        clinic_id: UUID,
        channel: Channel,
        proposal: Proposal,
        if_match: str | None,
        actor: Actor,
    ) -> Response:
        account, secret = proposal
        own = await self.set(
            clinic_id=ClinicId(clinic_id),
            channel=channel,
            account=account,
            secret=secret,
            version=expected_version(if_match),
            actor=actor,
        )
        return self._answer(own)

    async def _gone(
        self, clinic_id: UUID, channel: Channel, if_match: str | None, actor: Actor
    ) -> Response:
        await self.drop(
            clinic_id=ClinicId(clinic_id),
            channel=channel,
            version=expected_version(if_match),
            actor=actor,
        )
        return Response(status_code=204)

    async def _tried(
        self, clinic_id: UUID, channel: Channel, number: str | None, key: str, actor: Actor
    ) -> Response:
        tried = await self.trial(
            clinic_id=ClinicId(clinic_id),
            channel=channel,
            number=number,
            message_id=uuid5(NAMESPACE_URL, key),
            actor=actor,
        )
        return json_answer(TrialOut.of(tried))

    def _answer(self, own: OwnChannel | None) -> Response:
        callbacks = [] if own is None else callbacks_of(own, self.public_url)
        shown = ClinicChannelOut.of(own, callbacks)
        return json_answer(shown, headers={"ETag": etag_of(shown.version)})
