"""A payment that is made, paid, given back in part and disputed at a provider, and its books.

What the books have to say is reckoned here from the provider's objects alone, by other words than
the program's: a charge, refunds, movements of a complaint.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.payments.emulators.loopback import Call, Cut, Delivery
from tests.payments.emulators.paypal import PayPalEmulator
from tests.payments.emulators.stripe import StripeEmulator
from tests.payments.own.house import Clinic, House
from tests.payments.test_payments_http import Made

KINDS = ("created", "paid", "refunded", "disputed")
OUTCOMES = ("open", "won", "lost")
BACK = 1000
"""Of 5,000, given back in the provider's own pages; the payer complains of the rest."""
LOOKS = 5
DUE = (
    "UPDATE payment_work SET due_at = now() - interval '1 minute', lease_until = NULL"
    " WHERE payment_id = $1 AND kind <> 'expire'"
)
"""Not the end of the payer's time: it looks, too, and perhaps between the capture and the rest."""
LEFT = """SELECT (SELECT count(*) FROM payment_events WHERE handled_at IS NULL) + (SELECT count(*)
 FROM payment_work WHERE payment_id = $1 AND due_at <= now())"""
BOOKS = {
    "appointment": "SELECT status, payment_status FROM appointments WHERE id = $1",
    "payments": """SELECT state, amount, currency, captured, claimed, captures, is_refundable,
 problem, version FROM payments WHERE appointment_id = $1""",
    "ledger": """SELECT kind, provider_id, charge_id, amount, currency FROM payment_ledger
 WHERE appointment_id = $1 ORDER BY kind, provider_id""",
    "refunds": """SELECT provider_id, charge_id, amount, currency, reason, state, problem
 FROM payment_refunds WHERE appointment_id = $1 ORDER BY provider_id""",
    "receipts": """SELECT kind, number, line_kind, provider_id, amount, currency, price_amount,
 deposit_amount, received_amount, corrects IS NULL AS is_first FROM receipts
 WHERE appointment_id = $1 ORDER BY number""",
    "matters": "SELECT kind, about, amount FROM payment_quarantine WHERE appointment_id = $1",
    "told": """SELECT name, payload ->> 'status' AS status, payload ->> 'version' AS version,
 payload ->> 'amount_refunded' AS amount_refunded, payload ->> 'refund_amount' AS refund_amount,
 payload ->> 'dispute' AS dispute FROM outbox WHERE payload ->> 'appointment_id' = $1::uuid::text
 AND name LIKE 'payment.%' ORDER BY n""",
    "confirmed": """SELECT count(*) FROM outbox WHERE name = 'booking.confirmed'
 AND payload ->> 'appointment_id' = $1::uuid::text""",
}
BY_LOOK = {"version", "status", "amount_refunded"}
"""What is told of a payment depends on what had happened when somebody looked."""


