"""The bus that an operator has: over Redis where one is set, else over PostgreSQL."""

from uuid import UUID

from booking_system.consultations.adapters.live.bus import Bus
from booking_system.consultations.adapters.live.redis_bus import RedisBus


def bus_at(redis_url: str | None, instance_id: UUID, *, postgres: Bus) -> Bus:
    """Return it; PostgreSQL's carries what Redis does not take."""
    return RedisBus(redis_url, instance_id, spare=postgres) if redis_url else postgres
