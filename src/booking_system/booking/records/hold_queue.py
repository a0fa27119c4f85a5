"""The queue of all who hold slots for one patient, or as one user or network."""

from hashlib import blake2b
from uuid import UUID

import asyncpg
from sqlalchemy import func, select

from booking_system.platform.postgres.phrases import a_number
from booking_system.platform.postgres.statement import Statement

HOLDERS = 7211
"""The first key of the locks on holders, so that they meet no others."""

QUEUE = Statement(select(func.pg_advisory_xact_lock(a_number("kind"), a_number("place"))))


async def queue_as(connection: asyncpg.Connection, whose: UUID | bytes) -> None:
    """Wait until nobody else holds anything for this patient, or as this user or network.

    A holder in two queues waits for the patient first. The queue is left with the transaction.
    """
    place = int.from_bytes(blake2b(as_bytes(whose), digest_size=4).digest(), signed=True)
    await QUEUE.fetchval(connection, kind=HOLDERS, place=place)


def as_bytes(whose: UUID | bytes) -> bytes:
    """Return whose it is as bytes, by which queues are ordered."""
    return whose if isinstance(whose, bytes) else whose.bytes
