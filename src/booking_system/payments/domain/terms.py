"""Under which terms money is kept and given back: a clinic's policy, as it was at booking.

All amounts are whole minor units. There is one rounding rule: a share is rounded, half a unit up,
and the rest is what is left of the whole, so that both add up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking_system.shared_kernel.money import Money

ALL = 100
"""Percent."""


def share(amount: int, percent: int) -> int:
    """Return so many percent of an amount, half a unit up; the rest is what is left of it."""
    return (amount * percent + ALL // 2) // ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Until so many minutes before the start, a cancellation costs so many percent of the price."""

    until_minutes: int
    percent_kept: int

    def __post_init__(self) -> None:
        """Raise `ValueError` where it is no time before the start, or no share."""
        if self.until_minutes < 0 or not 0 <= self.percent_kept <= ALL:
            raise ValueError(f"{self.until_minutes} minutes, {self.percent_kept} %")


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTerms:
    """What a patient's cancellation and absence cost. Nothing of it binds the clinic.

    With no steps a cancellation costs nothing; with some, what is later than the last of them
    costs all. `no_show_fee`, in minor units, goes before `no_show_percent_kept`.
    """

    steps: tuple[Step, ...] = ()
    no_show_percent_kept: int = ALL
    no_show_fee: int | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` where a later step costs less, or the absence no share or fee."""
        ordered = sorted(self.steps, key=lambda one: -one.until_minutes)
        kept = [one.percent_kept for one in ordered]
        if kept != sorted(kept) or len({one.until_minutes for one in ordered}) != len(ordered):
            raise ValueError("a later cancellation costs less than an earlier one")
        if not 0 <= self.no_show_percent_kept <= ALL or (self.no_show_fee or 0) < 0:
            raise ValueError("no share, or no fee")

    def percent_kept(self, *, starts_at: datetime, cancelled_at: datetime) -> int:
        """Return the share of the price that a patient's cancellation costs; instants in UTC."""
        left = starts_at - cancelled_at
        for step in sorted(self.steps, key=lambda one: -one.until_minutes):
            if left >= timedelta(minutes=step.until_minutes):
                return step.percent_kept
        return ALL if self.steps else 0

    def fee_of_cancelling(
        self, price: Money, *, starts_at: datetime, cancelled_at: datetime
    ) -> int:
        """Return it in minor units; instants in UTC."""
        percent = self.percent_kept(starts_at=starts_at, cancelled_at=cancelled_at)
        return share(price.amount, percent)

    def fee_of_absence(self, price: Money) -> int:
        """Return what a patient who did not come owes, in minor units; never above the price."""
        if self.no_show_fee is not None:
            return min(self.no_show_fee, price.amount)
        return share(price.amount, self.no_show_percent_kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """What confirms an appointment: a fixed amount in minor units, or percent of the price."""

    amount: int | None = None
    percent: int | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` unless it is just one of the two, and in its bounds."""
        if (self.amount is None) == (self.percent is None):
            raise ValueError("an amount or a share")
        if (self.amount or 0) < 0 or not 0 <= (self.percent or 0) <= ALL:
            raise ValueError("below nothing, or above the whole")

    def of(self, price: Money) -> Money:
        """Return it, never more than the price; the rest is the price less this."""
        wanted = self.amount if self.amount is not None else share(price.amount, self.percent or 0)
        return Money(min(wanted, price.amount), price.currency)
