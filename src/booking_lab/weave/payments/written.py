"""What is written of money at one moment, as a stranger reads it, and what is awaited still."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from booking_lab.weave.seen import Row, Seen
from booking_system.payments.adapters.following import CHANGING, CONSUMER

PAYMENTS = """SELECT id, appointment_id, provider, amount, state, reference, captured, captures,
 version FROM payments ORDER BY id"""
LINES = """SELECT id, kind, appointment_id, payment_id, provider, account_key, provider_id,
 charge_id, amount FROM payment_ledger ORDER BY id"""
REFUNDS = """SELECT id, payment_id, appointment_id, charge_id, amount, reason, state
 FROM payment_refunds ORDER BY payment_id, id"""
MATTERS = """SELECT payment_id, appointment_id, kind, amount FROM payment_quarantine
 WHERE resolved_at IS NULL ORDER BY payment_id, kind, about"""
RECEIPTS = """SELECT year, number, provider, provider_id, line_kind, amount FROM receipts
 ORDER BY year, number"""
EVENTS = """SELECT name, payload ->> 'payment_id' AS payment_id,
 payload ->> 'refund_id' AS refund_id
 FROM (SELECT name, payload FROM outbox UNION ALL SELECT name, payload FROM event_feed) told
 WHERE name LIKE 'payment.%'"""
AWAITED = """SELECT (payload ->> 'appointment_id')::uuid AS id FROM outbox WHERE name = ANY($1)
 UNION SELECT (payload ->> 'appointment_id')::uuid FROM event_feed WHERE name = ANY($1)
 AND seq > (SELECT seq FROM feed_consumers WHERE name = $2)
 UNION SELECT p.appointment_id FROM payment_work w JOIN payments p ON p.id = w.payment_id
 WHERE w.kind = 'settle'"""
IN, BACK = frozenset({"charge", "desk_payment"}), frozenset({"refund", "refund_returned",
                                                             "desk_refund"})  # fmt: skip
LIVE = frozenset({"creating", "open", "closing", "processing"})
UNDER_WAY = frozenset({"asked", "pending"})
TAKES_PLACE = frozenset({"pending_payment", "confirmed", "checked_in", "completed"})


class Sums(NamedTuple):
    """Of one appointment, in minor units."""

    came: int
    back: int
    under_way: int
    for_people: int
    by_hand: int
    """The part of it that was never on its way."""

    @property
    def net(self) -> int:
        """What it has of its patient's money."""
        return self.came - self.back


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of payments, and what was seen of booking at the same moment.

    `awaited` are appointments that were changed, and whose money is to follow.
    """

    seen: Seen
    payments: Mapping[UUID, Row]
    lines: tuple[Row, ...]
    refunds: Mapping[UUID, Row]
    matters: tuple[Row, ...]
    receipts: tuple[Row, ...]
    events: tuple[Row, ...]
    awaited: frozenset[UUID]

    def sums(self, appointment_id: UUID) -> Sums:
        """Add up."""
        lines = [one for one in self.lines if one["appointment_id"] == appointment_id]
        matters = [one for one in self.matters if one["appointment_id"] == appointment_id]
        return Sums(
            came=sum(one["amount"] for one in lines if one["kind"] in IN),
            back=-sum(one["amount"] for one in lines if one["kind"] in BACK),
            under_way=sum(
                one["amount"]
                for one in self.refunds.values()
                if one["appointment_id"] == appointment_id and one["state"] in UNDER_WAY
            ),
            for_people=sum(one["amount"] for one in matters),
            by_hand=sum(one["amount"] for one in matters if one["kind"] == "refund_by_hand"),
        )

    def told(self) -> Iterator[str]:
        """Yield a line for each row, in which nothing is left to chance."""
        for row in self.payments.values():
            about = (row["provider"], row["amount"], row["state"], row["reference"], row["version"])
            yield f"payment: {about}"
        for row in sorted(self.lines, key=lambda one: (one["provider"], one["provider_id"])):
            yield f"line: {row['kind']} {row['provider_id']} {row['amount']}"
        for row in self.receipts:
            yield f"receipt {row['number']}: {row['provider_id']} {row['amount']}"
        for row in self.refunds.values():
            yield f"refund: {row['reason']} {row['amount']} {row['state']}"
        yield f"matters: {[(one['kind'], one['amount']) for one in self.matters]}"


async def written(eyes: asyncpg.Connection, seen: Seen) -> Written:
    """Read all of it."""
    awaited = await eyes.fetch(AWAITED, sorted(CHANGING), CONSUMER)
    return Written(
        seen,
        {row["id"]: row for row in await eyes.fetch(PAYMENTS)},
        tuple(await eyes.fetch(LINES)),
        {row["id"]: row for row in await eyes.fetch(REFUNDS)},
        tuple(await eyes.fetch(MATTERS)),
        tuple(await eyes.fetch(RECEIPTS)),
        tuple(await eyes.fetch(EVENTS)),
        frozenset(row["id"] for row in awaited),
    )


def kept_of(visit: Row, cancelled_at: datetime | None, late: Mapping[str, int]) -> int:
    """Return what an appointment may keep of its patient's money, in minor units.

    `late` are the clinic's terms: minutes before the start, and percents.
    """
    price: int = visit["price_amount"] or 0
    if visit["status"] in TAKES_PLACE:
        return price
    if visit["status"] == "no_show":
        return price * late["no_show_percent"] // 100
    if visit["status"] != "cancelled" or visit["cancelled_by"] != "patient":
        return 0
    assert cancelled_at is not None, "somebody saw it being cancelled"
    minutes = (visit["starts_at"] - cancelled_at).total_seconds() / 60
    return price * late["percent"] // 100 if minutes < late["minutes"] else 0


def status_of(visit: Row, sums: Sums) -> str:
    """Return what has to be shown of its money."""
    if sums.came == 0:
        return "unpaid" if visit["price_amount"] else "not_required"
    if visit["status"] in TAKES_PLACE:
        if sums.net >= (visit["price_amount"] or 0):
            return "paid"
        return "partially_paid" if sums.net > 0 else "refunded"
    if sums.net <= 0:
        return "refunded"
    return "partially_refunded" if sums.back > 0 else "paid"
