"""Secrets of clinics pass over to a new key of the installation, so that the old one can go."""

from typing import Any

from booking_system.notifications.adapters.own_channels.sealing import ChannelVault
from booking_system.notifications.adapters.own_channels.store import account_of
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import bound_to
from booking_system.notifications.records.own_tables import clinic_channels
from booking_system.platform.postgres.resealing import Resealing
from booking_system.platform.postgres.transaction import Database

c = clinic_channels.c


def channel_resealing(*, database: Database, vault: ChannelVault) -> Resealing:
    """Return what does so; clinics have two accounts at most."""
    return Resealing(
        database=database,
        sealing=vault.sealing,
        table=clinic_channels,
        about=(c.clinic_id, c.channel, c.provider, c.sender, c.target, c.options),
        bound=_bound,
    )


def _bound(row: Any) -> bytes:
    return bound_to(row.clinic_id, Channel(row.channel), account_of(row))
