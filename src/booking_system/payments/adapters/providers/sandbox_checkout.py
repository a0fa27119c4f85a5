"""A checkout where nobody pays: what can happen to it, without any place that keeps it.

It does what providers do, at the wish of the person who tries it: money comes at once, later, too
late, or twice; a card is declined; a refund waits and fails.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from booking_system.payments.application.provider_port import (
    CheckoutAsked,
    ProviderRefused,
    RefundAsked,
)
from booking_system.payments.domain.sighting import (
    Account,
    Charge,
    RefundStage,
    SeenRefund,
    Sighting,
    Stage,
)
from booking_system.shared_kernel.money import Money


class SandboxState(StrEnum):
    """Where a checkout stands, without the money that came by it."""

    OPEN = "open"
    PROCESSING = "processing"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SandboxCharge:
    """Money that did not come from anybody; `at` in UTC."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRefund:
    """Money that goes back to nobody; `at` in UTC."""

    id: str
    our_id: str | None
    charge_id: str
    amount: int
    stage: RefundStage
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxCheckout:
    """One checkout. Every method returns another, or raises `ProviderRefused`."""

    reference: str
    key: str
    our_id: str
    amount: int
    currency: str
    title: str
    language: str
    return_url: str
    cancel_url: str
    ends_at: datetime
    state: SandboxState = SandboxState.OPEN
    declined: int = 0
    charges: tuple[SandboxCharge, ...] = ()
    refunds: tuple[SandboxRefund, ...] = ()

    @classmethod
    def of(cls, asked: CheckoutAsked) -> Self:
        """Return the checkout that is asked for; the same for the same."""
        return cls(
            reference=f"sandbox_{asked.our_id}",
            key=asked.key,
            our_id=asked.our_id,
            amount=asked.amount.amount,
            currency=asked.amount.currency,
            title=asked.title,
            language=asked.language,
            return_url=asked.return_url,
            cancel_url=asked.cancel_url,
            ends_at=asked.ends_at,
        )

    def paid(self, now: datetime) -> Self:
        """The payer pays. Only while it is open and in time."""
        self._refuse_unless_open(now)
        return self._with_money(now)

    def paid_again(self, now: datetime) -> Self:
        """The same money comes once more, as from a second tab."""
        if not self.charges:
            raise ProviderRefused("not_paid")
        return self._with_money(now)

    def paid_late(self, now: datetime) -> Self:
        """Money comes although it is over."""
        if self.charges or self._stage(now) is Stage.OPEN:
            raise ProviderRefused("not_over")
        return self._with_money(now)

    def declined_once(self, now: datetime) -> Self:
        """The payer's card is declined; they may try another."""
        self._refuse_unless_open(now)
        return replace(self, declined=self.declined + 1)

    def begun(self, now: datetime) -> Self:
        """The payer pays in a way that takes days."""
        self._refuse_unless_open(now)
        return replace(self, state=SandboxState.PROCESSING)

    def settled(self, now: datetime, *, succeeds: bool) -> Self:
        """What began comes to its end."""
        if self.state is not SandboxState.PROCESSING or self.charges:
            raise ProviderRefused("not_processing")
        if succeeds:
            return self._with_money(now)
        return replace(self, state=SandboxState.FAILED)

    def ended(self) -> Self:
        """Nobody may pay any more; what is paid or under way stays."""
        is_open = self.state is SandboxState.OPEN and not self.charges
        return replace(self, state=SandboxState.ENDED) if is_open else self

    def refunded(self, asked: RefundAsked, now: datetime) -> Self:
        """Give money back, once for the same id of ours."""
        if self.refund_of(asked.our_id) is not None:
            return self
        return self._with_refund(asked.charge_id, asked.amount, asked.our_id, now)

    def refunded_by_hand(self, charge_id: str, amount: Money, now: datetime) -> Self:
        """Give money back as staff do in a provider's own pages."""
        return self._with_refund(charge_id, amount, None, now)

    def refund_failed(self, refund_id: str) -> Self:
        """A refund comes back."""
        found = [replace(one, stage=RefundStage.FAILED) for one in self.refunds]
        turned = {one.id: one for one in found if one.id == refund_id}
        if not turned:
            raise ProviderRefused("no_such_refund")
        return replace(self, refunds=tuple(turned.get(one.id, one) for one in self.refunds))

    def refund_of(self, our_id: str) -> SandboxRefund | None:
        """Return the refund with an id of ours."""
        return next((one for one in self.refunds if one.our_id == our_id), None)

    def sighting(self, account: Account, page: str, now: datetime) -> Sighting:
        """Return it as the port has it; `page` is where the payer pays."""
        stage = self._stage(now)
        return Sighting(
            account=account,
            reference=self.reference,
            our_id=self.our_id,
            amount=Money(self.amount, self.currency),
            stage=stage,
            charges=tuple(
                Charge(one.id, Money(self.amount, self.currency), one.at, self._rest(one.id) > 0)
                for one in self.charges
            ),
            refunds=tuple(map(self.seen, self.refunds)),
            checkout_url=page if stage is Stage.OPEN else None,
            ends_at=self.ends_at,
        )

    def seen(self, refund: SandboxRefund) -> SeenRefund:
        """Return a refund as the port has it."""
        return SeenRefund(
            id=refund.id,
            charge_id=refund.charge_id,
            amount=Money(refund.amount, self.currency),
            stage=refund.stage,
            seen_at=refund.at,
            our_id=refund.our_id,
            problem="failed" if refund.stage is RefundStage.FAILED else None,
        )

    def document(self) -> dict[str, Any]:
        """Return what `read` makes it of again; all values are JSON's, instants in ISO 8601."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Return the checkout of a document."""
        moment = datetime.fromisoformat
        return cls(
            **{
                **document,
                "ends_at": moment(document["ends_at"]),
                "state": SandboxState(document["state"]),
                "charges": tuple(
                    SandboxCharge(one["id"], moment(one["at"])) for one in document["charges"]
                ),
                "refunds": tuple(
                    SandboxRefund(
                        **{**one, "stage": RefundStage(one["stage"]), "at": moment(one["at"])}
                    )
                    for one in document["refunds"]
                ),
            }
        )

    def _stage(self, now: datetime) -> Stage:
        if self.charges:
            return Stage.PAID
        if self.state is SandboxState.OPEN and now >= self.ends_at:
            return Stage.ENDED
        return Stage(self.state.value)

    def _refuse_unless_open(self, now: datetime) -> None:
        if self._stage(now) is not Stage.OPEN:
            raise ProviderRefused("not_open")

    def _with_money(self, now: datetime) -> Self:
        charge = SandboxCharge(f"{self.reference}_charge_{len(self.charges) + 1}", now)
        return replace(self, charges=(*self.charges, charge))

    def _rest(self, charge_id: str) -> int:
        gone = [one for one in self.refunds if one.stage is not RefundStage.FAILED]
        return self.amount - sum(one.amount for one in gone if one.charge_id == charge_id)

    def _with_refund(
        self, charge_id: str, amount: Money, our_id: str | None, now: datetime
    ) -> Self:
        if charge_id not in {one.id for one in self.charges}:
            raise ProviderRefused("no_such_charge")
        if amount.currency != self.currency or not 0 < amount.amount <= self._rest(charge_id):
            raise ProviderRefused("refund_exceeds_charge")
        refund = SandboxRefund(
            id=f"{self.reference}_refund_{len(self.refunds) + 1}",
            our_id=our_id,
            charge_id=charge_id,
            amount=amount.amount,
            stage=RefundStage.SETTLED,
            at=now,
        )
        return replace(self, refunds=(*self.refunds, refund))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value
