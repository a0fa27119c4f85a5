"""A patient's record follows what its owner changes of their account."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_system.directory.records.tables import patients
from booking_system.shared_kernel.identifiers import UserId


async def follow_profile(
    connection: AsyncConnection, user_id: UserId, changed: Mapping[str, str], now: datetime
) -> None:
    """Write the same name, language or time zone (IANA) to the record of a patient with an account.

    In the transaction of the connection; `now` is UTC.
    """
    if changed:
        await connection.execute(
            update(patients)
            .where(patients.c.user_id == user_id, patients.c.deleted_at.is_(None))
            .values(**changed, version=patients.c.version + 1, updated_at=now)
        )
