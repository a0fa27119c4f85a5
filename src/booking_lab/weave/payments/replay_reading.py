"""Reads rows, and what providers keep, in the words of the model of money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from booking_lab.weave import scene
from booking_lab.weave.deeds import PAID_FOR
from booking_lab.weave.payments.account_books import CARD, AccountBooks
from booking_lab.weave.payments.states import MOMENTS, Back, Desk, State, Try
from booking_lab.weave.scene import BEGIN, MINUTE, PATIENTS, SLOTS
from booking_lab.weave.seen import Row

PAYER, RIVAL, SLOT = 0, 1, SLOTS[0]
VISIT = """SELECT id, status, pay_by, payment_status, price_amount, service_id, cancelled_by,
 updated_at FROM appointments WHERE patient_id = $1"""
HISTORY = """SELECT occurred_at FROM appointment_history
 WHERE appointment_id = $1 AND action = 'cancelled'"""
SLOT_ROW = "SELECT hold_id, held_until FROM time_slots WHERE id = $1"
PAYMENTS = """SELECT id, provider, amount, window_end, state, reference FROM payments ORDER BY id"""
LINES = "SELECT payment_id, kind, amount FROM payment_ledger"
REFUNDS = "SELECT id, payment_id, amount, reason, state FROM payment_refunds ORDER BY id"
MATTERS = "SELECT kind, about, amount FROM payment_quarantine WHERE resolved_at IS NULL"


@dataclass(slots=True)
class Names:
    """By which ids to name what there is."""

    visit: UUID | None
    tries: list[UUID]
    backs: list[list[UUID]]
    desk: UUID | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One look; `both` are the accounts by their providers, `now` is what the clock shows."""

    driver: asyncpg.Connection
    both: Mapping[str, AccountBooks]
    now: datetime

    async def __call__(self) -> tuple[State, Names]:
        """Read rows and the providers' books."""
        visit = await self.driver.fetchrow(VISIT, PATIENTS[PAYER])
        if visit is None:
            return State(), Names(None, [], [], None)
        has_rival = await self.driver.fetchrow(VISIT, PATIENTS[RIVAL]) is not None
        rows = await self.driver.fetch(PAYMENTS)
        lines, refunds = await self.driver.fetch(LINES), await self.driver.fetch(REFUNDS)
        matters = await self.driver.fetch(MATTERS)
        open_ones = {one["about"] for one in matters if one["kind"] == "refund_failed"}
        tries, names = list[Try](), Names(visit["id"], [], [], None)
        for row in rows:
            if row["provider"] == "desk":
                names.desk = row["id"]
                continue
            backs = self._backs(row, refunds, open_ones)
            names.tries.append(row["id"])
            names.backs.append([identity for _, identity in backs])
            tries.append(self._try(row, lines, tuple(back for back, _ in backs)))
        state = State(
            now=(self.now - BEGIN) // MINUTE,
            kind=next(name for name, one in PAID_FOR.items() if one == visit["service_id"]),
            status=visit["status"],
            pay_by=_minute(visit["pay_by"]),
            kept_until=await self._kept_until(visit),
            has_rival=has_rival,
            fee=await self._fee(visit),
            tries=tuple(tries),
            desk=_desk(lines),
            last=self._last(names.tries),
            by_hand=sum(one["amount"] for one in matters if one["kind"] == "refund_by_hand"),
            shown=visit["payment_status"],
        )
        return state, names

    def _try(self, row: Row, lines: Sequence[Row], backs: tuple[Back, ...]) -> Try:
        sessions = self.both[row["provider"]].sessions.values()
        stages = [one.stage.value for one in sessions if one.our_id == str(row["id"])]
        window = _minute(row["window_end"])
        return Try(
            way="card" if row["provider"] == CARD.provider else "order",
            amount=row["amount"],
            window=None if window is None or window > MOMENTS[-1] else window,
            state=row["state"],
            stage=stages[0] if stages else "",
            is_known=row["reference"] is not None,
            has_come=any(
                (one["payment_id"], one["kind"]) == (row["id"], "charge") for one in lines
            ),
            backs=backs,
        )

    def _backs(
        self, row: Row, refunds: Sequence[Row], open_ones: set[str]
    ) -> list[tuple[Back, UUID]]:
        there = {
            refund.our_id
            for seen in self.both[row["provider"]].sessions.values()
            for refund in seen.refunds
        }
        return sorted(
            (
                Back(
                    amount=one["amount"],
                    reason=one["reason"],
                    state=one["state"],
                    is_there=str(one["id"]) in there,
                    is_open=str(one["id"]) in open_ones,
                ),
                one["id"],
            )
            for one in refunds
            if one["payment_id"] == row["id"]
        )

    def _last(self, payments: Sequence[UUID]) -> int:
        charges = [
            (charge.settled_at, charge.id, payments.index(UUID(seen.our_id)))
            for one in self.both.values()
            for seen in one.sessions.values()
            for charge in seen.charges
            if seen.our_id is not None
        ]
        return max(charges)[2] if len(charges) > 1 else 0

    async def _kept_until(self, visit: Row) -> int | None:
        slot = await self.driver.fetchrow(SLOT_ROW, SLOT)
        is_kept = slot["hold_id"] == visit["id"] and slot["held_until"] > self.now
        return _minute(slot["held_until"]) if is_kept and visit["status"] == "expired" else None

    async def _fee(self, visit: Row) -> int:
        """What it costs is not stored: by whom, when and on which terms it was cancelled is."""
        if visit["cancelled_by"] != "patient":
            return 0
        cancelled_at = await self.driver.fetchval(HISTORY, visit["id"])
        is_late = scene.MORNING - cancelled_at < scene.LATE_CANCEL
        return visit["price_amount"] * scene.LATE_PERCENT // 100 if is_late else 0


def _minute(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - BEGIN) // MINUTE


def _desk(lines: Sequence[Row]) -> tuple[Desk, ...]:
    came = sum(one["amount"] for one in lines if one["kind"] == "desk_payment")
    back = -sum(one["amount"] for one in lines if one["kind"] == "desk_refund")
    return (Desk(came, back),) if came else ()
