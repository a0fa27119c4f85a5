"""Secrets of clinics pass over to a new key of the installation, so that the old one can go."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy import select, update

from booking_system.notifications.adapters.own_channels.sealing import ChannelVault
from booking_system.notifications.adapters.own_channels.store import account_of
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.own_channel import UnreadableChannelError
from booking_system.notifications.records.own_tables import clinic_channels
from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.transaction import Database

FIRST_SECONDS = 60.0
PAUSE_SECONDS = 3600.0
"""The old key is believed for days."""

c = clinic_channels.c
OF_OTHER_KEYS = select(
    c.id, c.clinic_id, c.channel, c.provider, c.sender, c.target, c.options, c.sealed, c.key_id
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelResealing:
    """Seals with the first key what another one has sealed; clinics have two accounts at most.

    What no key opens stays as it is: its key may come back.
    """

    database: Database
    vault: ChannelVault

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="secrets of clinics' channels",
            round=self.once,
            failed="clinic_channels_not_sealed",
            first_pause=FIRST_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FIRST_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Look at each; a secret that is changed meanwhile stays as it is."""
        async with self.database.looking() as connection:
            of_others = OF_OTHER_KEYS.where(c.key_id != self.vault.key_id)
            rows = (await connection.execute(of_others)).all()
        for row in rows:
            account, channel = account_of(row), Channel(row.channel)
            bound = row.clinic_id, channel, account
            try:
                secret = self.vault.opened(row.sealed, row.key_id, *bound)
            except UnreadableChannelError:
                continue
            new = self.vault.sealed(secret, *bound)
            mine = update(clinic_channels).where(c.id == row.id, c.sealed == row.sealed)
            async with self.database.transaction() as connection:
                await connection.execute(mine.values(sealed=new.sealed, key_id=new.key_id))
        return True
