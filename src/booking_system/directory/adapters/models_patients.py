"""What the API takes and gives of patients, and of those who register."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from booking_system.directory.adapters.models_staff import NewPassword
from booking_system.directory.application.ports import Search
from booking_system.directory.application.register import Newcomer, Registered
from booking_system.directory.domain.patient import FoundPatient, NewPatient
from booking_system.directory.records.patient_shown import EXAMPLE_ID, PatientOut
from booking_system.directory.records.references_shown import NOTED, ExternalId, Metadata
from booking_system.platform.http.fields import Email, Locale, Phone, TimeZoneName
from booking_system.platform.http.input import Change, Day, Input, ShortText

OLDEST, YOUNGEST = date(1900, 1, 1), date(2100, 1, 1)


def _plausible(day: date) -> date:
    if not OLDEST <= day < YOUNGEST:
        message = "must lie between the years 1900 and 2100"
        raise ValueError(message)
    return day


BirthDate = Annotated[Day, AfterValidator(_plausible), Field(examples=["1990-05-17"])]


class RegistrationIn(Input):
    """Somebody who wants an account."""

    email: Email
    password: NewPassword = Field(
        description="10 to 200 characters, and not one of the common ones"
    )
    full_name: ShortText = Field(examples=["Example Patient"])
    phone: Phone | None = None
    locale: Locale | None = None
    time_zone: TimeZoneName | None = None

    def newcomer(self) -> Newcomer:
        """Return what the use case wants."""
        return Newcomer(**self.model_dump())


class RegisteredOut(BaseModel):
    """A new account, signed in already."""

    user_id: UUID
    patient_id: UUID = Field(examples=[EXAMPLE_ID])
    access_token: str = Field(
        examples=["eyJhbGciOiJFUzI1NiJ9…"],
        description="A JWT; send it as `Authorization: Bearer …`",
    )
    refresh_token: str = Field(
        examples=["q1xJY0nY5r0…"], description="Good for one use; trade it before it is 30 days old"
    )
    token_type: str = Field(examples=["bearer"])
    expires_in: int = Field(description="Seconds, of the access token", examples=[600])

    @classmethod
    def of(cls, done: Registered) -> "RegisteredOut":
        """Show the newcomer to themselves."""
        return cls(
            user_id=done.user_id,
            patient_id=done.patient_id,
            access_token=done.tokens.access_token,
            refresh_token=done.tokens.refresh_token,
            token_type=done.tokens.token_type,
            expires_in=done.tokens.expires_in,
        )


class PatientIn(Input):
    """A patient whom staff register."""

    clinic_id: UUID
    full_name: ShortText = Field(examples=["Example Patient"])
    email: Email | None = None
    phone: Phone | None = None
    birth_date: BirthDate | None = None
    locale: Locale | None = None
    time_zone: TimeZoneName | None = None
    external_id: ExternalId | None = None
    metadata: Metadata | None = None

    def fields(self) -> dict[str, Any]:
        """Return the patient's fields as the domain has them."""
        return self.model_dump(exclude={"clinic_id"} | NOTED)


class PatientChangeIn(Change):
    """What changes about a patient."""

    full_name: ShortText = ""
    email: Email | None = None
    phone: Phone | None = None
    birth_date: BirthDate | None = None
    locale: Locale | None = None
    time_zone: TimeZoneName | None = None


class PossibleDuplicateOut(BaseModel):
    """A patient of the clinic with the same e-mail or phone."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    full_name: str = Field(examples=["Example Patient"])
    birth_date: date | None = Field(examples=["1990-05-17"])
    has_account: bool


class NewPatientOut(PatientOut):
    """A new patient, and who may be the same person."""

    possible_duplicates: list[PossibleDuplicateOut] = Field(
        description="Up to ten patients of the clinic with the same e-mail or phone; two records"
        " of one person can be merged"
    )

    @classmethod
    def with_alike(cls, new: NewPatient) -> "NewPatientOut":
        """Show the patient, and the others with little more than their names."""
        alike = [
            PossibleDuplicateOut.model_validate(one, from_attributes=True) for one in new.alike
        ]
        return cls(**PatientOut.of(new.patient).model_dump(), possible_duplicates=alike)


class ListedPatientOut(BaseModel):
    """A patient in a list. Of one whom the clinic does not know only the name is told."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    full_name: str = Field(examples=["Example Patient"])
    known_as: str | None = Field(
        default=None,
        description="What the clinic calls the patient, where one is named; its staff's only",
        examples=["Patient of the old practice"],
    )
    has_account: bool
    is_known: bool = Field(
        description="False: found by an exact address, with an account, and not known to the"
        " clinic yet; all that follows is null then"
    )
    email: str | None = Field(default=None, examples=["patient@example.com"])
    phone: str | None = Field(default=None, examples=["+49301234567"])
    birth_date: date | None = Field(default=None, examples=["1990-05-17"])
    locale: str | None = Field(default=None, examples=["de-DE"])
    time_zone: str | None = Field(default=None, examples=["Europe/Berlin"])
    version: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @classmethod
    def of(cls, found: FoundPatient) -> "ListedPatientOut":
        """Show what the clinic may see."""
        patient = found.patient
        if found.is_known:
            about = PatientOut.of(patient).model_dump()
            return cls(**about, is_known=True, known_as=found.known_as)
        return cls(
            id=patient.id,
            full_name=patient.full_name,
            has_account=patient.has_account,
            is_known=False,
        )


class CalledIn(Input):
    """What a clinic calls a patient; null: by their name."""

    known_as: ShortText | None = Field(examples=["Patient of the old practice"])


class AddressIn(Input):
    """How the patient says they are reached: `email` or `phone`, exactly as in their account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "patient@example.com"}]})

    email: Email | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.email is None) == (self.phone is None):
            message = "must have either email or phone"
            raise ValueError(message)
        return self

    def proof(self) -> Search:
        """Return what the use case wants."""
        return Search(email=self.email, phone=self.phone)
