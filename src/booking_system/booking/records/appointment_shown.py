"""What every answer about an appointment shows, for contexts above as well."""

from uuid import UUID

from pydantic import BaseModel, Field

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940002"


class ServiceSummaryOut(BaseModel):
    """The service, by name."""

    id: UUID
    name: str = Field(examples=["Example Service"])


class BookedPatientOut(BaseModel):
    """The patient, by name."""

    id: UUID
    full_name: str = Field(examples=["Example Patient"])
