"""What of messages is removed when nobody asks for it any more."""

from datetime import timedelta

from sqlalchemy import delete, select

from booking_system.notifications.records.tables import (
    message_ledger,
    message_reports,
    recipient_blocks,
)
from booking_system.platform.postgres.phrases import ago
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore, in_batch

MESSAGES_KEPT = timedelta(days=400)
REPORTS_KEPT = timedelta(days=90)
ENDED_BLOCKS_KEPT = timedelta(days=30)
"""So long a first failure counts when there is a second one."""


def _old_messages() -> Chore:
    m = message_ledger.c
    found = select(m.id).order_by(m.id)
    is_over = m.ended_at < ago(MESSAGES_KEPT)
    statement = delete(message_ledger).where(is_over, in_batch(message_ledger, found))
    return Chore("message_ledger", Statement(statement).text)


OLD_MESSAGES = _old_messages()
"""The first ids are the oldest: no index of times is needed. Attempts go with their message."""
OLD_REPORTS = Chore.deleting(
    message_reports,
    over=message_reports.c.stored_at < ago(REPORTS_KEPT),
    oldest_first=message_reports.c.stored_at,
    others_change_it=False,
)
OLD_BLOCKS = Chore.deleting(
    recipient_blocks,
    over=recipient_blocks.c.until < ago(ENDED_BLOCKS_KEPT),
    oldest_first=recipient_blocks.c.until,
)
