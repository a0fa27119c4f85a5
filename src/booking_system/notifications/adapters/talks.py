"""Talks by SMS in PostgreSQL."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.notifications.adapters import report_statements
from booking_system.notifications.adapters import talk_statements as sql
from booking_system.notifications.adapters.recipients import Recipients
from booking_system.notifications.application.answering_ports import NewMessage
from booking_system.notifications.domain.answers import Heard, Question, Told
from booking_system.notifications.domain.message import ANSWERS, Channel, Kind, State
from booking_system.notifications.domain.planning import Lane, Skipped
from booking_system.notifications.domain.sending import SmsReply
from booking_system.notifications.records.tables import sms_talks
from booking_system.platform.postgres.phrases import ago
from booking_system.platform.postgres.tidying import Chore
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, Identities, PatientId

REPLIED = "replied"
MOST_ANSWERS = 12
"""That a number gets within a day: two machines could write to each other for ever."""
TALKS_KEPT = timedelta(days=3)
OLD_TALKS = Chore.deleting(
    sms_talks,
    over=sms_talks.c.updated_at < ago(TALKS_KEPT),
    oldest_first=sms_talks.c.updated_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresTalks:
    """Keeps numbers by keyed names, and of what they write nothing."""

    database: Database
    recipients: Recipients
    identities: Identities
    clock: Clock

    def whole(self) -> AbstractAsyncContextManager[object]:
        """One transaction around all."""
        return self.database.whole()

    async def is_new(self, reply: SmsReply) -> bool:
        """Insert by the provider's id."""
        async with self.database.driver_transaction() as connection:
            stored = await report_statements.STORE.fetchval(
                connection,
                provider=reply.provider,
                event_id=reply.event_id,
                message_id=None,
                reported=REPLIED,
                code=None,
                at=reply.at,
                now=self.clock.now(),
            )
        return stored is not None

    async def hear(self, reply: SmsReply) -> Heard:
        """Lock the talk, and read; who writes to another number than ours was told nothing."""
        recipients, number = self.recipients, reply.sender
        sender = recipients.sender_meant(Channel.SMS, reply.to)
        async with self.database.driver_transaction() as connection:
            talk = await sql.HEAR.fetchrow(connection, **self._which(reply), now=self.clock.now())
            assert talk is not None, "it was there, or is now"
            told: list[asyncpg.Record] = []
            if sender == recipients.sender_meant(Channel.SMS):
                hashes = recipients.names_of(Channel.SMS, number)
                told = await sql.TOLD.fetch(connection, hashes=hashes, number=number)
            blocks = await recipients.blocks(connection, Channel.SMS, number, sender=sender)
        return Heard(
            told=[_told(row) for row in told],
            question=_question(talk),
            excused_at=talk["excused_at"],
            is_blocked=any(one.reason is Skipped.OPTED_OUT for one in blocks),
        )

    async def opt_out(self, reply: SmsReply) -> None:
        """Block the number."""
        async with self.database.driver_transaction() as connection:
            await self.recipients.block(
                connection, Channel.SMS, reply.sender, Skipped.OPTED_OUT, sender=reply.to
            )

    async def opt_in(self, reply: SmsReply) -> None:
        """Delete the block."""
        async with self.database.driver_transaction() as connection:
            await self.recipients.let_in(connection, Channel.SMS, reply.sender, reply.to)

    async def close(self, reply: SmsReply) -> None:
        """Forget the question; if it has not gone out yet, it will not."""
        async with self.database.driver_transaction() as connection:
            await sql.CLOSE.execute(connection, **self._which(reply))

    async def tell(
        self, reply: SmsReply, messages: Sequence[NewMessage], *, asked: Sequence[Told] = ()
    ) -> None:
        """Insert into the ledger."""
        async with self.database.driver_transaction() as connection:
            for message in messages:
                await self._tell(connection, reply, message, asked)

    async def _tell(
        self,
        connection: asyncpg.Connection,
        reply: SmsReply,
        message: NewMessage,
        asked: Sequence[Told],
    ) -> None:
        which, now = self._which(reply), self.clock.now()
        if message.kind in ANSWERS and not await self._may_answer(connection, reply):
            return
        message_id = await sql.TELL.fetchval(
            connection,
            id=self.identities.new(),
            appointment_id=message.appointment_id,
            revision=message.revision,
            kind=message.kind,
            offset_minutes=message.offset_minutes,
            channel=message.channel,
            recipient_key=message.recipient,
            clinic_id=message.clinic_id,
            lane=Lane.CHANGES,
            due_at=now,
            not_after=message.not_after,
            state=State.PLANNED,
        )
        if message_id is None or message.kind not in ANSWERS:
            return
        excused_at = now if message.kind is Kind.UNREAD_ANSWER else None
        await sql.COUNT.execute(connection, **which, excused_at=excused_at)
        if asked:
            await sql.ASK.execute(
                connection,
                **which,
                asked="cancel" if message.kind is Kind.CANCEL_QUESTION else "which",
                message_id=message_id,
                appointment_ids=[one.appointment_id for one in asked],
                revisions=[one.revision for one in asked],
                asked_at=now,
            )

    async def _may_answer(self, connection: asyncpg.Connection, reply: SmsReply) -> bool:
        talk = await sql.HEAR.fetchrow(connection, **self._which(reply), now=self.clock.now())
        return talk is not None and talk["answers"] < MOST_ANSWERS

    def _which(self, reply: SmsReply) -> dict[str, Any]:
        names = self.recipients.names_of(Channel.SMS, reply.sender)
        sender = self.recipients.sender_meant(Channel.SMS, reply.to)
        return {"recipient_hash": names[0], "sender": sender}


def _told(row: asyncpg.Record) -> Told:
    return Told(
        message_id=row["id"],
        kind=Kind(row["kind"]),
        told_revision=row["told_revision"],
        appointment_id=AppointmentId(row["appointment_id"]),
        patient_id=PatientId(row["patient_id"]),
        clinic_id=ClinicId(row["clinic_id"]),
        revision=row["revision"],
        status=AppointmentStatus(row["status"]),
        starts_at=row["starts_at"],
        cancel_until=row["cancel_until"],
        is_confirmed=row["is_confirmed"],
    )


def _question(row: asyncpg.Record) -> Question | None:
    if row["asked"] is None:
        return None
    return Question(
        asked=row["asked"],
        message_id=row["message_id"],
        appointments=list(zip(row["appointment_ids"], row["revisions"], strict=True)),
        asked_at=row["asked_at"],
    )
