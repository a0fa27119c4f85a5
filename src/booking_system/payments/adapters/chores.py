"""What of payments is removed when nobody asks for it any more."""

from datetime import timedelta

from booking_system.payments.records.tables import payment_events
from booking_system.platform.postgres.phrases import ago
from booking_system.platform.postgres.tidying import Chore

KEPT = timedelta(days=90)
"""Providers send an event again for some days, and show it for a month."""

OLD_PAYMENT_EVENTS = Chore.deleting(
    payment_events,
    over=payment_events.c.received_at < ago(KEPT),
    oldest_first=payment_events.c.received_at,
)
