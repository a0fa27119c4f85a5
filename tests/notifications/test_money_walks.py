"""Bookings and their money go through anything, in any order: what is said of it holds at the end.

Each walk has a seed. What was handed over is held against what was so at that moment, and at the
end everything that happened to money has been told once.
"""

import random
from collections import Counter as Counted
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from booking_system.notifications.domain.letter import Email, Sms
from tests.api import START, Api, Person
from tests.notifications.conftest import reachable
from tests.notifications.office import Office
from tests.notifications.test_money import LATER, NO_NIGHT, Scene, fail_the_refund
from tests.payments.test_payments_http import DEPOSIT, Made

STANDS = """SELECT a.status, EXISTS (SELECT FROM payments p WHERE p.appointment_id = a.id
  AND p.state = 'processing') AS is_on_its_way,
 (SELECT m.recipient_key FROM message_ledger m WHERE m.id = $2) AS key,
 (SELECT r.state FROM payment_refunds r WHERE r.id = (SELECT CASE WHEN m.kind LIKE 'refund%'
  THEN split_part(m.recipient_key, ':', 2)::uuid END FROM message_ledger m WHERE m.id = $2))
  AS refund
 FROM appointments a WHERE a.id = $1"""
CAME = """SELECT p.id::text, min(l.recorded_at) FROM payments p JOIN payment_ledger l
 ON l.payment_id = p.id AND l.kind IN ('charge', 'desk_payment')
 WHERE p.appointment_id = $1 GROUP BY p.id"""
REFUNDS = "SELECT id::text, state FROM payment_refunds WHERE appointment_id = $1"
MATTERS = "SELECT id::text FROM payment_quarantine WHERE appointment_id = $1"
CONFIRMED = """SELECT max(occurred_at) FROM appointment_history
 WHERE appointment_id = $1 AND action = 'confirmed'"""
ROWS = """SELECT kind, state, reason, recipient_key, revision, ended_at FROM message_ledger
 WHERE appointment_id = $1"""
SENT = ("sent", "delivered")
TRUE_IN = {
    "payment_request": {"pending_payment"},
    "payment_reminder": {"pending_payment"},
    "payment_expired": {"expired"},
    "payment_late": {"expired"},
    "confirmation": {"confirmed", "checked_in"},
}
SHORT, LONG = 12, 300
STEPS = 14


