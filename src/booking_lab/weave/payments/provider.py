"""Accounts at providers, in memory: they speak the port that real ones do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from booking_lab.weave.background import turn_elsewhere
from booking_lab.weave.payments.account_books import CARD, ORDER, AccountBooks, Done
from booking_lab.weave.threads import Order
from booking_system.payments.application.provider_port import (
    Checkout,
    CheckoutAsked,
    Hint,
    ProviderBusy,
    ProviderGone,
    ProviderRefused,
    ProviderUnsure,
    RefundAsked,
)
from booking_system.payments.domain.sighting import RefundStage, SeenRefund, Sighting, Stage

PAY = "PAY"
"""The step of a payer, or of the provider's own people."""
Asked = Callable[[str, Sighting | None], Awaitable[None]]


@dataclass(eq=False, slots=True, kw_only=True)
class WovenProvider(AccountBooks):
    """One account. Each call has two turns: the question is on its way, then the answer.

    `asked` is told of each call when it arrives.
    """

    asked: Asked

    async def create(self, asked: CheckoutAsked) -> Checkout:
        """Make a session, once for its key."""

        def make() -> Checkout:
            if self.is_in_mood("no checkout"):
                raise ProviderRefused("woven")
            reference = self.once(asked.key, asked, lambda: self.opened(asked))
            seen = self.sessions[reference]
            return Checkout(
                reference=reference, ends_at=seen.ends_at, checkout_url=seen.checkout_url
            )

        return await self.call("create", None, make)

    async def find(self, asked: CheckoutAsked) -> Sighting | None:
        """Look for it; an order is asked for once more, by its key."""

        def look() -> Sighting | None:
            if self.account == ORDER:
                return self.as_now(self.once(asked.key, asked, lambda: self.opened(asked)))
            found = [one for one in self.sessions.values() if one.our_id == asked.our_id]
            return self.as_now(found[0].reference) if found else None

        return await self.call("find", None, look)

    async def read(self, reference: str) -> Sighting:
        """Return it as it is when the question arrives."""
        return await self.call("read", reference, lambda: self.as_now(reference))

    async def end(self, reference: str) -> Sighting:
        """End what is open; nothing ends an order."""

        def end() -> Sighting:
            if self.account == CARD and self.as_now(reference).stage is Stage.OPEN:
                self.becomes(reference, "expired", stage=Stage.ENDED)
            return self.as_now(reference)

        return await self.call("end", reference, end)

    async def capture(self, reference: str, *, key: str) -> Sighting:
        """Take the money of what is approved; the same key has the same answer."""

        def take() -> bool:
            if self.is_in_mood("declines"):
                self.becomes(reference, "declined", stage=Stage.OPEN)
                return False
            self.charge(reference)
            return True

        def capture() -> Sighting:
            if key not in self._keys and self.as_now(reference).stage is not Stage.APPROVED:
                return self.as_now(reference)
            if not self.once(key, reference, take):
                raise ProviderRefused("declined", is_payer=True)
            return self.as_now(reference)

        return await self.call("capture", reference, capture)

    async def refund(self, asked: RefundAsked) -> SeenRefund:
        """Give money back, once for its key."""

        def give() -> str:
            known = self.sessions[asked.reference].refunds
            if any(one.our_id == asked.our_id for one in known):
                self.wrong("a refund is made twice")
            if self.is_in_mood("no refund") or asked.amount.amount > self.left_of(asked):
                raise ProviderRefused("woven")
            stage = RefundStage.PENDING if self.moods["slow refunds"] else RefundStage.SETTLED
            money = asked.amount
            return self.give_back(asked.reference, asked.charge_id, money, stage, asked.our_id)

        def refund() -> SeenRefund:
            name = self.once(asked.key, asked, give)
            known = self.sessions[asked.reference].refunds
            return next(one for one in known if one.id == name)

        return await self.call("refund", asked.reference, refund)

    async def locate(self, charge_id: str) -> str | None:
        """Return whose charge it is."""
        for seen in self.sessions.values():
            if any(charge.id == charge_id for charge in seen.charges):
                return seen.reference
        return None

    async def hint(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Hint:  # noqa: ARG002
        """Read an event of its own; signatures are not woven."""
        event_id, kind, reference, charge_id = body.decode().split(" ")
        about = {"reference": reference or None, "charge_id": charge_id or None}
        return Hint(event_id, kind, is_live=True, account_key=self.account.key, **about)

    async def call(self, method: str, reference: str | None, work: Callable[[], Done]) -> Done:
        """Ask, and hear the answer. Raises what the port says."""
        order = await turn_elsewhere(f"ASK {method}")
        if order is Order.CUT:
            raise ProviderUnsure
        if self.is_in_mood("busy"):
            self.was_silent = True
            raise ProviderBusy
        if reference is not None and reference not in self.sessions:
            raise ProviderGone("woven")
        await self.asked(method, None if reference is None else self.as_now(reference))
        refused, done = None, None
        try:
            done = work()
        except ProviderRefused as error:
            refused = error
        if order is Order.LOSE_ANSWER or await turn_elsewhere(f"HEAR {method}") is not Order.GO:
            raise ProviderUnsure
        if refused is not None:
            raise refused
        return done  # type: ignore[return-value]
