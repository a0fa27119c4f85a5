"""What an account at a provider keeps, and what payers and the provider's own people do to it."""

from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from booking_lab.weave.service import SetClock
from booking_system.payments.application.provider_port import CheckoutAsked, RefundAsked
from booking_system.payments.domain.sighting import (
    Account,
    Charge,
    RefundStage,
    SeenRefund,
    Sighting,
    Stage,
)
from booking_system.shared_kernel.money import Money

CARD = Account("stripe", "platform", is_live=True)
"""Money comes when the payer pays."""
ORDER = Account("paypal", "platform", is_live=True)
"""Money comes when we capture what the payer agreed to."""
LIFE_OF_ORDER = timedelta(minutes=40)
MOODS = ("busy", "declines", "no checkout", "no refund", "slow refunds")
"""How it goes wrong: the next call, the next capture, checkout or refund; or all refunds wait."""

Done = TypeVar("Done")
Wrong = Callable[[str], None]


class Event(NamedTuple):
    """What the provider tells by a webhook; of a refund nothing but its charge."""

    id: str
    kind: str
    reference: str | None
    charge_id: str | None


@dataclass(eq=False, slots=True, kw_only=True)
class AccountBooks:
    """One account, in memory. `wrong` is told what the program may not ask for."""

    account: Account
    clock: SetClock
    wrong: Wrong
    sessions: dict[str, Sighting] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    moods: Counter[str] = field(default_factory=Counter)
    was_silent: bool = False
    """It did not answer, though nothing befell the caller."""
    _keys: dict[str, tuple[object, Any]] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Forget all."""
        self.sessions, self.events, self.moods = {}, [], Counter()
        self._keys, self._counts, self.was_silent = {}, Counter(), False

    def saved(self) -> tuple[Any, ...]:
        """Remember all of it."""
        kept = (self.sessions, self.events, self.moods, self._keys, self._counts)
        return tuple(copy(one) for one in kept)

    def bring_back(self, kept: tuple[Any, ...]) -> None:
        """Be as it was then."""
        self.sessions, self.events, self.moods, self._keys, self._counts = kept

    def pay(self, reference: str, *, is_over: bool = False) -> bool:
        """The payer pays or agrees, while they may, or though it `is_over`; False: they cannot."""
        stage = self.as_now(reference).stage
        if self.account == ORDER:
            if stage is Stage.OPEN:
                self.becomes(reference, "approved", stage=Stage.APPROVED)
            return stage is Stage.OPEN
        if stage is Stage.OPEN or (is_over and stage is Stage.ENDED):
            self.charge(reference)
            return True
        return False

    def pay_slowly(self, reference: str) -> bool:
        """The payer pays in a way that takes its time."""
        is_open = self.account == CARD and self.as_now(reference).stage is Stage.OPEN
        if is_open:
            self.becomes(reference, "processing", stage=Stage.PROCESSING)
        return is_open

    def come(self, reference: str, *, succeeds: bool) -> bool:
        """What was under way comes to its end."""
        if self.as_now(reference).stage is not Stage.PROCESSING:
            return False
        if succeeds:
            self.charge(reference)
        else:
            self.becomes(reference, "failed", stage=Stage.FAILED)
        return True

    def refund_there(self, reference: str, amount: int) -> bool:
        """The provider's own pages give a part back."""
        for charge in self.sessions[reference].charges:
            money = Money(amount, charge.amount.currency)
            about = RefundAsked(
                our_id="", key="", reference=reference, charge_id=charge.id, amount=money
            )
            if amount <= self.left_of(about):
                self.give_back(reference, charge.id, money, RefundStage.SETTLED, None)
                return True
        return False

    def refunds_end(self, stage: RefundStage) -> bool:
        """All refunds that wait come to their end."""
        found = False
        for seen in list(self.sessions.values()):
            for number, refund in enumerate(seen.refunds):
                if refund.stage is RefundStage.PENDING:
                    found, refunds = True, list(self.sessions[seen.reference].refunds)
                    refunds[number] = replace(refund, stage=stage, seen_at=self.clock.now())
                    self._tell("refund", None, refund.charge_id)
                    self._set(seen.reference, refunds=tuple(refunds))
        return found

    # What it keeps.

    def once(self, key: str, parameters: object, work: Callable[[], Done]) -> Done:
        """Do it once for a key; the same key has the same answer."""
        if key not in self._keys:
            self._keys[key] = (parameters, work())
        known, answer = self._keys[key]
        if known != parameters:
            self.wrong("the same key came with other parameters")
        return answer  # type: ignore[no-any-return]

    def is_in_mood(self, mood: str) -> bool:
        """Say whether it is, and be so one time less."""
        is_so = self.moods[mood] > 0
        self.moods[mood] -= is_so
        return is_so

    def _next(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{self.account.provider}_{kind}_{self._counts[kind]}"

    def opened(self, asked: CheckoutAsked) -> str:
        """Make a session, and return its reference."""
        if any(one.our_id == asked.our_id for one in self.sessions.values()):
            self.wrong("one payment has two checkouts")
        reference, now = self._next("checkout"), self.clock.now()
        self.sessions[reference] = Sighting(
            account=self.account,
            reference=reference,
            our_id=asked.our_id,
            amount=asked.amount,
            stage=Stage.OPEN,
            checkout_url=f"https://pay.example.com/{reference}",
            ends_at=now + LIFE_OF_ORDER if self.account == ORDER else asked.ends_at,
        )
        self._tell("created", reference)
        return reference

    def as_now(self, reference: str) -> Sighting:
        """Return a session as it is now, run out where its time is over."""
        seen = self.sessions[reference]
        is_open = seen.stage in {Stage.OPEN, Stage.APPROVED}
        if is_open and seen.ends_at is not None and self.clock.now() >= seen.ends_at:
            self.becomes(reference, "expired", stage=Stage.ENDED)
        return self.sessions[reference]

    def _set(self, reference: str, **about: Any) -> None:
        self.sessions[reference] = replace(self.sessions[reference], **about)

    def becomes(self, reference: str, kind: str, **about: Any) -> None:
        """Change a session, and tell of it."""
        self._set(reference, **about)
        self._tell(kind, reference)

    def charge(self, reference: str) -> None:
        """Take the payer's money."""
        seen = self.sessions[reference]
        charge = Charge(self._next("charge"), seen.amount, self.clock.now())
        self.becomes(reference, "paid", stage=Stage.PAID, charges=(*seen.charges, charge))

    def left_of(self, asked: RefundAsked) -> int:
        """Return how much of a charge could go back still, in minor units."""
        seen = self.sessions[asked.reference]
        gone = sum(
            one.amount.amount
            for one in seen.refunds
            if one.charge_id == asked.charge_id and one.stage is not RefundStage.FAILED
        )
        return seen.amount.amount - gone

    def give_back(
        self, reference: str, charge_id: str, money: Money, stage: RefundStage, ours: str | None
    ) -> str:
        """Give money back, and return the name of the refund."""
        refund = SeenRefund(self._next("refund"), charge_id, money, stage, self.clock.now(), ours)
        self._set(reference, refunds=(*self.sessions[reference].refunds, refund))
        self._tell("refund", None, charge_id)
        return refund.id

    def _tell(self, kind: str, reference: str | None, charge_id: str | None = None) -> None:
        self.events.append(Event(self._next("event"), kind, reference, charge_id))
