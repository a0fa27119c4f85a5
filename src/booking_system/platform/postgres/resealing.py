"""Sealed secrets pass over to a new key of the installation, so that the old one can go."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, select, update

from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.sealing import CannotBeOpenedError, Sealing

FIRST_SECONDS = 60.0
PAUSE_SECONDS = 3600.0
"""The old key is believed for days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealing:
    """Seals with the first key what another one has sealed, in a table with few rows.

    The table has `id`, `sealed` and `key_id`; `bound` makes of a row's `about` columns what its
    secret is bound to. What no key opens stays as it is: its key may come back.
    """

    database: Database
    sealing: Sealing
    table: Table
    about: Sequence[Column[Any]]
    bound: Callable[[Any], bytes]

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name=f"secrets of {self.table.name}",
            round=self.once,
            failed=f"{self.table.name}_not_sealed",
            first_pause=FIRST_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FIRST_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Look at each; a secret that is changed meanwhile stays as it is."""
        c = self.table.c
        of_other_keys = select(c.id, c.sealed, c.key_id, *self.about).where(
            c.key_id != self.sealing.key_id
        )
        async with self.database.looking() as connection:
            rows = (await connection.execute(of_other_keys)).all()
        for row in rows:
            bound = self.bound(row)
            try:
                secret = self.sealing.opened(row.sealed, row.key_id, bound)
            except CannotBeOpenedError:
                continue
            new = self.sealing.sealed(secret, bound)
            mine = update(self.table).where(c.id == row.id, c.sealed == row.sealed)
            async with self.database.transaction() as connection:
                await connection.execute(mine.values(sealed=new.sealed, key_id=new.key_id))
        return True
