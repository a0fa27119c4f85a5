"""What the API takes and gives of clinics."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.directory.domain.clinic import Clinic, ClinicPolicy
from booking_system.platform.http.fields import (
    Currency,
    Email,
    Locale,
    Origin,
    Phone,
    Slug,
    TimeZoneName,
    Whole,
    YesOrNo,
)
from booking_system.platform.http.input import Change, Input, LongText, ShortText

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940010"

Notice = Annotated[Whole, Field(ge=0, le=525_600)]
Origins = Annotated[
    list[Origin], Field(max_length=20, description="Sites that may frame the booking page")
]
Offsets = Annotated[
    list[Annotated[Whole, Field(ge=1, le=525_600)]],
    Field(max_length=10),
]
Horizon = Annotated[Whole, Field(ge=1, le=730, description="Days ahead that can be booked")]
HoldMinutes = Annotated[Whole, Field(ge=1, le=60)]
MostOpen = Annotated[Whole, Field(ge=1, le=1000)]
PaymentMinutes = Annotated[
    Whole,
    Field(ge=5, le=1440, description="How long a booking waits for a payment that is required"),
]
LateMinutes = Annotated[
    Whole,
    Field(
        ge=0,
        le=525_600,
        description="A patient who cancels less than so many minutes before the start cancels late",
    ),
]
Kept = Annotated[Whole, Field(ge=0, le=100)]
KeptLate = Annotated[
    Kept, Field(description="Percent of the price that the clinic keeps of a late cancellation")
]
KeptNoShow = Annotated[
    Kept,
    Field(description="Percent of the price that the clinic keeps of a no-show"),
]
OpensMinutes = Annotated[
    Whole,
    Field(ge=0, le=1440, description="An online appointment's room opens so long before the start"),
]
ClosesMinutes = Annotated[
    Whole,
    Field(ge=0, le=1440, description="An online appointment's room closes so long after the end"),
]
RelayOnly = Annotated[
    YesOrNo,
    Field(
        description="Picture and sound of online appointments go through the operator's relay"
        " alone: neither side learns the other's network address"
    ),
]
TaxNumber = Annotated[
    ShortText,
    Field(
        max_length=60,
        description="For tax or VAT, as receipts are to show it. Not in what everybody reads of a"
        " clinic: a change answers with it, also a `dry_run` of none",
        examples=["DE123456789"],
    ),
]
USUAL = ClinicPolicy()


class PolicyIn(Input):
    """By which rules the clinic takes bookings."""

    min_notice_minutes: Notice = USUAL.min_notice_minutes
    cancel_notice_minutes: Notice = USUAL.cancel_notice_minutes
    horizon_days: Horizon = USUAL.horizon_days
    hold_minutes: HoldMinutes = USUAL.hold_minutes
    max_open_bookings_per_patient: MostOpen = USUAL.max_open_bookings_per_patient
    anonymous_holds: YesOrNo = USUAL.anonymous_holds
    reminder_offsets_minutes: Offsets = Field(default=list(USUAL.reminder_offsets_minutes))
    payment_minutes: PaymentMinutes = USUAL.payment_minutes
    late_cancel_minutes: LateMinutes = USUAL.late_cancel_minutes
    late_cancel_percent: KeptLate = USUAL.late_cancel_percent
    no_show_percent: KeptNoShow = USUAL.no_show_percent
    consultation_opens_minutes: OpensMinutes = USUAL.consultation_opens_minutes
    consultation_closes_minutes: ClosesMinutes = USUAL.consultation_closes_minutes
    consultation_relay_only: RelayOnly = USUAL.consultation_relay_only


class PolicyChangeIn(Change):
    """Which rules change."""

    min_notice_minutes: Notice = 0
    cancel_notice_minutes: Notice = 0
    horizon_days: Horizon = 1
    hold_minutes: HoldMinutes = 1
    max_open_bookings_per_patient: MostOpen = 1
    anonymous_holds: YesOrNo = True
    reminder_offsets_minutes: Offsets = Field(default=[])
    payment_minutes: PaymentMinutes = 5
    late_cancel_minutes: LateMinutes = 0
    late_cancel_percent: KeptLate = 0
    no_show_percent: KeptNoShow = 0
    consultation_opens_minutes: OpensMinutes = 0
    consultation_closes_minutes: ClosesMinutes = 0
    consultation_relay_only: RelayOnly = True


class ClinicIn(Input):
    """A new clinic."""

    name: ShortText = Field(examples=["Example Clinic"])
    slug: Slug
    time_zone: TimeZoneName
    address: LongText | None = Field(default=None, examples=["1 Example Street"])
    phone: Phone | None = None
    email: Email | None = Field(default=None, examples=["desk@example.com"])
    tax_number: TaxNumber | None = None
    locale: Locale = "en"
    currency: Currency = "EUR"
    embed_origins: Origins = Field(default=[])
    policy: PolicyIn = PolicyIn()

    def fields(self) -> dict[str, Any]:
        """Return the clinic's fields as the domain has them."""
        return _as_domain(self.model_dump(exclude={"policy"})) | {
            "policy": ClinicPolicy(**_as_domain(self.policy.model_dump()))
        }


