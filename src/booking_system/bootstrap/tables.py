"""Every table of the program, registered in one place for migrations and for comparing them."""

from booking_system.booking.records import tables as booking
from booking_system.consultations.records import tables as consultations
from booking_system.directory.records import tables as directory
from booking_system.files.records import tables as files
from booking_system.identity.records import tables as identity
from booking_system.integrations.records import tables as integrations
from booking_system.notifications.records import kept_tables, own_tables
from booking_system.notifications.records import tables as notifications
from booking_system.payments.records import guards as payment_guards
from booking_system.payments.records import own_tables as own_payment_tables
from booking_system.payments.records import sandbox_table
from booking_system.payments.records import tables as payments
from booking_system.platform.postgres import consumers, dead_events, feed, idempotency, outbox
from booking_system.platform.postgres.metadata import metadata
from booking_system.scheduling.records import tables as scheduling
from booking_system.webhooks.records import tables as webhooks

__all__ = [
    "booking",
    "consultations",
    "consumers",
    "dead_events",
    "directory",
    "feed",
    "files",
    "idempotency",
    "identity",
    "integrations",
    "kept_tables",
    "metadata",
    "notifications",
    "outbox",
    "own_payment_tables",
    "own_tables",
    "payment_guards",
    "payments",
    "sandbox_table",
    "scheduling",
    "webhooks",
]
