"""Clinics and doctors as other things show them, for contexts above as well."""

from uuid import UUID

from pydantic import BaseModel, Field


class ClinicSummary(BaseModel):
    """The clinic, by name."""

    id: UUID
    name: str = Field(examples=["Example Clinic"])


class DoctorSummary(BaseModel):
    """The doctor, as everybody sees one beside what is theirs."""

    id: UUID
    full_name: str = Field(examples=["Example Doctor"])
    title: str | None = Field(examples=["Dr. med."])
    specialty: str | None = Field(examples=["Cardiology"])
    photo_url: str | None
