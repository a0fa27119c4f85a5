"""What the API takes and gives of doctors and of the staff."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.directory.domain.doctor import Doctor
from booking_system.directory.records.references_shown import NOTED, ExternalId, Metadata
from booking_system.platform.http.fields import Language
from booking_system.platform.http.input import Change, Input, LongText, ShortText

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940011"

Languages = Annotated[
    list[Language],
    Field(max_length=20, description="Languages that the doctor speaks (ISO 639), like `de`"),
]


class DoctorIn(Input):
    """A new doctor."""

    full_name: ShortText = Field(examples=["Example Doctor"])
    title: ShortText | None = Field(default=None, examples=["Dr. med."])
    specialty: ShortText | None = Field(default=None, examples=["Cardiology"])
    languages: Languages = Field(default=[])
    bio: LongText | None = None
    external_id: ExternalId | None = None
    metadata: Metadata | None = None

    def fields(self) -> dict[str, Any]:
        """Return the doctor's fields as the domain has them."""
        return self.model_dump(exclude=NOTED) | {"languages": tuple(self.languages)}


class DoctorChangeIn(Change):
    """What changes about a doctor."""

    full_name: ShortText = Field(default="", examples=["Example Doctor"])
    title: ShortText | None = Field(default=None, examples=["Prof. Dr."])
    specialty: ShortText | None = Field(default=None, examples=["Cardiology"])
    languages: Languages = Field(default=[])
    bio: LongText | None = None

    def changes(self) -> dict[str, Any]:
        """Return the fields that change, as the domain has them."""
        given = self.given()
        return given | ({"languages": tuple(self.languages)} if "languages" in given else {})


class DoctorOut(BaseModel):
    """A doctor."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    full_name: str = Field(examples=["Example Doctor"])
    title: str | None = Field(examples=["Dr. med."])
    specialty: str | None = Field(examples=["Cardiology"])
    languages: list[str] = Field(examples=[["de", "en"]])
    bio: str | None
    photo_url: str | None = Field(description="Sent as a file with the purpose `doctor_photo`")
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, doctor: Doctor) -> "DoctorOut":
        """Show a doctor."""
        return cls.model_validate(doctor, from_attributes=True)
