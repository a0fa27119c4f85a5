"""A hold: a slot that is kept for somebody while they make up their mind."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from booking_system.scheduling.domain.refusals import HoldAlreadyExtended, HoldExpired
from booking_system.shared_kernel.identifiers import HoldId, PatientId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Who keeps a slot, and until when (UTC); a part of the slot, which has at most one.

    It is good for the patient, or, where it is for nobody yet, for the user who made it. One that a
    visitor made who has not signed in is nobody's: whoever shows its token has it, and `network`
    says where it came from.
    """

    id: HoldId
    until: datetime
    length: timedelta
    is_extended: bool = False
    patient_id: PatientId | None = None
    user_id: UserId | None = None
    network: bytes | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Say whether it still keeps the slot: judged by whoever looks, at the time of looking."""
        return now < self.until

    @property
    def is_anonymous(self) -> bool:
        """Say whether only its token tells whose it is."""
        return self.patient_id is None and self.user_id is None

    def extended(self, *, now: datetime) -> Self:
        """Keep the slot as long again, once (WCAG 2.2, success criterion 2.2.1).

        Raises `HoldExpired`, `HoldAlreadyExtended`.
        """
        if not self.is_in_force(now):
            raise HoldExpired
        if self.is_extended:
            raise HoldAlreadyExtended
        return replace(self, until=self.until + self.length, is_extended=True)
