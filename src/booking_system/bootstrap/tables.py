"""Every table of the program, registered in one place for migrations and for comparing them."""

from booking_system.booking.records import tables as booking
from booking_system.directory.records import tables as directory
from booking_system.identity.records import tables as identity
from booking_system.platform.postgres import feed, idempotency, outbox
from booking_system.platform.postgres.metadata import metadata
from booking_system.scheduling.records import tables as scheduling

__all__ = [
    "booking",
    "directory",
    "feed",
    "idempotency",
    "identity",
    "metadata",
    "outbox",
    "scheduling",
]
