"""Plans messages in the transaction in which the events were read that call for them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from booking_system.booking.domain.lifecycle import AppointmentStatus
from booking_system.notifications.adapters.planning_statements import (
    COMING,
    PLAN,
    STANDINGS,
    WITHDRAW,
)
from booking_system.notifications.domain.account_planning import plan_for_account
from booking_system.notifications.domain.message import State
from booking_system.notifications.domain.money import (
    OF_NO_REVISION,
    plan_for_matter,
    plan_for_payment,
)
from booking_system.notifications.domain.planning import Planned, Standing, plan
from booking_system.notifications.domain.preferences import Preferences, QuietHours
from booking_system.payments.records.told import OPEN_MATTERS
from booking_system.platform.postgres.consumers import StoredEvent
from booking_system.platform.postgres.transaction import Database
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import Identities

TELLING = frozenset(
    {
        "booking.created",
        "booking.confirmed",
        "booking.expired",
        "booking.rescheduled",
        "booking.cancelled",
    }
)
"""The events that raise the revision of an appointment, and what money says of the present one."""
OF_MONEY = frozenset(
    {"payment.succeeded", "payment.refunded", "payment.refund_failed", "payment.disputed"}
)
"""What becomes of money is told of each payment and refund, and not of a revision."""
MATTER_OPENED = "payment.matter_opened"
PAGE = 200
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Makes the ledger say what appointments and accounts call for; again, it changes nothing."""

    database: Database
    identities: Identities
    clock: Clock

    async def take(self, connection: asyncpg.Connection, events: Sequence[StoredEvent]) -> None:
        """Plan for those that the events tell of, as these are now."""
        told = {
            UUID(one.data["appointment_id"]) for one in events if one.name in TELLING | OF_MONEY
        }
        if told:
            now = self.clock.now()
            await WITHDRAW.execute(connection, ids=[*told], now=now)
            rows = await STANDINGS.fetch(connection, ids=[*told])
            standings = {row["id"]: standing_of(row) for row in rows}
            await self._store(connection, standings.values(), now)
            if paid := [row for one in events for row in self._of_money(one, standings)]:
                await PLAN.execute(connection, rows=_text(paid), now=now)
        await self._plan_for_matters(connection, events)
        if accounts := [row for one in events for row in self._of_account(one)]:
            await PLAN.execute(connection, rows=_text(accounts), now=self.clock.now())

    async def plan_all(self) -> int:
        """Plan for all that will take place; return for how many. What is there stays."""
        after, count = NOBODY, 0
        while True:
            now = self.clock.now()
            async with self.database.driver_transaction() as connection:
                rows = await COMING.fetch(connection, now=now, after=after, most=PAGE)
                await self._store(connection, map(standing_of, rows), now)
            count += len(rows)
            if len(rows) < PAGE:
                return count
            after = rows[-1]["id"]

    async def _store(
        self, connection: asyncpg.Connection, standings: Iterable[Standing], now: datetime
    ) -> None:
        rows = [
            self._row(
                message,
                appointment_id=one.appointment_id,
                revision=one.revision,
                clinic_id=one.clinic_id,
            )
            for one in standings
            for message in plan(one)
        ]
        if rows:
            await PLAN.execute(connection, rows=_text(rows), now=now)

    def _of_money(
        self, event: StoredEvent, standings: Mapping[UUID, Standing]
    ) -> Iterator[dict[str, Any]]:
        if event.name not in OF_MONEY:
            return
        standing = standings[UUID(event.data["appointment_id"])]
        planned = plan_for_payment(event.name, event.data, event.occurred_at, standing)
        if planned is not None:
            yield self._row(
                planned,
                appointment_id=standing.appointment_id,
                revision=OF_NO_REVISION,
                clinic_id=standing.clinic_id,
            )

    async def _plan_for_matters(
        self, connection: asyncpg.Connection, events: Sequence[StoredEvent]
    ) -> None:
        """Tell the clinic of each that is open; what was told once stays as it is."""
        opened = {UUID(one.data["appointment_id"]) for one in events if one.name == MATTER_OPENED}
        if not opened:
            return
        rows = [
            self._row(
                plan_for_matter(one["id"], one["found_at"]),
                appointment_id=one["appointment_id"],
                revision=OF_NO_REVISION,
                clinic_id=one["clinic_id"],
            )
            for one in await OPEN_MATTERS.fetch(connection, appointment_ids=[*opened])
        ]
        if rows:
            await PLAN.execute(connection, rows=_text(rows), now=self.clock.now())

    def _of_account(self, event: StoredEvent) -> Iterator[dict[str, Any]]:
        planned = plan_for_account(event.name, event.data, event.occurred_at)
        if planned is not None:
            yield self._row(
                planned, appointment_id=None, revision=event.seq, clinic_id=event.clinic_id
            )

    def _row(
        self,
        message: Planned,
        *,
        appointment_id: UUID | None,
        revision: int,
        clinic_id: UUID | None,
    ) -> dict[str, Any]:
        return {
            "id": self.identities.new(),
            "appointment_id": appointment_id,
            "revision": revision,
            "kind": message.kind,
            "offset_minutes": message.offset_minutes,
            "channel": message.channel,
            "recipient_key": message.recipient,
            "clinic_id": clinic_id,
            "lane": message.lane,
            "due_at": message.due_at,
            "not_after": message.not_after,
            "state": State.PLANNED if message.skipped is None else State.SKIPPED,
            "reason": message.skipped,
        }


def _text(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(rows, default=str, option=orjson.OPT_UTC_Z).decode()


def standing_of(row: asyncpg.Record) -> Standing:
    """Return the appointment of a row of `STANDINGS`."""
    return Standing(
        appointment_id=row["id"],
        clinic_id=row["clinic_id"],
        revision=row["revision"],
        status=AppointmentStatus(row["status"]),
        starts_at=row["starts_at"],
        agreed_at=row["agreed_at"],
        zone=row["zone"],
        offsets=row["reminder_offsets_minutes"],
        tells_clinic=row["tells_clinic"],
        preferences=preferences_of(row),
        pay_by=row["pay_by"],
        expired_at=row["expired_at"],
    )


def preferences_of(row: asyncpg.Record) -> Preferences:
    """Return what the patient has set, else what is usual."""
    if row["wants_email"] is None:
        return Preferences()
    return Preferences(
        email=row["wants_email"],
        sms=row["wants_sms"],
        reminders=row["wants_reminders"],
        quiet=QuietHours(since=row["wants_quiet_from"], until=row["wants_quiet_until"]),
    )