class ClinicChangeIn(Change):
    """What changes about a clinic; of the policy, too, only what is named."""

    name: ShortText = Field(default="", examples=["Example Clinic"])
    slug: Slug = ""
    time_zone: TimeZoneName = ""
    address: LongText | None = None
    phone: Phone | None = None
    email: Email | None = Field(default=None, examples=["desk@example.com"])
    tax_number: TaxNumber | None = None
    locale: Locale = ""
    currency: Currency = ""
    embed_origins: Origins = Field(default=[])
    policy: PolicyChangeIn = PolicyChangeIn()

    def changes(self) -> dict[str, Any]:
        """Return the fields that change, as the domain has them."""
        given = _as_domain(self.given())
        if "policy" in given:
            given["policy"] = _as_domain(given["policy"])
        return given


class PolicyOut(BaseModel):
    """By which rules the clinic takes bookings."""

    min_notice_minutes: int = Field(examples=[USUAL.min_notice_minutes])
    cancel_notice_minutes: int = Field(examples=[USUAL.cancel_notice_minutes])
    horizon_days: int = Field(examples=[USUAL.horizon_days])
    hold_minutes: int = Field(examples=[USUAL.hold_minutes])
    max_open_bookings_per_patient: int = Field(examples=[USUAL.max_open_bookings_per_patient])
    anonymous_holds: bool = Field(examples=[USUAL.anonymous_holds])
    reminder_offsets_minutes: list[int] = Field(examples=[list(USUAL.reminder_offsets_minutes)])
    payment_minutes: int = Field(examples=[USUAL.payment_minutes])
    late_cancel_minutes: int = Field(examples=[USUAL.late_cancel_minutes])
    late_cancel_percent: int = Field(examples=[USUAL.late_cancel_percent])
    no_show_percent: int = Field(examples=[USUAL.no_show_percent])
    consultation_opens_minutes: int = Field(examples=[USUAL.consultation_opens_minutes])
    consultation_closes_minutes: int = Field(examples=[USUAL.consultation_closes_minutes])
    consultation_relay_only: bool = Field(examples=[USUAL.consultation_relay_only])


class ClinicOut(BaseModel):
    """A clinic."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["Example Clinic"])
    slug: str = Field(examples=["example-clinic"])
    time_zone: str = Field(
        description="The clinic's time zone (IANA name): its days and local times are of it",
        examples=["Europe/Berlin"],
    )
    address: str | None = Field(examples=["1 Example Street"])
    phone: str | None = Field(examples=["+49301234567"])
    email: str | None = Field(examples=["desk@example.com"])
    locale: str = Field(examples=["de-DE"])
    currency: str = Field(examples=["EUR"])
    embed_origins: list[str] = Field(examples=[["https://www.example.com"]])
    logo_url: str | None = Field(description="Sent as a file with the purpose `clinic_logo`")
    policy: PolicyOut
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, clinic: Clinic) -> "ClinicOut":
        """Show a clinic."""
        return cls.model_validate(clinic, from_attributes=True)


def _as_domain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
