"""A patient as answers show them, for contexts above as well."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.directory.domain.patient import Patient

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940013"


class PatientOut(BaseModel):
    """A patient."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    full_name: str = Field(examples=["Example Patient"])
    email: str | None = Field(examples=["patient@example.com"])
    phone: str | None = Field(examples=["+49301234567"])
    birth_date: date | None = Field(examples=["1990-05-17"])
    locale: str | None = Field(examples=["de-DE"])
    time_zone: str | None = Field(examples=["Europe/Berlin"])
    has_account: bool = Field(description="Then only the patient changes any of this")
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, patient: Patient) -> "PatientOut":
        """Show a patient."""
        return cls.model_validate(patient, from_attributes=True)