@dataclass
class History(ABC):
    """One booking and its payment; what happens at the provider happens in one order only."""

    house: House
    clinic: Clinic
    outcome: str
    booking: Made = field(default_factory=dict)
    payment: Made = field(default_factory=dict)
    reference: str = ""
    told: dict[str, list[Delivery]] = field(default_factory=dict)
    _calls: int = 0

    @property
    @abstractmethod
    def emulator(self) -> StripeEmulator | PayPalEmulator: ...

    @property
    @abstractmethod
    def hook(self) -> str: ...

    @property
    @abstractmethod
    def most_calls(self) -> int:
        """So often the provider may be asked in all, however often it tells something."""

    @abstractmethod
    async def _happens(self, kind: str) -> None: ...

    @abstractmethod
    def _decided(self) -> None: ...

    @abstractmethod
    def moved(self) -> Iterator[tuple[str, str, int]]:
        """The kind, the provider's name and the amount of all money that the provider moved."""

    async def begins(self) -> None:
        self.house.clock.pass_by(
            seconds=(datetime.now(UTC) - self.house.clock.now()).total_seconds()
        )
        self._calls = len(self.emulator.calls)
        self.booking, self.payment = await self.clinic.begins(self.hook)
        payment_id = UUID(self.payment["id"])
        (row,) = await self.house.sql("SELECT reference FROM payments WHERE id = $1", payment_id)
        self.reference = row["reference"]

    async def happens(self, *kinds: str) -> None:
        """What has happened already happens once."""
        for kind in kinds:
            if kind not in self.told:
                known = len(self.emulator.events())
                await self._happens(kind)
                self.told[kind] = self.emulator.events()[known:]

    def decided(self) -> None:
        """The complaint ends as it shall; the first time only."""
        if not self._is_decided and self.outcome != "open":
            known = len(self.emulator.events())
            self._decided()
            self.told["disputed"] += self.emulator.events()[known:]
        self._is_decided = True

    _is_decided: bool = False

    @property
    def calls(self) -> list[Call]:
        return self.emulator.calls[self._calls :]

    @property
    def deliveries(self) -> list[Delivery]:
        return [one for several in self.told.values() for one in several]

    async def is_done(self) -> bool:
        (row,) = await self.house.sql(LEFT, UUID(self.payment["id"]))
        return row[0] == 0

    async def books(self, *, without: Iterable[str] = ()) -> dict[str, list[dict[str, Any]]]:
        """All that was written, with the provider's ids by their meaning."""
        names = {name: f"the {kind}" for kind, name, _ in self.moved()}
        found: dict[str, list[dict[str, Any]]] = {}
        for what, query in BOOKS.items():
            rows = await self.house.sql(query, UUID(self.booking["id"]))
            found[what] = [
                {
                    name: names.get(value, value)
                    for name, value in row.items()
                    if what not in {"payments", "told"} or name not in set(without)
                }
                for row in rows
            ]
        return found

    async def is_as_the_provider_says(self) -> None:
        """Each line, document, event and status, and nothing else."""
        books = await self.books()
        moved = list(self.moved())
        names = {name: f"the {kind}" for kind, name, _ in moved}
        written = [(one["kind"], one["provider_id"], one["amount"]) for one in books["ledger"]]
        assert written == sorted((kind, names[name], amount) for kind, name, amount in moved)
        assert {(one["charge_id"], one["currency"]) for one in books["ledger"]} == {
            ("the charge", "EUR")
        }
        net = sum(amount for kind, _, amount in moved if kind != "dispute_fee")
        money = "paid" if net >= 5000 else "partially_paid" if net > 0 else "refunded"
        assert [*books["appointment"][0].values()] == ["confirmed", money]
        documents = [(one["kind"], one["number"], one["amount"]) for one in books["receipts"]]
        assert documents == [("receipt", 1, 5000), ("correction", 2, -BACK)]
        assert [one["received_amount"] for one in books["receipts"]] == [5000, 5000 - BACK]
        (refund,) = books["refunds"]
        assert (refund["amount"], refund["reason"], refund["state"]) == (
            BACK,
            "provider",
            "settled",
        )
        (payment,) = books["payments"]
        assert (payment["state"], payment["captured"], payment["claimed"]) == (
            "succeeded",
            5000,
            BACK,
        )
        assert payment["is_refundable"] is (self.outcome == "won")
        assert books["matters"] == []
        assert books["confirmed"] == [{"count": 1}]
        events = [one["name"] for one in books["told"]]
        assert [one for one in events if one != "payment.disputed"] == [
            "payment.succeeded",
            "payment.refunded",
        ]
        disputes = [one["dispute"] for one in books["told"] if one["name"] == "payment.disputed"]
        assert disputes in ([self.outcome], ["open", self.outcome])
        shown = await self.clinic.counter.paid(self.payment, self.booking["by"])
        status = "partially_refunded" if self.outcome == "won" else "disputed"
        assert (shown["status"], shown["dispute"]) == (status, self.outcome)

    async def is_kept_once(self) -> None:
        """Each event is stored once, and is about this payment."""
        rows = await self.house.sql(
            "SELECT event_id FROM payment_events WHERE payment_id = $1 AND handled_at IS NOT NULL",
            UUID(self.payment["id"]),
        )
        kept = sorted(row["event_id"] for row in rows)
        assert kept == sorted(one.id for one in self.deliveries)
        assert len(self.calls) <= self.most_calls, [one.what for one in self.calls]


