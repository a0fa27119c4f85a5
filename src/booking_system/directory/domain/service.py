"""A service of a clinic: what an appointment is for, how long it takes and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import ClinicId, DoctorId, ServiceId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money


class PaymentTerms(StrEnum):
    """Whether a booking of it is paid for through us."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service. Price and deposit are in the clinic's currency."""

    id: ServiceId
    clinic_id: ClinicId
    name: str
    duration_minutes: int
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    price: Money | None = None
    deposit: Money | None = None
    mode: Mode = Mode.IN_PERSON
    payment: PaymentTerms = PaymentTerms.NONE
    doctor_ids: tuple[DoctorId, ...] = ()
    version: int = 1
    created_at: datetime
    updated_at: datetime

    def changed(self, changes: Mapping[str, Any], *, now: datetime) -> Self:
        """Return the service with these fields changed."""
        return replace(self, **changes, version=self.version + 1, updated_at=now)

    def check_money(self, currency: str) -> None:
        """Raise `Invalid` where price, deposit and terms do not fit each other or the clinic."""
        for name, money in (("price", self.price), ("deposit", self.deposit)):
            if money is not None and money.currency != currency:
                raise Invalid.field(
                    f"/{name}/currency", "must be the currency of the clinic", "currency_differs"
                )
        if self.deposit and self.deposit.amount > (self.price.amount if self.price else 0):
            raise Invalid.field("/deposit", "must not be more than the price", "out_of_range")
        if self.payment is PaymentTerms.REQUIRED and not (self.price and self.price.amount):
            raise Invalid.field("/payment", "a required payment needs a price", "price_missing")
