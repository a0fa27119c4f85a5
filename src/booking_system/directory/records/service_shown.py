"""A service as answers show it, for contexts above as well."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.directory.domain.service import PaymentTerms, Service
from booking_system.directory.records.money_shown import MoneyOut
from booking_system.shared_kernel.mode import Mode

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940012"


class ServiceOut(BaseModel):
    """A service."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    name: str = Field(examples=["First visit"])
    duration_minutes: int = Field(examples=[30])
    buffer_before_minutes: int = Field(examples=[0])
    buffer_after_minutes: int = Field(examples=[10])
    price: MoneyOut | None = Field(examples=[{"amount": 4500, "currency": "EUR"}])
    deposit: MoneyOut | None
    mode: Mode
    payment: PaymentTerms
    doctor_ids: list[UUID]
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, service: Service) -> "ServiceOut":
        """Show a service."""
        return cls.model_validate(service, from_attributes=True)
