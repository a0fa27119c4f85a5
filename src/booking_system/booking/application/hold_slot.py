"""Use cases: a slot is held while somebody makes up their mind, held longer, or let go."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.booking.application.offer_instead import offer_instead
from booking_system.booking.application.ports import (
    Alternatives,
    BookingWish,
    HoldReader,
    HoldTransaction,
)
from booking_system.booking.domain.attempt import BookingRule, judged
from booking_system.booking.domain.holding import HeldSlot, Holder
from booking_system.booking.domain.refusals import HoldNotFound, TooManyHolds
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Conflict, NotPermitted
from booking_system.shared_kernel.identifiers import HoldId, Identities


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSlot:
    """Keeps a slot for one holder against everybody else, for as long as the clinic says.

    One that is held for a service takes those with it that a booking would take.
    """

    transaction: HoldTransaction
    alternatives: Alternatives
    rules: Sequence[BookingRule]
    clock: Clock
    identities: Identities

    async def __call__(self, *, wish: BookingWish, holder: Holder) -> HeldSlot:
        """Return the held slot; whoever holds it already gets the same hold again.

        Raises the refusal of the first rule that says no; a `Conflict` over the slot carries
        `alternatives`.
        """
        try:
            return await self._hold(wish, holder)
        except TooManyHolds:
            raise
        except Conflict as refusal:
            await offer_instead(
                refusal,
                wish.slot_id,
                wish.service_id,
                visits=wish.visits_told_to(holder.actor),
                moves=wish.agreed,
                alternatives=self.alternatives,
                clock=self.clock,
            )
            raise

    async def _hold(self, wish: BookingWish, holder: Holder) -> HeldSlot:
        async with self.transaction() as work:
            now = self.clock.now()
            attempt = await work.attempt(wish, holder, now=now)
            wish.check_clinic(attempt)
            judged(attempt, self.rules)
            held = HeldSlot.by(
                attempt, identity=HoldId(self.identities.new()), network=holder.network
            )
            if held.span != attempt.the_span:
                await work.place(held, now=now)
        return held


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowHold:
    """Shows a hold that is in force."""

    reader: HoldReader
    clock: Clock

    async def __call__(self, *, hold_id: HoldId, holder: Holder) -> HeldSlot:
        """Return it. Raises `HoldNotFound`, also where it is over."""
        held = await self.reader.show(hold_id)
        if held is None or not held.is_seen_by(holder):
            raise HoldNotFound
        if not held.hold.is_in_force(self.clock.now()):
            raise HoldNotFound
        return held


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendHold:
    """Keeps a slot as long again, once."""

    transaction: HoldTransaction
    clock: Clock

    async def __call__(self, *, hold_id: HoldId, holder: Holder) -> HeldSlot:
        """Return the held slot.

        Raises `HoldNotFound`, `NotPermitted`, `HoldExpired`, `HoldAlreadyExtended`.
        """
        async with self.transaction() as work:
            held = _seen(await work.lock(hold_id), holder)
            if not held.is_owned_by(holder):
                raise NotPermitted
            now = self.clock.now()
            longer = held.extended(now=now)
            await work.place(longer, now=now)
        return longer


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold:
    """Gives a slot back before the hold is over."""

    transaction: HoldTransaction
    clock: Clock

    async def __call__(self, *, hold_id: HoldId, holder: Holder) -> None:
        """Raises `HoldNotFound`, also where it is over, and `NotPermitted`."""
        async with self.transaction() as work:
            held = _seen(await work.lock(hold_id), holder)
            if not held.may_be_released_by(holder):
                raise NotPermitted
            now = self.clock.now()
            if not held.hold.is_in_force(now):
                raise HoldNotFound
            await work.release(held, now=now)


def _seen(held: HeldSlot | None, holder: Holder) -> HeldSlot:
    if held is None or not held.is_seen_by(holder):
        raise HoldNotFound
    return held
