"""Every table of the program, registered in one place for migrations and for comparing them."""

from booking_system.booking.adapters import tables as booking
from booking_system.directory.adapters import tables as directory
from booking_system.identity.adapters import tables as identity
from booking_system.platform.postgres import idempotency, outbox
from booking_system.platform.postgres.metadata import metadata
from booking_system.scheduling.adapters import tables as scheduling

__all__ = ["booking", "directory", "idempotency", "identity", "metadata", "outbox", "scheduling"]
