"""A provider in memory, which keeps what it promises and misbehaves on command."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from booking_system.payments.application.provider_port import (
    Checkout,
    CheckoutAsked,
    Hint,
    Provider,
    ProviderBusy,
    ProviderRefused,
    ProviderUnsure,
    RefundAsked,
)
from booking_system.payments.domain.sighting import (
    Account,
    Charge,
    DisputeStage,
    RefundStage,
    SeenDispute,
    SeenRefund,
    Sighting,
    Stage,
)
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import ClinicId
from booking_system.shared_kernel.money import Money

LOST_BEFORE = "the question is lost: nothing is done, and nobody knows"
LOST_AFTER = "the answer is lost: it is done, and nobody knows"
BUSY = "it asks for patience"
REFUSED = "it refuses"
DECLINED = "the payer's means are declined"


@dataclass
class ScriptedProvider:
    """One account. `script` says of each method how its next calls go wrong; else all goes well.

    Any call while the caller holds a connection of the database fails, as with a real
    provider.
    """

    account: Account
    clock: Clock
    sessions: dict[str, Sighting] = field(default_factory=dict)
    asked: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    script: dict[str, deque[str]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    meanwhile: Callable[[str], Any] | None = None
    instant_refunds: bool = True
    count: int = 0

    def goes_wrong(self, method: str, *how: str) -> None:
        self.script.setdefault(method, deque()).extend(how)

    def called(self, method: str) -> list[str]:
        """The keys and references that a method was called with."""
        return [about for name, about in self.calls if name == method]

    async def _call(self, method: str, about: str, work: Callable[[], Any]) -> Any:
        with waiting_elsewhere():
            self.calls.append((method, about))
            how = self.script[method].popleft() if self.script.get(method) else ""
            await asyncio.sleep(0)
            if how == LOST_BEFORE:
                raise ProviderUnsure
            if how == BUSY:
                raise ProviderBusy(7)
            if how in {REFUSED, DECLINED}:
                raise ProviderRefused("scripted", is_payer=how == DECLINED)
            done = work()
            if self.meanwhile is not None:
                await self.meanwhile(method)
            if how == LOST_AFTER:
                raise ProviderUnsure
            return done

    def _once(self, key: str, parameters: Any, work: Callable[[], Any]) -> Any:
        if key not in self.asked:
            self.asked[key] = (parameters, work())
        known, answer = self.asked[key]
        assert known == parameters, "the same key with other parameters"
        return answer

    def _next(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"

    async def create(self, asked: CheckoutAsked) -> Checkout:
        def work() -> str:
            reference = self._next("cs")
            self.sessions[reference] = Sighting(
                account=self.account,
                reference=reference,
                our_id=asked.our_id,
                amount=asked.amount,
                stage=Stage.OPEN,
                checkout_url=f"https://pay.example.com/{reference}",
                ends_at=asked.ends_at,
            )
            return reference

        def once() -> Checkout:
            reference = self._once(asked.key, asked, work)
            return Checkout(
                reference=reference,
                ends_at=asked.ends_at,
                checkout_url=f"https://pay.example.com/{reference}",
            )

        done: Checkout = await self._call("create", asked.key, once)
        return done

    async def find(self, asked: CheckoutAsked) -> Sighting | None:
        def work() -> Sighting | None:
            found = [one for one in self.sessions.values() if one.our_id == asked.our_id]
            return found[0] if found else None

        done: Sighting | None = await self._call("find", asked.our_id, work)
        return done

    async def read(self, reference: str) -> Sighting:
        seen: Sighting = await self._call("read", reference, lambda: self.sessions[reference])
        return seen

    async def end(self, reference: str) -> Sighting:
        def work() -> Sighting:
            if self.account.provider != "paypal" and self.stage(reference) is Stage.OPEN:
                self.set(reference, stage=Stage.ENDED)
            return self.sessions[reference]

        seen: Sighting = await self._call("end", reference, work)
        return seen

    async def capture(self, reference: str, *, key: str) -> Sighting:
        def work() -> None:
            assert self.stage(reference) is Stage.APPROVED
            self.pay(reference)

        def once() -> Sighting:
            if self.stage(reference) is not Stage.PAID:
                self._once(key, reference, work)
            return self.sessions[reference]

        seen: Sighting = await self._call("capture", key, once)
        return seen

    async def refund(self, asked: RefundAsked) -> SeenRefund:
        def work() -> str:
            self._check_room(asked.reference, asked.charge_id, asked.amount.amount)
            stage = RefundStage.SETTLED if self.instant_refunds else RefundStage.PENDING
            return self._add_refund(
                asked.reference, asked.charge_id, asked.amount, stage, asked.our_id
            )

        def once() -> SeenRefund:
            name = self._once(asked.key, asked, work)
            refunds = self.sessions[asked.reference].refunds
            return next(one for one in refunds if one.id == name)

        seen: SeenRefund = await self._call("refund", asked.key, once)
        return seen

    async def hint(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Hint:
        event_id, reference = body.decode().split()
        return Hint(event_id, "changed", self.account.is_live, reference=reference)

    # What payers and the provider's own people do.

    def stage(self, reference: str) -> Stage:
        return self.sessions[reference].stage

    def set(self, reference: str, **about: Any) -> None:
        self.sessions[reference] = replace(self.sessions[reference], **about)

    def pay(self, reference: str) -> None:
        seen = self.sessions[reference]
        charge = Charge(self._next("ch"), seen.amount, self.clock.now())
        self.set(reference, stage=Stage.PAID, charges=(*seen.charges, charge))

    def _check_room(self, reference: str, charge_id: str, amount: int) -> None:
        seen = self.sessions[reference]
        charge = next(one for one in seen.charges if one.id == charge_id)
        gone = sum(
            one.amount.amount
            for one in seen.refunds
            if one.charge_id == charge_id and one.stage is not RefundStage.FAILED
        )
        if not charge.is_refundable:
            raise ProviderRefused("charge_disputed")
        if gone + amount > charge.amount.amount:
            raise ProviderRefused("more_than_charged")

    def _add_refund(
        self, reference: str, charge_id: str, money: Money, stage: RefundStage, ours: str | None
    ) -> str:
        name = self._next("re")
        refund = SeenRefund(name, charge_id, money, stage, self.clock.now(), ours)
        self.set(reference, refunds=(*self.sessions[reference].refunds, refund))
        return name

    def refund_there(self, reference: str, amount: int) -> None:
        """In the provider's own pages."""
        charge = self.sessions[reference].charges[0]
        self._check_room(reference, charge.id, amount)
        money = Money(amount, charge.amount.currency)
        self._add_refund(reference, charge.id, money, RefundStage.SETTLED, None)

    def refund_becomes(self, reference: str, stage: RefundStage, number: int = -1) -> None:
        refunds = list(self.sessions[reference].refunds)
        refunds[number] = replace(refunds[number], stage=stage, problem="scripted")
        self.set(reference, refunds=tuple(refunds))

    def dispute(self, reference: str, stage: DisputeStage, *, fee: int = 0) -> None:
        seen = self.sessions[reference]
        charge = seen.charges[0]
        currency = charge.amount.currency
        gone = sum(one.amount.amount for one in seen.refunds if one.stage is not RefundStage.FAILED)
        known = seen.disputes[0] if seen.disputes else None
        taken = known.withdrawn.amount if known else charge.amount.amount - gone
        if stage is DisputeStage.INQUIRY:
            taken = 0
        if known is None or known.stage is DisputeStage.INQUIRY:
            taken = 0 if stage is DisputeStage.INQUIRY else charge.amount.amount - gone
        dispute = SeenDispute(
            f"dp_{reference}",
            charge.id,
            stage,
            Money(taken, currency),
            Money(fee, currency),
            self.clock.now(),
        )
        free = replace(charge, is_refundable=stage is DisputeStage.WON)
        self.set(reference, disputes=(dispute,), charges=(free, *seen.charges[1:]))


@dataclass
class ScriptedProviders:
    """The accounts that there are."""

    known: list[ScriptedProvider]

    async def chosen(self, provider: str, clinic_id: ClinicId) -> Provider | None:
        return next((one for one in self.known if one.account.provider == provider), None)

    async def of(self, account: Account) -> Provider | None:
        return next((one for one in self.known if one.account == account), None)
