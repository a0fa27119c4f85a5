"""Payments on PostgreSQL, with appointments that are rows, too: they lock, and are undone."""

import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import asyncpg

from booking_system.payments.adapters.inbox import PostgresInbox
from booking_system.payments.adapters.postgres import PostgresPayments, PostgresPaymentsWork
from booking_system.payments.adapters.queue import PostgresWorkQueue
from booking_system.payments.adapters.reading import PostgresPaymentsReader
from booking_system.payments.application.ports import PaymentsWork
from booking_system.payments.domain.owed import MoneyStatus, Owed, Standing
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.identifiers import AppointmentId
from tests.booking.builders import CLINIC, FixedClock
from tests.payments.desk import Desk
from tests.webhooks.courier import CLINIC as ADD_CLINIC

ADD_APPOINTMENT = """INSERT INTO appointments (id, reference, status, payment_status,
 time_slot_id, time_slot_ids, clinic_id, doctor_id, patient_id, starts_at, ends_at, blocked_from,
 blocked_until, duration_minutes, mode, cancel_notice_minutes, booked_by, cancelled_by, version,
 created_at, updated_at)
 SELECT id, $2, 'cancelled', 'unpaid', id, ARRAY[id], $3, id, id, $4, $5, $4, $5, 30, 'online', 0,
 id, 'clinic', 1, now(), now() FROM (SELECT $1::uuid AS id) AS one"""
"""A row that others can refer to. What it says does not matter: `StoredAppointments` knows."""
KEEP = """INSERT INTO idempotency_keys (owner, operation, key, fingerprint, created_at)
 VALUES ('appointments', 'test', $1, $2, now())
 ON CONFLICT (owner, operation, key) DO UPDATE SET fingerprint = excluded.fingerprint"""
LOCK = """SELECT fingerprint FROM idempotency_keys
 WHERE owner = 'appointments' AND operation = 'test' AND key = $1 FOR UPDATE"""
READ = LOCK.removesuffix(" FOR UPDATE")
END_ITSELF = "SELECT pg_terminate_backend(pg_backend_pid())"
NO_TRIGGERS = "SET LOCAL session_replication_role = replica"


@dataclass
class Kept:
    """An appointment, what is shown of its money, and whether others have its time."""

    owed: Owed
    status: MoneyStatus | None = None
    is_taken: bool = False


@dataclass
class StoredAppointments:
    """Booking's side of it as a row each, in the transaction of the caller."""

    database: Database

    async def add(self, owed: Owed) -> None:
        async with self.database.driver_transaction() as connection:
            await connection.execute(NO_TRIGGERS)
            await connection.execute(
                ADD_APPOINTMENT,
                owed.appointment_id,
                str(owed.appointment_id),
                owed.clinic_id,
                owed.starts_at,
                owed.ends_at,
            )
            await self._keep(connection, Kept(owed))

    async def _keep(self, connection: asyncpg.Connection, kept: Kept) -> None:
        await connection.execute(KEEP, str(kept.owed.appointment_id), pickle.dumps(kept))

    async def see(self, appointment_id: AppointmentId) -> Kept:
        async with self.database.reading() as connection:
            kept: Kept = pickle.loads(await connection.fetchval(READ, str(appointment_id)))
        return kept

    async def change(self, appointment_id: AppointmentId, **about: Any) -> None:
        async with self._changing(appointment_id) as kept:
            kept.owed = replace(kept.owed, **about)

    async def take_away(self, appointment_id: AppointmentId) -> None:
        async with self._changing(appointment_id) as kept:
            kept.is_taken = True

    @asynccontextmanager
    async def _changing(self, appointment_id: AppointmentId) -> AsyncIterator[Kept]:
        async with self.database.driver_transaction() as connection:
            kept: Kept = pickle.loads(await connection.fetchval(LOCK, str(appointment_id)))
            yield kept
            await self._keep(connection, kept)

    async def lock(self, appointment_id: AppointmentId) -> Owed | None:
        async with self.database.driver_transaction() as connection:
            found = await connection.fetchval(LOCK, str(appointment_id))
        kept: Kept | None = None if found is None else pickle.loads(found)
        return None if kept is None else kept.owed

    async def confirm(self, appointment_id: AppointmentId, *, now: datetime) -> bool:
        async with self._changing(appointment_id) as kept:
            if kept.owed.status is Standing.EXPIRED and kept.is_taken:
                return False
            kept.owed = replace(kept.owed, status=Standing.CONFIRMED, pay_by=None)
        return True

    async def expire(self, appointment_id: AppointmentId, *, now: datetime) -> None:
        await self.change(appointment_id, status=Standing.EXPIRED, pay_by=None)

    async def keep(self, appointment_id: AppointmentId, *, until: datetime, now: datetime) -> bool:
        async with self._changing(appointment_id) as kept:
            if kept.owed.pay_by is not None:
                kept.owed = replace(kept.owed, pay_by=max(kept.owed.pay_by, until))
            return kept.owed.takes_place or not kept.is_taken

    async def set_payment_status(self, appointment_id: AppointmentId, status: MoneyStatus) -> None:
        async with self._changing(appointment_id) as kept:
            kept.status = status


class AbortError(Exception):
    """A transaction that was almost done is undone."""


@dataclass
class StoredPayments:
    """Opens payments' transactions.

    Of those that begin, `aborts` are undone at their very end, and `losses` lose their connection
    there: their numbers have been drawn.
    """

    payments: PostgresPayments
    aborts: set[int] = field(default_factory=set)
    losses: set[int] = field(default_factory=set)
    begun: int = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PaymentsWork]:
        self.begun += 1
        is_undone, is_lost = self.begun in self.aborts, self.begun in self.losses
        async with self.payments.transaction() as work:
            yield work
            if is_undone:
                raise AbortError
            if is_lost:
                assert isinstance(work, PostgresPaymentsWork)
                await work._connection.execute(END_ITSELF)


class StoredDesk(Desk):
    """Everything on PostgreSQL."""

    appointments: StoredAppointments

    def __init__(self, database: Database) -> None:
        clock = FixedClock()
        self.database = database
        self.store = StoredPayments(PostgresPayments(database, clock))
        self.inbox = PostgresInbox(database=database)
        super().__init__(
            transaction=self.store.transaction,
            appointments=StoredAppointments(database),
            queue=PostgresWorkQueue(database=database),
            reader=PostgresPaymentsReader(database=database),
            clock=clock,
        )

    async def opens(self, *owed: Owed) -> None:
        async with self.database.driver_transaction() as connection:
            await connection.execute(ADD_CLINIC, CLINIC, "example")
        for one in owed:
            await self.appointments.add(one)

    async def see(self, owed: Owed) -> tuple[str, str | None]:
        kept = await self.appointments.see(owed.appointment_id)
        return kept.owed.status, kept.status

    async def does(self, statement: str, *values: Any) -> None:
        async with self.database.driver_transaction() as connection:
            await connection.execute(statement, *values)

    async def all(self, query: str, *values: Any) -> list[Any]:
        async with self.database.reading() as connection:
            return [tuple(row) for row in await connection.fetch(query, *values)]
