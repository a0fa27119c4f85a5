"""Kept messages in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import asyncpg
from sqlalchemy import func, select

from booking_system.notifications.domain.kept import KeptMessage
from booking_system.notifications.domain.letter import (
    CalendarMethod,
    CalendarPart,
    Mailbox,
    PdfFile,
)
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.records.kept_tables import kept_messages
from booking_system.platform.postgres.phrases import a_text, ago, how_many, row_of
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore
from booking_system.platform.postgres.transaction import Database

KEPT_FOR: Final = timedelta(days=7)
k = kept_messages.c
ADD = Statement(row_of(kept_messages, [column.key for column in k]))
NEWEST = Statement(select(kept_messages).order_by(k.id.desc()).limit(how_many("most")))
NEWEST_TO = Statement(
    select(kept_messages)
    .where(k.recipient == func.lower(a_text("to")))
    .order_by(k.id.desc())
    .limit(how_many("most"))
)
OLD_KEPT_MESSAGES = Chore.deleting(
    kept_messages,
    over=k.kept_at < ago(KEPT_FOR),
    oldest_first=k.kept_at,
    others_change_it=False,
)


class PostgresKeptMessages:
    """Keeps messages for a week."""

    def __init__(self, database: Database) -> None:
        """What is kept inside of a whole is kept if the whole is."""
        self._database = database

    async def add(self, message: KeptMessage) -> None:
        """Insert."""
        async with self._database.driver_transaction() as connection:
            await ADD.execute(
                connection,
                id=message.id,
                message_id=message.message_id,
                channel=message.channel.value,
                recipient=message.to.address.lower(),
                to_address=message.to.address,
                to_name=message.to.name,
                sender_address=message.sender and message.sender.address,
                sender_name=message.sender and message.sender.name,
                reply_to_address=message.reply_to and message.reply_to.address,
                reply_to_name=message.reply_to and message.reply_to.name,
                subject=message.subject,
                text=message.text,
                html=message.html,
                calendar_method=message.calendar and message.calendar.method.value,
                calendar=message.calendar and message.calendar.content,
                unsubscribe_url=message.unsubscribe_url,
                document_names=[one.filename for one in message.documents],
                documents=[one.content for one in message.documents],
                kept_at=message.kept_at,
            )

    async def newest(self, *, to: str | None, limit: int) -> Sequence[KeptMessage]:
        """Select, the newest first."""
        async with self._database.reading() as connection:
            if to is None:
                rows = await NEWEST.fetch(connection, most=limit)
            else:
                rows = await NEWEST_TO.fetch(connection, to=to, most=limit)
        return [_message_of(row) for row in rows]


def _message_of(row: asyncpg.Record) -> KeptMessage:
    method = row["calendar_method"]
    return KeptMessage(
        id=row["id"],
        message_id=row["message_id"],
        channel=Channel(row["channel"]),
        to=Mailbox(address=row["to_address"], name=row["to_name"]),
        sender=_mailbox(row["sender_address"], row["sender_name"]),
        reply_to=_mailbox(row["reply_to_address"], row["reply_to_name"]),
        subject=row["subject"],
        text=row["text"],
        html=row["html"],
        calendar=method and CalendarPart(method=CalendarMethod(method), content=row["calendar"]),
        unsubscribe_url=row["unsubscribe_url"],
        documents=[
            PdfFile(filename=name, content=content)
            for name, content in zip(
                row["document_names"] or (), row["documents"] or (), strict=True
            )
        ],
        kept_at=row["kept_at"],
    )


def _mailbox(address: str | None, name: str | None) -> Mailbox | None:
    return None if address is None else Mailbox(address=address, name=name)
