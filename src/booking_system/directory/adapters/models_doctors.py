"""What the API takes and gives of doctors and of the staff."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from booking_system.directory.application.keep_staff import NewStaff
from booking_system.directory.domain.doctor import Doctor
from booking_system.identity.domain.actor import Role
from booking_system.identity.domain.staff import StaffMember
from booking_system.platform.http.fields import Email, Language, Url
from booking_system.platform.http.input import Change, Input, LongText, ShortText
from booking_system.shared_kernel.identifiers import DoctorId

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940011"

Languages = Annotated[list[Language], Field(max_length=20, description="ISO 639")]
NewPassword = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    Field(json_schema_extra={"format": "password"}, examples=["three quiet otters"]),
]


class DoctorIn(Input):
    """A new doctor."""

    full_name: ShortText = Field(examples=["Example Doctor"])
    title: ShortText | None = Field(default=None, examples=["Dr. med."])
    specialty: ShortText | None = Field(default=None, examples=["Cardiology"])
    languages: Languages = Field(default=[])
    bio: LongText | None = None
    photo_url: Url | None = None

    def fields(self) -> dict[str, Any]:
        """Return the doctor's fields as the domain has them."""
        return self.model_dump() | {"languages": tuple(self.languages)}


class DoctorChangeIn(Change):
    """What changes about a doctor."""

    full_name: ShortText = Field(default="", examples=["Example Doctor"])
    title: ShortText | None = Field(default=None, examples=["Prof. Dr."])
    specialty: ShortText | None = Field(default=None, examples=["Cardiology"])
    languages: Languages = Field(default=[])
    bio: LongText | None = None
    photo_url: Url | None = None

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
    photo_url: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, doctor: Doctor) -> "DoctorOut":
        """Show a doctor."""
        return cls.model_validate(doctor, from_attributes=True)


class StaffIn(Input):
    """Who is to work for the clinic. With an account already, only the role is added."""

    email: Email = Field(examples=["desk@example.com"])
    full_name: ShortText = Field(examples=["Example Receptionist"])
    role: Literal["clinic_admin", "receptionist", "doctor"] = Field(examples=["receptionist"])
    doctor_id: UUID | None = Field(default=None, description="Goes with the role `doctor`")
    password: NewPassword | None = None

    def new(self) -> NewStaff:
        """Return what the use case wants."""
        return NewStaff(
            email=self.email,
            full_name=self.full_name,
            role=Role(self.role),
            doctor_id=None if self.doctor_id is None else DoctorId(self.doctor_id),
            password=self.password,
        )


class StaffOut(BaseModel):
    """One role of one member of the staff."""

    user_id: UUID
    email: str = Field(examples=["desk@example.com"])
    full_name: str = Field(examples=["Example Receptionist"])
    role: Role = Field(examples=["receptionist"])
    doctor_id: UUID | None

    @classmethod
    def of(cls, member: StaffMember) -> "StaffOut":
        """Show a member of the staff."""
        return cls.model_validate(member, from_attributes=True)


class StaffListOut(BaseModel):
    """All staff of a clinic."""

    items: list[StaffOut]
    next_cursor: str | None = Field(default=None, description="Always null: the list is complete")
