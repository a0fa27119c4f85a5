"""Events become deliveries, in the transaction in which they are read: all of a batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, array, insert

from booking_system.directory.records.tables import clinics
from booking_system.platform.postgres.consumers import StoredEvent
from booking_system.platform.postgres.feed import event_feed
from booking_system.platform.postgres.phrases import instant, meets
from booking_system.platform.postgres.statement import Statement
from booking_system.shared_kernel.clock import Clock
from booking_system.webhooks.domain.endpoint import PATIENT
from booking_system.webhooks.records.tables import webhook_deliveries, webhook_endpoints

e, f = webhook_endpoints, event_feed
NAMES = (
    "id",
    "endpoint_id",
    "event_seq",
    "event_id",
    "name",
    "payload",
    "occurred_at",
    "stored_at",
    "due_at",
    "state",
)
TELLING, REST = 20, 15
"""Characters of an id: those that say when it was made, and its version; hexadecimal digits."""


def _id() -> Any:
    """The event's time, and a rest that no other delivery has: made again, it is the same."""
    both = func.md5(cast(e.c.id, Text) + cast(f.c.id, Text))
    begins = func.substr(cast(f.c.id, Text), 1, TELLING)
    return cast(func.concat(begins, func.substr(both, 1, REST)), Uuid)


def _without_patients() -> Any:
    field = func.jsonb_each(f.c.payload).table_valued("key", "value").render_derived()
    kept = select(func.jsonb_object_agg(field.c.key, field.c.value)).where(
        field.c.key.not_like(f"%{PATIENT}".replace("_", "\\_"))
    )
    return func.coalesce(kept.scalar_subquery(), cast(literal("{}"), JSONB))


def _storing() -> Any:
    of_kind = func.split_part(f.c.name, ".", 1) + ".*"
    wanted = meets(e.c.events, cast(array([f.c.name, of_kind, literal("*")]), ARRAY(Text)))
    is_removed = exists().where(clinics.c.id == e.c.clinic_id, clinics.c.deleted_at.is_not(None))
    rows = (
        select(
            _id(),
            e.c.id,
            f.c.seq,
            f.c.id,
            f.c.name,
            case((e.c.with_patients, f.c.payload), else_=_without_patients()),
            f.c.occurred_at,
            instant("now"),
            instant("now"),
            case((e.c.state == "enabled", "pending"), else_="paused"),
        )
        .select_from(f)
        .join(e, or_(e.c.clinic_id.is_(None), e.c.clinic_id == f.c.clinic_id))
        .where(
            f.c.seq >= bindparam("first", type_=BigInteger()),
            f.c.seq <= bindparam("last", type_=BigInteger()),
            e.c.deleted_at.is_(None),
            wanted,
            ~is_removed,
        )
        # An endpoint that is disabled meanwhile gets what is paused, and nothing is left pending.
        .with_for_update(read=True, of=e)
    )
    return insert(webhook_deliveries).from_select(NAMES, rows).on_conflict_do_nothing()


STORE = Statement(_storing())


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """One delivery for each event and endpoint that wants to be told of it."""

    clock: Clock

    async def take(self, connection: asyncpg.Connection, events: Sequence[StoredEvent]) -> None:
        """Store them; again, it changes nothing."""
        first, last = events[0].seq, events[-1].seq
        await STORE.execute(connection, first=first, last=last, now=self.clock.now())