class AtStripe(History):
    """Money moves when the payer pays."""

    @property
    def emulator(self) -> StripeEmulator:
        return self.house.platform

    @property
    def hook(self) -> str:
        return "stripe"

    @property
    def most_calls(self) -> int:
        """Making the session; then one look for each event at most, of four requests."""
        return 1 + 4 * len(self.deliveries)

    async def _happens(self, kind: str) -> None:
        match kind:
            case "created":
                intent = self.emulator._intent(self.emulator.sessions[self.reference])
                self.emulator._event("payment_intent.created", intent)
            case "paid":
                self.emulator.pay(self.reference)
            case "refunded":
                self.emulator.refund_in_dashboard(self.reference, BACK)
            case "disputed":
                self.emulator.dispute(self.reference, amount=5000 - BACK)

    def _decided(self) -> None:
        (dispute,) = self._disputes()
        self.emulator.close_dispute(dispute["id"], won=self.outcome == "won")

    def _disputes(self) -> list[dict[str, Any]]:
        intent = self.emulator.sessions[self.reference]["payment_intent"]
        return [one for one in self.emulator.disputes.values() if one["payment_intent"] == intent]

    def moved(self) -> Iterator[tuple[str, str, int]]:
        intent = self.emulator.sessions[self.reference]["payment_intent"]
        for charge in self.emulator.charges.values():
            if charge["payment_intent"] == intent and charge["paid"]:
                yield "charge", charge["id"], charge["amount_captured"]
        for refund in self.emulator.refunds.values():
            if refund["payment_intent"] == intent and refund["status"] == "succeeded":
                yield "refund", refund["id"], -refund["amount"]
        for dispute in self._disputes():
            for moved in dispute["balance_transactions"]:
                kind = "withdrawn" if moved["amount"] < 0 else "reinstated"
                yield f"dispute_{kind}", dispute["id"], moved["amount"]
                if moved["fee"]:
                    yield "dispute_fee", dispute["id"], -moved["fee"]
            if dispute["status"] == "lost":
                yield "dispute_lost", dispute["id"], 0


class AtPayPal(History):
    """Money moves when we capture. Of a history that nobody told us the answer to that was lost."""

    @property
    def emulator(self) -> PayPalEmulator:
        return self.house.paypal

    @property
    def hook(self) -> str:
        return "paypal"

    @property
    def most_calls(self) -> int:
        """A login, the certificate, making and capturing the order, and three looks at that.

        Then one look for each event at most: the order, its complaints, and one of these.
        """
        return 4 + 3 * (3 + len(self.deliveries))

    async def _happens(self, kind: str) -> None:
        match kind:
            case "created":
                self.emulator.approve(self.reference)
            case "paid":
                await self._captured()
            case "refunded":
                self.emulator.refund_in_dashboard(self.reference, "10.00")
            case "disputed":
                dispute_id = self.emulator.dispute(self.reference)
                self.emulator.move(dispute_id, "40.00")
                self.emulator.move(dispute_id, "16.00", reason="CHARGEBACK_FEE")

    @property
    def _is_completed(self) -> bool:
        return bool(self.emulator.orders[self.reference]["status"] == "COMPLETED")

    async def _captured(self) -> None:
        """Where no event was believed yet, a look finds that the payer agreed."""
        if not self._is_completed:
            self.house.line("paypal").misbehave(Cut(), on=f"POST .*{self.reference}/capture")
        for _ in range(LOOKS):
            if self._is_completed:
                return
            # What a look plans may wait behind a look that began before the payer agreed.
            await self.house.sql(DUE, UUID(self.payment["id"]))
            await self.house.api.container.payments.job().once()
        raise AssertionError("nobody captured what the payer agreed to")

    def _decided(self) -> None:
        (dispute,) = self._disputes()
        won = self.outcome == "won"
        favour = "RESOLVED_SELLER_FAVOUR" if won else "RESOLVED_BUYER_FAVOUR"
        self.emulator.resolve_dispute(dispute["dispute_id"], favour)
        if won:
            self.emulator.move(dispute["dispute_id"], "40.00", kind="CREDIT")

    @property
    def _capture(self) -> dict[str, Any]:
        (capture,) = self.emulator._captures(self.emulator.orders[self.reference])
        return capture

    def _disputes(self) -> list[dict[str, Any]]:
        return self.emulator._disputes_of(self._capture["id"])

    def moved(self) -> Iterator[tuple[str, str, int]]:
        unit = self.emulator.orders[self.reference]["purchase_units"][0]
        if "payments" not in unit:
            return
        yield "charge", self._capture["id"], _cents(self._capture)
        for refund in unit["payments"].get("refunds", ()):
            yield "refund", refund["id"], -_cents(refund)
        for dispute in self._disputes():
            for moved in dispute.get("money_movements", ()):
                if moved["reason"] == "CHARGEBACK_FEE":
                    yield "dispute_fee", dispute["dispute_id"], -_cents(moved)
                elif moved["type"] == "DEBIT":
                    yield "dispute_withdrawn", dispute["dispute_id"], -_cents(moved)
                else:
                    yield "dispute_reinstated", dispute["dispute_id"], _cents(moved)
            if "BUYER" in dispute.get("dispute_outcome", {}).get("outcome_code", ""):
                yield "dispute_lost", dispute["dispute_id"], 0


def _cents(told: Made) -> int:
    return round(float(told["amount"]["value"]) * 100)


AT = {"stripe": AtStripe, "paypal": AtPayPal}
