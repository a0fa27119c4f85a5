"""Events of providers in PostgreSQL, and matters that people have seen to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import any_, select, update
from sqlalchemy.dialects import postgresql

from booking_system.payments.adapters.own_accounts.strangers import PAID_ELSEWHERE
from booking_system.payments.adapters.statements import PLAN, SAVE_MATTER
from booking_system.payments.adapters.waiting_events import WAITING
from booking_system.payments.application.ports import WorkKind
from booking_system.payments.application.provider_port import Hint
from booking_system.payments.domain.ledger import LineKind
from booking_system.payments.domain.matters import MatterKind
from booking_system.payments.domain.sighting import Account
from booking_system.payments.records.tables import (
    payment_events,
    payment_ledger,
    payment_quarantine,
    payments,
)
from booking_system.platform.postgres.phrases import an_id, given, ids, instant
from booking_system.platform.postgres.statement import Statement
from booking_system.platform.postgres.transaction import Database
from booking_system.platform.uuid7 import uuid7
from booking_system.shared_kernel.identifiers import ClinicId

e, p, q, line = payment_events, payments, payment_quarantine, payment_ledger
log = structlog.get_logger("booking_system.payments")

STORED = (
    "id",
    "provider",
    "account_key",
    "event_id",
    "kind",
    "is_live",
    "reference",
    "our_id",
    "charge_id",
    "body",
    "received_at",
)
STORE = Statement(
    postgresql.insert(e)
    .values({name: given(e.c[name]) for name in STORED})
    .on_conflict_do_nothing(constraint="uq_payment_events_event")
    .returning(e.c.id)
)
LOCK_EVENT = Statement(
    select(e)
    .where(e.c.id == an_id("event_id"), e.c.handled_at.is_(None))
    .with_for_update(skip_locked=True)
)
BY_REFERENCE = Statement(
    select(p.c.id).where(
        p.c.provider == given(p.c.provider),
        p.c.account_key == given(p.c.account_key),
        p.c.is_live == given(p.c.is_live),
        p.c.reference == given(p.c.reference),
    )
)
BY_ID = Statement(
    select(p.c.id).where(
        p.c.id == an_id("payment_id"),
        p.c.provider == given(p.c.provider),
        p.c.account_key == given(p.c.account_key),
        p.c.is_live == given(p.c.is_live),
    )
)
BY_CHARGE = Statement(
    select(line.c.payment_id).where(
        line.c.provider == given(line.c.provider),
        line.c.account_key == given(line.c.account_key),
        line.c.is_live == given(line.c.is_live),
        line.c.provider_id == given(line.c.provider_id, "charge_id"),
        line.c.kind == LineKind.CHARGE.value,
    )
)
"""Events of refunds and complaints may name nothing but the charge."""
HANDLED = Statement(
    update(e)
    .where(e.c.id == an_id("event_id"))
    .values(handled_at=instant("now"), payment_id=an_id("payment_id"))
)
GIVE_UP = Statement(
    update(e)
    .where(
        e.c.id == an_id("event_id"),
        e.c.handled_at.is_(None),
        e.c.received_at < instant("before"),
    )
    .values(handled_at=instant("now"))
    .returning(e.c.id)
)
RESOLVE = Statement(
    update(q)
    .where(
        q.c.id == an_id("matter_id"),
        q.c.resolved_at.is_(None),
        q.c.clinic_id == any_(ids("clinic_ids")),
    )
    .values(resolved_at=instant("now"), resolved_by=an_id("by"))
    .returning(q.c.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresInbox:
    """Keeps events as they came, each once for its account."""

    database: Database

    async def store(self, account: Account, hint: Hint, body: bytes, *, now: datetime) -> bool:
        """Commit it: only then the provider is answered."""
        async with self.database.driver_transaction() as connection:
            stored = await STORE.fetchval(
                connection,
                id=uuid7(),
                provider=account.provider,
                account_key=hint.account_key or account.key,
                event_id=hint.event_id,
                kind=hint.kind,
                is_live=hint.is_live,
                reference=hint.reference,
                our_id=hint.our_id,
                charge_id=hint.charge_id,
                body=body,
                received_at=now,
            )
        if hint.is_live is not account.is_live:
            log.warning("payment_event_of_other_mode", provider=account.provider, kind=hint.kind)
        return stored is not None

    async def waiting(self, *, most: int, before: datetime) -> Sequence[UUID]:
        """Look without a lock; `match` takes one."""
        async with self.database.reading() as connection:
            rows = await WAITING.fetch(connection, most=most, before=before)
        return [row["id"] for row in rows]

    async def match(self, event_id: UUID, *, now: datetime) -> bool:
        """Find the payment by our id, the provider's reference or a charge, and plan the look."""
        async with self.database.driver_transaction() as connection:
            event = await LOCK_EVENT.fetchrow(connection, event_id=event_id)
            if event is None:
                return True
            # An event of tests is about nothing of a live account, and the other way round.
            account = {name: event[name] for name in ("provider", "account_key", "is_live")}
            found = None
            if (ours := _uuid(event["our_id"])) is not None:
                found = await BY_ID.fetchval(connection, payment_id=ours, **account)
            if found is None and event["reference"] is not None:
                named = event["reference"]
                found = await BY_REFERENCE.fetchval(connection, reference=named, **account)
            if found is None and (charge_id := event["charge_id"]) is not None:
                found = await BY_CHARGE.fetchval(connection, charge_id=charge_id, **account)
            if found is None:
                return ours is not None and await _quarantined(connection, event, ours, now)
            await PLAN.execute(
                connection,
                id=uuid7(),
                kind=WorkKind.POLL,
                payment_id=found,
                refund_id=None,
                due_at=now,
            )
            await HANDLED.execute(connection, event_id=event_id, payment_id=found, now=now)
            return True

    async def give_up(self, event_id: UUID, *, before: datetime, now: datetime) -> bool:
        """Write it, where it is old enough."""
        async with self.database.driver_transaction() as connection:
            done = await GIVE_UP.fetchval(connection, event_id=event_id, before=before, now=now)
        if done is not None:
            log.warning("payment_event_of_nobody", event_id=str(event_id))
        return done is not None


async def _quarantined(
    connection: asyncpg.Connection, event: asyncpg.Record, payment_id: UUID, now: datetime
) -> bool:
    """Have the payment's clinic look, where the event is about money of another account than its.

    False: it is not. Nothing is looked up by it: a clinic can sign what it likes.
    """
    account = {name: event[name] for name in ("provider", "account_key")}
    paid = await PAID_ELSEWHERE.fetchrow(connection, payment_id=payment_id, **account)
    if paid is None:
        return False
    await SAVE_MATTER.execute(
        connection,
        id=uuid7(),
        kind=MatterKind.ACCOUNT.value,
        clinic_id=paid["clinic_id"],
        appointment_id=paid["appointment_id"],
        payment_id=payment_id,
        about=event["account_key"],
        amount=paid["amount"],
        currency=paid["currency"],
        found_at=now,
    )
    await HANDLED.execute(connection, event_id=event["id"], payment_id=None, now=now)
    log.warning("payment_event_of_other_account", event_id=str(event["id"]))
    return True


def _uuid(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresMatterBook:
    """Closes matters."""

    database: Database

    async def resolve(
        self, matter_id: UUID, clinic_ids: frozenset[ClinicId], *, by: UUID, now: datetime
    ) -> bool:
        """One statement, which asks whose it is."""
        async with self.database.driver_transaction() as connection:
            done = await RESOLVE.fetchval(
                connection, matter_id=matter_id, clinic_ids=list(clinic_ids), by=by, now=now
            )
        return done is not None
