"""A clinic, and the policy that it takes bookings by."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from booking_system.shared_kernel.identifiers import ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicPolicy:
    """The clinic's own rules; lengths of time in the unit that the name ends with.

    Where a service has to be paid for first, there are `payment_minutes` to do it. A patient who
    cancels less than `late_cancel_minutes` before the start gets back what was paid but for
    `late_cancel_percent` of the price, a patient who does not come but for `no_show_percent`.
    An online appointment's room is open from `consultation_opens_minutes` before its start to
    `consultation_closes_minutes` after its end; with `consultation_relay_only` picture and sound
    go through the operator's relay alone, so that the two sides do not learn each other's address.
    """

    min_notice_minutes: int = 0
    cancel_notice_minutes: int = 0
    horizon_days: int = 180
    hold_minutes: int = 10
    max_open_bookings_per_patient: int = 10
    anonymous_holds: bool = True
    reminder_offsets_minutes: tuple[int, ...] = (1440, 120)
    payment_minutes: int = 30
    late_cancel_minutes: int = 1440
    late_cancel_percent: int = 0
    no_show_percent: int = 0
    consultation_opens_minutes: int = 15
    consultation_closes_minutes: int = 30
    consultation_relay_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """A clinic. Its time zone is the one of the clock on its wall.

    `tax_number` is printed on receipts, for people who paid, and is not shown to everybody.
    """

    id: ClinicId
    name: str
    slug: str
    time_zone: str
    address: str | None = None
    phone: str | None = None
    email: str | None = None
    tax_number: str | None = None
    locale: str = "en"
    currency: str = "EUR"
    embed_origins: tuple[str, ...] = ()
    logo_url: str | None = None
    policy: ClinicPolicy = ClinicPolicy()
    version: int = 1
    created_at: datetime
    updated_at: datetime

    def changed(self, changes: Mapping[str, Any], *, now: datetime) -> Self:
        """Return the clinic with these fields changed; of the policy only those named."""
        fields = dict(changes)
        policy = replace(self.policy, **fields.pop("policy", {}))
        return replace(self, **fields, policy=policy, version=self.version + 1, updated_at=now)
