"""Secrets pass over to a new key of the installation, so that the old one can be taken away."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from sqlalchemy import LargeBinary, bindparam, select, update

from booking_system.platform.postgres.periodic import PeriodicJob
from booking_system.platform.postgres.phrases import an_id
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.webhooks.adapters.sealing import SealedSecrets
from booking_system.webhooks.records.tables import webhook_endpoints

FIRST_SECONDS = 60.0
PAUSE_SECONDS = 3600.0
"""The old key is believed for days."""

e = webhook_endpoints.c
ALL = Statement(select(e.id, e.secret, e.former_secret).where(e.deleted_at.is_(None)))
_new, _old = bindparam("new", type_=LargeBinary()), bindparam("old", type_=LargeBinary())
PUT = {
    column.key: Statement(
        update(webhook_endpoints)
        .where(e.id == an_id("id"), column == _old)
        .values({column.key: _new})
    )
    for column in (e.secret, e.former_secret)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealing:
    """Seals with the first key what another one has sealed; endpoints are few."""

    database: Database
    secrets: SealedSecrets

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do so for as long as the block lasts."""
        job = PeriodicJob(
            name="webhook secrets",
            round=self.once,
            failed="webhook_secrets_not_sealed",
            first_pause=FIRST_SECONDS,
            pause=PAUSE_SECONDS,
            pause_after_failure=FIRST_SECONDS,
        )
        return job.running()

    async def once(self) -> bool:
        """Look at each; a secret that is rotated meanwhile stays as it is."""
        async with self.database.reading() as connection:
            rows = await ALL.fetch(connection)
        for row in rows:
            for name, put in PUT.items():
                old = row[name]
                new = None if old is None else self.secrets.resealed(old, row["id"])
                if new is not None:
                    async with self.database.driver_transaction() as connection:
                        await put.execute(connection, id=row["id"], new=new, old=old)
        return True
