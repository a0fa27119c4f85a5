"""What carries a clinic's messages: its own account, opened once for each version of it."""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from booking_system.notifications.adapters.own_channels.making import OwnCarrierMaker
from booking_system.notifications.adapters.own_channels.store import PostgresChannels
from booking_system.notifications.application.sending_ports import EmailCarrier, SmsCarrier
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import OwnChannel, OwnSender
from booking_system.notifications.domain.sending import Fault, NotSentError
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, Transient, Unavailable

MOST_KEPT = 256
"""Carriers that a process has at hand; those used longest ago are made anew."""
ON_THE_WAY = frozenset({"connection_lost", "dns", "no_connection", "timeout", "tls_failed"})
"""Codes of what went wrong before a provider could say anything; its own begin with a number."""
NOTED_EVERY = timedelta(minutes=1)
"""The same is noted again only then: else each message would write twice."""

log = structlog.get_logger("booking_system.messages")


@dataclass(slots=True)
class _Kept:
    version: int
    carrier: Any


@dataclass(slots=True, kw_only=True)
class CachedOwnCarriers:
    """Opens an account's secret once; another version of the account has another carrier."""

    store: PostgresChannels
    maker: OwnCarrierMaker
    clock: Clock
    _kept: OrderedDict[UUID, _Kept] = field(default_factory=OrderedDict, init=False)
    _noted: dict[UUID, tuple[int, str | None, datetime]] = field(default_factory=dict, init=False)

    async def email(self, own: OwnSender) -> EmailCarrier:
        """Return it. Raises `UnreadableChannelError`, `NotSentError`."""
        carrier: EmailCarrier = await self._carrier(own)
        return carrier

    async def sms(self, own: OwnSender) -> SmsCarrier:
        """As for e-mails."""
        carrier: SmsCarrier = await self._carrier(own)
        return carrier

    async def _carrier(self, own: OwnSender) -> Any:
        kept = self._kept.get(own.channel_id)
        if kept is None or kept.version != own.version:
            kept = await self._made(own)
            self._kept[own.channel_id] = kept
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(own.channel_id)
        return kept.carrier

    async def _made(self, own: OwnSender) -> _Kept:
        found = await self.store.with_secret(own.channel_id)
        if found is None or found[0].version != own.version:
            # It was changed a moment ago: the next attempt finds what holds then.
            raise NotSentError(Fault.TEMPORARY, "channel_changed")
        return _Kept(own.version, _carrier(self.maker, *found))

    async def went_well(self, own: OwnSender) -> None:
        """Note when it last worked, once a minute."""
        await self._note(own, None)

    async def failed(self, own: OwnSender, error: NotSentError | str) -> None:
        """Note what is the account's fault, or the host's; not the recipient's, and not ours."""
        if isinstance(error, str):
            await self._note(own, error)
        elif error.fault is Fault.REFUSED or (
            error.fault is Fault.TEMPORARY
            and (error.code in ON_THE_WAY or error.code[:1].isdigit())
        ):
            await self._note(own, error.code)

    async def _note(self, own: OwnSender, failure: str | None) -> None:
        now = self.clock.now()
        known = self._noted.get(own.channel_id)
        if known is not None and known[:2] == (own.version, failure):
            if now - known[2] < NOTED_EVERY:
                return
        elif failure is not None:
            log.warning("clinic_channel_failed", channel_id=str(own.channel_id), code=failure)
        if len(self._noted) >= MOST_KEPT:
            self._noted.clear()
        self._noted[own.channel_id] = own.version, failure, now
        # What became of the message stands in the ledger, whether this is noted or not.
        with suppress(Transient, Unavailable):
            await self.store.note(own, failure=failure, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshCarriers:
    """Makes a carrier for each try."""

    store: PostgresChannels
    maker: OwnCarrierMaker

    async def email(self, channel: OwnChannel) -> EmailCarrier:
        """Return it. Raises `UnreadableChannelError`, `NotFound`."""
        return self.maker.email(*await self._found(channel))

    async def sms(self, channel: OwnChannel) -> SmsCarrier:
        """As for e-mails."""
        return self.maker.sms(*await self._found(channel))

    async def _found(self, channel: OwnChannel) -> tuple[OwnChannel, str]:
        found = await self.store.with_secret(channel.id)
        if found is None:
            raise NotFound
        return found


def _carrier(maker: OwnCarrierMaker, own: OwnChannel, secret: str) -> Any:
    made = maker.email if own.channel is Channel.EMAIL else maker.sms
    return made(own, secret)