class Walk:
    """One booking, what happens to it, and what is written meanwhile."""

    def __init__(self, scene: Scene, booking: Made, desk: Person, chance: random.Random) -> None:
        self.scene, self.booking, self.desk, self.chance = scene, booking, desk, chance
        self.counter, self.office = scene.counter, scene.office
        self.payments: list[Made] = []
        self.wrong: list[str] = []
        self.now = timedelta(0)

    @property
    def id(self) -> UUID:
        return UUID(self.booking["id"])

    async def looks(self, letter: Email | Sms) -> None:
        """Note what is handed over although it is not so. Nothing that is raised here is heard."""
        kind = letter.text.partition(" ")[0]
        (row,) = await self.scene.sql(STANDS, self.id, letter.id)
        if row["status"] not in TRUE_IN.get(kind, {row["status"]}):
            self.wrong.append(f"{kind} while {row['status']}")
        if kind in {"payment_request", "payment_reminder"} and row["is_on_its_way"]:
            self.wrong.append(f"{kind} while money is on its way")
        if kind == "refund" and row["refund"] != "settled":
            self.wrong.append(f"refund while {row['refund']}")

    async def step(self) -> str:
        deeds: list[Callable[[], Awaitable[Any]]] = [
            self.begin,
            *[self.play] * 4,
            *[self.expire] * 2,
            self.rival,
            self.cancel,
            self.move,
            self.at_desk,
            self.refund,
            self.refund_fails,
            *[self.write] * 3,
            self.plan,
        ]
        deed = self.chance.choice(deeds)
        await deed()
        return deed.__name__

    async def begin(self) -> None:
        path = f"/v1/bookings/{self.booking['id']}/payments"
        answer = await self.counter.api.post(path, {"provider": "sandbox"}, self.scene.patient)
        if answer.status_code == 201:
            self.payments.append(answer.json())

    async def play(self) -> None:
        if not self.payments:
            await self.begin()
        deeds = ["pay", "pay", "begin", "settle", "fail", "end", "pay_late", "pay_again"]
        if self.payments:
            await self.counter.play(self.chance.choice(self.payments), self.chance.choice(deeds))

    async def expire(self) -> None:
        await self.counter.time_goes_by(self.booking)
        await self.counter.api.container.booking.expire_unpaid()()

    async def rival(self) -> None:
        """Somebody else takes its time, if that can be had."""
        slot, service = self.counter.slots[0], self.counter.service["id"]
        await self.counter.api.book(slot, await self.counter.api.patient(), service_id=service)

    async def cancel(self) -> None:
        if self.chance.random() < 0.4:
            by = self.chance.choice([self.scene.patient, self.desk])
            path = f"/v1/bookings/{self.booking['id']}/cancel"
            await self.counter.api.post(path, {"reason": "Ill"}, by)

    async def move(self) -> None:
        slot = {"time_slot_id": self.chance.choice(self.counter.slots)["id"]}
        path = f"/v1/bookings/{self.booking['id']}/reschedule"
        await self.counter.api.post(path, slot, self.scene.patient)

    async def at_desk(self) -> None:
        path = f"/v1/bookings/{self.booking['id']}/desk-payments"
        body = {"method": "cash", "amount": self.chance.choice([500, 1500])}
        await self.counter.api.post(path, body, self.desk)

    async def refund(self) -> None:
        if self.payments:
            payment = self.chance.choice(self.payments)
            path = f"/v1/payments/{payment['id']}/refunds"
            await self.counter.api.post(path, {"amount": 100, "reason": "Late"}, self.desk)
            await self.counter.work()

    async def refund_fails(self) -> None:
        for payment in self.payments:
            shown = await self.counter.paid(payment, self.desk)
            if any(one["state"] == "settled" for one in shown["refunds"]):
                await fail_the_refund(self.scene, payment)
                return

    async def plan(self) -> None:
        await self.office.plan()

    async def write(self) -> None:
        self.now += timedelta(minutes=self.chance.choice([0, 1, 2, 4]))
        self.office.clock.shift = self.now
        await self.office.work()

    async def ends(self) -> None:
        """All is worked off, and everything that is due is written."""
        for turn in range(4):
            await self.counter.work()
            self.office.clock.shift = self.now + LATER + turn * timedelta(minutes=2)
            await self.office.work()

    async def faults(self) -> list[str]:
        rows = await self.scene.sql(ROWS, self.id)
        found = [*self.wrong]
        sent = Counted((row["kind"], row["recipient_key"]) for row in rows if row["state"] in SENT)
        keys = Counted(
            (row["kind"], row["recipient_key"], row["revision"])
            for row in rows
            if row["state"] in SENT
        )
        found += [f"{key} was sent {count} times" for key, count in keys.items() if count > 1]
        (confirmed,) = await self.scene.sql(CONFIRMED, self.id)
        told_at = [
            r["ended_at"] for r in rows if r["kind"] == "confirmation" and r["state"] in SENT
        ]
        for identity, came_at in await self.scene.sql(CAME, self.id):
            receipts = [
                row["ended_at"]
                for row in rows
                if (row["kind"], row["recipient_key"]) == ("payment_receipt", f"patient:{identity}")
                and row["state"] in SENT
            ]
            is_confirming = confirmed[0] is not None and came_at <= confirmed[0]
            if is_confirming and receipts and told_at and receipts[0] > told_at[0]:
                found.append(f"payment {identity} was told once more behind the confirmation")
            key = f"patient:{identity}"
            ways = [
                sent["payment_receipt", key] > 0,
                sent["payment_late", key] > 0,
                sent["confirmation", "patient"] > 0
                and any(
                    row["recipient_key"] == key and row["reason"] == "told_with_confirmation"
                    for row in rows
                ),
            ]
            was_retaken = any(
                row["kind"] == "payment_late" and row["state"] == "withdrawn" for row in rows
            )
            if sum(ways) != 1 and not was_retaken:
                found.append(f"payment {identity} was told {ways}")
        for identity, state in await self.scene.sql(REFUNDS, self.id):
            told = sent["refund", f"patient:{identity}"]
            corrected = sent["refund_failed", f"patient:{identity}"]
            if told > 1 or (state == "settled" and not told):
                found.append(f"refund {identity}, {state}, was told {told} times")
            if corrected != (state == "failed"):
                found.append(f"refund {identity}, {state}, was corrected {corrected} times")
        for (identity,) in await self.scene.sql(MATTERS, self.id):
            if sent["matter_notice", f"clinic:{identity}"] > 1:
                found.append("a matter was told twice")
        found += [
            f"{row['kind']} is left {row['state']}"
            for row in rows
            if row["state"] in {"claimed", "sending", "unknown"}
            or (row["state"] == "planned" and row["kind"] != "reminder")
        ]
        return found


@pytest.mark.parametrize(
    "count",
    [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.proof)],
)
async def test_what_is_said_of_money_holds_in_walks(api: Api, office: Office, count: int) -> None:
    scene = await Scene.open(api, office, deposit=DEPOSIT)
    desk = await api.receptionist(scene.counter.clinic["id"])
    doctor = {"id": scene.counter.slots[0]["doctor_id"]}
    kinds = Counted[str]()
    for seed in range(count):
        chance = random.Random(seed)
        start = START + timedelta(days=1, hours=2 * seed)
        scene.counter.slots = await api.slots(doctor, 3, start=start)
        scene.patient = await reachable(api)
        await scene.sql(NO_NIGHT, scene.patient.patient_id)
        office.email.arrived.clear()
        office.sms.arrived.clear()
        walk = Walk(scene, await scene.booked(), desk, chance)
        office.email.on_write = office.sms.on_write = walk.looks
        story = [await walk.step() for _ in range(STEPS)]
        await walk.ends()
        assert await walk.faults() == [], (seed, story)
        kinds.update([*office.email.kinds, *office.sms.kinds])
    assert kinds.keys() >= {"payment_request", "payment_expired", "payment_receipt", "refund"}
