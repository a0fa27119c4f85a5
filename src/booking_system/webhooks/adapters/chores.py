"""What of webhooks is removed when nobody asks for it any more."""

from datetime import timedelta

from sqlalchemy import delete, select

from booking_system.platform.postgres.phrases import ago
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.tidying import Chore, in_batch
from booking_system.webhooks.records.tables import webhook_deliveries

KEPT = timedelta(days=30)
"""As long as the events are; until then one can be replayed."""


def _old_deliveries() -> Chore:
    d = webhook_deliveries.c
    found = select(d.id).order_by(d.id)
    is_old = d.stored_at < ago(KEPT)
    statement = delete(webhook_deliveries).where(is_old, in_batch(webhook_deliveries, found))
    return Chore("webhook_deliveries", Statement(statement).text)


OLD_DELIVERIES = _old_deliveries()
"""The first ids are the oldest: no index of times is needed."""
