"""Who is not to be written to: addresses by keyed names, so that what is kept tells nobody's."""

import hashlib
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import phonenumbers
from sqlalchemy import (
    LargeBinary,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from booking_system.notifications.domain.gate import Block
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import scope_of
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.reach import LIFTED, AddressState, Hindrance
from booking_system.notifications.records.tables import recipient_blocks
from booking_system.platform.keyring import Keyring, Purpose
from booking_system.platform.postgres.phrases import a_text, given, instant, texts
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.clock import Clock

ANY_SENDER = ""
FIRST_BOUNCE = timedelta(hours=24)
"""One may be the fault of a server; the second within a month is the address's own."""
SECOND_WITHIN = timedelta(days=30)
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

b = recipient_blocks
_hashes = bindparam("hashes", type_=ARRAY(LargeBinary()))


def _blocked() -> Any:
    is_in_force = or_(b.c.until.is_(None), b.c.until > instant("now"))
    return (
        select(b.c.reason, b.c.until)
        .where(
            b.c.channel == a_text("channel"),
            b.c.recipient_hash == func.any(_hashes),
            b.c.sender.in_([literal(ANY_SENDER), a_text("sender")]),
            is_in_force,
        )
        .order_by(b.c.reason != "opted_out")
    )


def _blocking() -> Any:
    names = ("channel", "recipient_hash", "sender", "reason", "since")
    new = insert(b).values(
        {**{name: given(b.c[name]) for name in names}, "until": given(b.c.until)}
    )
    is_again = and_(
        b.c.reason == "bounced",
        new.excluded.reason == "bounced",
        b.c.since > new.excluded.since - literal(SECOND_WITHIN),
        b.c.since < new.excluded.since,
    )
    # What somebody asked for is not weakened by what went wrong since.
    stays = and_(b.c.until.is_(None), b.c.reason.in_(["opted_out", "complained"]))
    return new.on_conflict_do_update(
        index_elements=["channel", "recipient_hash", "sender"],
        set_={
            "reason": case((stays, b.c.reason), else_=new.excluded.reason),
            "since": new.excluded.since,
            "until": case((or_(stays, is_again), None), else_=new.excluded.until),
            "times": b.c.times + 1,
        },
    )


BLOCKED = Statement(_blocked())
BLOCK = Statement(_blocking())
UNBLOCK = Statement(
    delete(b).where(
        b.c.channel == a_text("channel"),
        b.c.recipient_hash == func.any(_hashes),
        b.c.sender == a_text("sender"),
        b.c.reason == "opted_out",
    )
)


_is_such = and_(
    b.c.channel == a_text("channel"),
    b.c.recipient_hash == func.any(_hashes),
    or_(texts("senders").is_(None), b.c.sender == func.any(texts("senders"))),
    or_(b.c.until.is_(None), b.c.until > instant("now")),
)
HINDRANCES = Statement(select(b.c.reason, b.c.since, b.c.until).where(_is_such))
LIFT = Statement(
    update(b)
    .where(_is_such, b.c.reason.in_([one.value for one in LIFTED]))
    .values(until=instant("now"))
)
"""It stays known: a second bounce within a month is still the second one."""


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
        blocks = await self.blocks(connection, channel, address, scope)
        return blocks[0].reason if blocks else None

    async def blocks(
        self,
        connection: asyncpg.Connection,
        channel: Channel,
        address: str,
        scope: str | None = None,
    ) -> Sequence[Block]:
        """Return all reasons, first what somebody asked for.

        `scope` is that of a clinic which writes through an account of its own.
        """
        if channel is Channel.SMS and not _takes_sms(address):
            return [Block(Skipped.UNUSABLE, has_end=False)]
        rows = await BLOCKED.fetch(
            connection,
            channel=channel,
            hashes=self._hashes(channel, address),
            sender=scope or self.senders[channel],
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
        now, whose = self.clock.now(), sender or self.senders[channel]
        await BLOCK.execute(
            connection,
            channel=channel,
            recipient_hash=self._hashes(channel, address)[0],
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
    ) -> None:
        """Take back an opt-out of one `sender`, the present one if none is named."""
        hashes, whose = self._hashes(channel, address), sender or self.senders[channel]
        await UNBLOCK.execute(connection, channel=channel, hashes=hashes, sender=whose)

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
            "hashes": self._hashes(channel, address),
            "senders": None if scopes is None else [ANY_SENDER, self.senders[channel], *scopes],
            "now": self.clock.now(),
        }

    def _hashes(self, channel: Channel, address: str) -> list[bytes]:
        """By each key: what is kept may be older than the present one."""
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
