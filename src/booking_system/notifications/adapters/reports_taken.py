"""Takes what providers tell of messages, once each, and draws the consequences."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import structlog

from booking_system.notifications.adapters import report_statements as sql
from booking_system.notifications.adapters.account_facts import account_facts_of
from booking_system.notifications.adapters.facts import facts_of
from booking_system.notifications.adapters.ledger import CONSEQUENCE
from booking_system.notifications.adapters.ledger_statements import FALL_BACK
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.domain.answer_words import Word, said_in
from booking_system.notifications.domain.message import Channel, State
from booking_system.notifications.domain.own_channel import scope_of
from booking_system.notifications.domain.planning import Skipped
from booking_system.notifications.domain.sending import Fault, Report, Reported, SmsReply
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import ClinicId, Identities

STATES = {
    Reported.ACCEPTED: State.SENT,
    Reported.DELIVERED: State.DELIVERED,
    Reported.FAILED: State.FAILED,
    Reported.BOUNCED: State.FAILED,
}
BLOCKS = {
    Reported.COMPLAINED: Skipped.COMPLAINED,
    Reported.OPTED_OUT: Skipped.OPTED_OUT,
}

REPLIED = "replied"

log = structlog.get_logger("booking_system.messages")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeReports:
    """Stores reports and lets them count, and has what people wrote answered."""

    database: Database
    recipients: Recipients
    identities: Identities
    clock: Clock
    answer: Callable[[SmsReply], Awaitable[None]]

    async def __call__(
        self, told: Sequence[Report | SmsReply], *, clinic_id: ClinicId | None = None
    ) -> None:
        """Each in a transaction of its own: the provider tells all again if one fails.

        What an account of a clinic tells is that clinic's: it can sign what it likes, so its ids of
        events are apart from those of others, its blocks hold for its own messages, and nobody
        confirms or cancels by it.
        """
        for given in told:
            if clinic_id is None and isinstance(given, SmsReply):
                await self.answer(given)
                continue
            one = given
            if clinic_id is not None:
                one = replace(given, event_id=f"{scope_of(clinic_id)} {given.event_id}")
            async with self.database.driver_transaction() as connection:
                if isinstance(one, SmsReply):
                    await self._heed(connection, one, clinic_id)
                else:
                    await self._take(connection, one, clinic_id)

    async def _heed(
        self, connection: asyncpg.Connection, reply: SmsReply, clinic_id: ClinicId | None
    ) -> None:
        """Do what a number wishes of the SMS of one clinic."""
        word = said_in(reply.text, {}).word
        if clinic_id is None or not await self._store(connection, reply, REPLIED):
            return
        scope = scope_of(clinic_id)
        if word is Word.STOP:
            await self.recipients.block(
                connection, Channel.SMS, reply.sender, Skipped.OPTED_OUT, scope=scope
            )
        elif word is Word.START:
            await self.recipients.let_in(connection, Channel.SMS, reply.sender, scope=scope)

    async def _take(
        self, connection: asyncpg.Connection, report: Report, clinic_id: ClinicId | None
    ) -> None:
        message_id = await sql.FIND.fetchval(
            connection,
            message_id=report.message_id,
            provider=report.provider,
            provider_id=report.provider_id,
            clinic_id=clinic_id,
        )
        reported = report.reported.value
        if await self._store(connection, report, reported, message_id, report.code):
            log.info("message_reported", provider=report.provider, reported=reported)
            await self._count(connection, report, message_id, clinic_id)

    async def _store(
        self,
        connection: asyncpg.Connection,
        told: Report | SmsReply,
        reported: str,
        message_id: UUID | None = None,
        code: str | None = None,
    ) -> bool:
        """Say whether it was not told before."""
        stored = await sql.STORE.fetchval(
            connection,
            provider=told.provider,
            event_id=told.event_id,
            message_id=message_id,
            reported=reported,
            code=code,
            at=told.at,
            now=self.clock.now(),
        )
        return stored is not None

    async def _count(
        self,
        connection: asyncpg.Connection,
        report: Report,
        message_id: UUID | None,
        clinic_id: ClinicId | None,
    ) -> None:
        scope = None if clinic_id is None else scope_of(clinic_id)
        state = STATES.get(report.reported)
        if state is not None and message_id is not None:
            await self._advance(connection, report, message_id, state)
        address = report.recipient or await self._address(connection, message_id)
        if address is None:
            return
        if report.reported is Reported.OPTED_IN:
            await self.recipients.let_in(
                connection, report.channel, address, report.sender, scope=scope
            )
        elif (reason := _block(report)) is not None:
            await self.recipients.block(
                connection, report.channel, address, reason, sender=report.sender, scope=scope
            )

    async def _advance(
        self, connection: asyncpg.Connection, report: Report, message_id: UUID, state: State
    ) -> None:
        has_failed = state is State.FAILED
        advanced = await sql.ADVANCE.fetchrow(
            connection,
            id=message_id,
            rank=sql.RANK[state],
            state=state,
            reason=(report.fault or Fault.TEMPORARY) if has_failed else None,
            code=report.code if has_failed else None,
        )
        if advanced is not None and has_failed:
            await FALL_BACK.execute(
                connection,
                id=message_id,
                new_id=self.identities.new(),
                now=self.clock.now(),
            )

    async def _address(self, connection: asyncpg.Connection, message_id: UUID | None) -> str | None:
        if message_id is None:
            return None
        is_of_account = await sql.IS_OF_ACCOUNT.fetchval(connection, id=message_id)
        of = account_facts_of if is_of_account else facts_of
        return (await of(connection, message_id, self.recipients)).due.address


def _block(report: Report) -> Skipped | None:
    """Return why the address is let be from now on."""
    if report.reported in BLOCKS:
        return BLOCKS[report.reported]
    if report.reported in {Reported.FAILED, Reported.BOUNCED} and report.fault is not None:
        return CONSEQUENCE.get((report.channel, report.fault))
    return None
