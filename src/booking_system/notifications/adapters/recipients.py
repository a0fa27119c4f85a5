"""Who is not to be written to: addresses by keyed names, so that what is kept tells nobody's."""

import hashlib
import hmac
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import phonenumbers

from booking_system.notifications.adapters.block_statements import (
    ANY_SENDER,
    BLOCK,
    BLOCKED,
    HINDRANCES,
    LIFT,
    LISTED,
    UNBLOCK,
    UNLISTED,
)
from booking_system.notifications.domain.gate import Block
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import scope_of
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.reach import AddressState, Hindrance
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.shared_kernel.clock import Clock

SERVICE = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)
"""A messaging service of Twilio, in the place of a number."""
FIRST_BOUNCE = timedelta(hours=24)
"""One may be the fault of a server; the second within a month is the address's own."""
COSTLY = frozenset(
    {
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PAGER,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOICEMAIL,
        phonenumbers.PhoneNumberType.FIXED_LINE,
    }
)
"""Numbers that get no SMS, or an SMS that somebody earns by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """Knows which addresses and numbers are not to be written to.

    `senders`: who writes, by channel, as far as opt-outs go: what is asked of one sender is not
    asked of another.
    """

    keys: Keyring
    clock: Clock
    senders: dict[Channel, str]

    async def blocked(
        self,
        connection: asyncpg.Connection,
        channel: Channel,
        address: str,
        scope: str | None = None,
    ) -> Skipped | None:
        """Say why the address is not to be written to."""
        blocks = await self.blocks(connection, channel, address, scope=scope)
        return blocks[0].reason if blocks else None

    async def blocks(
        self,
        connection: asyncpg.Connection,
        channel: Channel,
        address: str,
        *,
        sender: str | None = None,
        scope: str | None = None,
    ) -> Sequence[Block]:
        """Return all reasons, first what somebody asked for: of the present sender, or this one.

        `scope` is that of a clinic which writes through an account of its own.
        """
        if channel is Channel.SMS and not _takes_sms(address):
            return [Block(Skipped.UNUSABLE, has_end=False)]
        rows = await BLOCKED.fetch(
            connection,
            channel=channel,
            hashes=self.names_of(channel, address),
            sender=scope or self.sender_meant(channel, sender),
            now=self.clock.now(),
        )
        return [Block(Skipped(row["reason"]), has_end=row["until"] is not None) for row in rows]

    async def block(  # noqa: PLR0913
        self,
        connection: asyncpg.Connection,
        channel: Channel,
        address: str,
        reason: Skipped,
        *,
        sender: str | None = None,
        scope: str | None = None,
    ) -> None:
        """Write to it no more: for good, but after a first bounce for a day.

        An opt-out is of one `sender`, the present one if none is named. All that the account of a
        clinic has told holds in its `scope` only.
        """
        now, whose = self.clock.now(), self.sender_meant(channel, sender)
        await BLOCK.execute(
            connection,
            channel=channel,
            recipient_hash=self.names_of(channel, address)[0],
            sender=scope or (whose if reason is Skipped.OPTED_OUT else ANY_SENDER),
            reason=reason,
            since=now,
            until=_until(reason, now),
        )

    async def let_in(
        self,
        connection: asyncpg.Connection,
        channel: Channel,
        address: str,
        sender: str | None = None,
        *,
        scope: str | None = None,
    ) -> None:
        """Take back an opt-out of one `sender`, the present one if none is named.

        Of a clinic that writes through an account of its own, in its `scope`.
        """
        hashes = self.names_of(channel, address)
        whose = scope or self.sender_meant(channel, sender)
        await UNBLOCK.execute(connection, channel=channel, hashes=hashes, sender=whose)

    async def note_listed(self, connection: asyncpg.Connection, numbers: Sequence[str]) -> None:
        """Write no more SMS to these, since the provider's own list has them."""
        names = {self.names_of(Channel.SMS, number)[0] for number in numbers}
        await LISTED.execute(
            connection,
            channel=Channel.SMS,
            hashes=sorted(names),
            sender=self.senders[Channel.SMS],
            now=self.clock.now(),
        )

    async def forget_unlisted(self, connection: asyncpg.Connection) -> None:
        """Let numbers in again that were in the provider's list, and are not any more."""
        await UNLISTED.execute(
            connection,
            channel=Channel.SMS,
            sender=self.senders[Channel.SMS],
            now=self.clock.now(),
        )

    def sender_meant(self, channel: Channel, named: str | None = None) -> str:
        """Return as whom we write, where somebody wrote to the account that is `named`.

        A messaging service writes from several numbers, and who writes to one of them means it.
        """
        ours = self.senders[channel]
        return ours if named is None or SERVICE.fullmatch(ours) else named

    def is_called(self, name: bytes, number: str) -> bool:
        """Say whether a number is kept by this name."""
        return name in self.names_of(Channel.SMS, number)

    async def state(
        self,
        connection: asyncpg.Connection,
        channel: Channel,
        address: str,
        clinics: Collection[UUID] | None,
    ) -> AddressState:
        """Return what stands against an address, as far as these clinics may know (None: all)."""
        rows = await HINDRANCES.fetch(connection, **self._about(channel, address, clinics))
        found = [
            Hindrance(reason=Skipped(row["reason"]), since=row["since"], until=row["until"])
            for row in rows
        ]
        takes = channel is Channel.EMAIL or _takes_sms(address)
        return AddressState.of(channel, found, takes=takes)

    async def lift(
        self,
        connection: asyncpg.Connection,
        channel: Channel,
        address: str,
        clinics: Collection[UUID] | None,
    ) -> None:
        """End what went wrong; what somebody has asked for stays."""
        await LIFT.execute(connection, **self._about(channel, address, clinics))

    def _about(
        self, channel: Channel, address: str, clinics: Collection[UUID] | None
    ) -> dict[str, Any]:
        scopes = None if clinics is None else [scope_of(one) for one in clinics]
        return {
            "channel": channel,
            "hashes": self.names_of(channel, address),
            "senders": None if scopes is None else [ANY_SENDER, self.senders[channel], *scopes],
            "now": self.clock.now(),
        }

    def names_of(self, channel: Channel, address: str) -> list[bytes]:
        """Return what it is kept by, by each key: what is kept may be older than the present."""
        named = f"{channel} {address.strip().lower()}".encode()
        keys = self.keys.derived(Purpose.RECIPIENTS)
        return [hmac.digest(key, named, hashlib.sha256) for key in keys]


def _until(reason: Skipped, now: datetime) -> datetime | None:
    return now + FIRST_BOUNCE if reason is Skipped.BOUNCED else None


def _takes_sms(number: str) -> bool:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    if not phonenumbers.is_possible_number(parsed):
        return False
    return phonenumbers.number_type(parsed) not in COSTLY
