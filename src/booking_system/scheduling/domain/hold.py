"""A hold: a slot that is kept for somebody while they make up their mind."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from booking_system.directory.domain.service import PaymentTerms
from booking_system.scheduling.domain.refusals import HoldAlreadyExtended, HoldExpired
from booking_system.shared_kernel.identifiers import HoldId, PatientId, ServiceId, UserId
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldTerms:
    """What was agreed when the slot was held: it is booked so, even if the clinic changes it since.

    `service_id` is None where the clinic offered no services. `duration` is what the service takes,
    its slots may last longer. A `deposit` is what of the price has to be paid first.
    """

    service_id: ServiceId | None
    duration: timedelta
    price: Money | None
    payment: PaymentTerms
    deposit: Money | None = None

    @property
    def is_paid_for(self) -> bool:
        """Say whether it is paid for through us."""
        return self.payment is not PaymentTerms.NONE

    @property
    def due_first(self) -> Money | None:
        """What has to be paid before it is confirmed: the deposit, or else the price."""
        if self.payment is not PaymentTerms.REQUIRED or self.price is None:
            return None
        first = self.price if self.deposit is None else self.deposit
        return first if first.amount > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Who keeps a slot, and until when (UTC); a part of the slot, which has at most one.

    It is good for the patient, or, where it is for nobody yet, for the user who made it. One that a
    visitor made who has not signed in is nobody's: whoever shows its token has it, and `network`
    says where it came from. `blocks` is all the doctor's time that it keeps; None: just the slot.
    `terms` are None where it was not said yet what it is for.
    """

    id: HoldId
    until: datetime
    length: timedelta
    is_extended: bool = False
    patient_id: PatientId | None = None
    user_id: UserId | None = None
    network: bytes | None = None
    blocks: Period | None = None
    terms: HoldTerms | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Say whether it still keeps the slot: judged by whoever looks, at the time of looking."""
        return now < self.until

    @property
    def is_anonymous(self) -> bool:
        """Say whether only its token tells whose it is."""
        return self.patient_id is None and self.user_id is None

    def extended(self, *, now: datetime, latest: datetime) -> Self:
        """Keep the slot as long again, once, and until `latest` at most.

        WCAG 2.2, success criterion 2.2.1. Raises `HoldExpired`, `HoldAlreadyExtended`.
        """
        if not self.is_in_force(now):
            raise HoldExpired
        if self.is_extended:
            raise HoldAlreadyExtended
        return replace(self, until=min(self.until + self.length, latest), is_extended=True)
