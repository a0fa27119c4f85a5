"""What the API of staff and invitations takes and gives."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, RootModel, StringConstraints

from booking_system.directory.application.accept_invitation import ShownInvitation
from booking_system.directory.application.keep_staff import NewStaff
from booking_system.directory.domain.invitation import Invitation, InvitationStatus
from booking_system.directory.records.summaries import ClinicSummary
from booking_system.identity.domain.actor import Role
from booking_system.identity.domain.password import LONGEST, SHORTEST, check_length
from booking_system.identity.domain.staff import StaffMember
from booking_system.platform.http.fields import Email
from booking_system.platform.http.input import Input, ShortText
from booking_system.platform.http.validation import judged
from booking_system.shared_kernel.identifiers import DoctorId

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940015"
EXAMPLE_URL = "https://booking.example.com/invitation#tG3v9k0Zr8d0m2P5b7w1y4u6e8i0o2a4s6d8f0g2h4j"

StaffRole = Literal["clinic_admin", "receptionist", "doctor"]
NewPassword = Annotated[
    str,
    judged(check_length),
    Field(
        json_schema_extra={"format": "password", "minLength": SHORTEST, "maxLength": LONGEST},
        examples=["three quiet otters"],
    ),
]
InvitationToken = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$"),
    Field(description="What follows `#` in the link", examples=[EXAMPLE_URL.partition("#")[2]]),
]


class StaffIn(Input):
    """Who is to work for the clinic: invited, or, with a password, given a new account."""

    email: Email = Field(examples=["desk@example.com"])
    full_name: ShortText = Field(examples=["Example Receptionist"])
    role: StaffRole = Field(examples=["receptionist"])
    doctor_id: UUID | None = Field(default=None, description="Goes with the role `doctor`")
    password: NewPassword | None = Field(
        default=None,
        description="Of a new account, to be changed by its owner before the role holds",
        examples=[None],
    )

    def new(self) -> NewStaff:
        """Return what the use case wants."""
        return NewStaff(
            email=self.email,
            full_name=self.full_name,
            role=Role(self.role),
            doctor_id=None if self.doctor_id is None else DoctorId(self.doctor_id),
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


class InvitationOut(BaseModel):
    """A role that was offered to somebody."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic_id: UUID
    email: str = Field(examples=["desk@example.com"])
    full_name: str = Field(examples=["Example Receptionist"])
    role: Role = Field(examples=["receptionist"])
    doctor_id: UUID | None
    status: InvitationStatus = Field(examples=["open"])
    created_at: datetime = Field(
        description="When somebody was invited. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    expires_at: datetime = Field(
        description="Until then the invitation can be accepted. UTC",
        examples=["2027-03-04T08:00:00Z"],
    )
    accepted_by: UUID | None = Field(description="The account that has the role by it")

    @classmethod
    def of(cls, invitation: Invitation, now: datetime) -> "InvitationOut":
        """Show an invitation as it is at `now`."""
        return cls.model_validate({**asdict(invitation), "status": invitation.status(now)})


class NewInvitationOut(InvitationOut):
    """A new invitation with its link, which is shown this once: hand it over.

    The invited get a mail as well, with a link of its own.
    """

    accept_url: str | None = Field(
        description="Everybody who has it can accept; not shown again, so null in a replay, and "
        "where the mail to the invited is the only way",
        examples=[EXAMPLE_URL],
    )

    @classmethod
    def with_link(
        cls, invitation: Invitation, link: str | None, now: datetime
    ) -> "NewInvitationOut":
        """Show a new invitation."""
        return cls(**InvitationOut.of(invitation, now).model_dump(), accept_url=link)


class AddedOut(RootModel[NewInvitationOut | StaffOut]):
    """An invitation; or, where a password was sent, the member of staff."""


class TokenIn(Input):
    """The token of an invitation."""

    token: InvitationToken


class AcceptIn(Input):
    """The token of an invitation, and a password where there is to be a new account."""

    token: InvitationToken
    password: NewPassword | None = Field(
        default=None, description="Of a new account; leave it out where you are signed in"
    )


class OfferOut(BaseModel):
    """What somebody is invited to, or has accepted."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    clinic: ClinicSummary
    email: str = Field(description="A new account signs in with it", examples=["desk@example.com"])
    full_name: str = Field(examples=["Example Receptionist"])
    role: Role = Field(examples=["receptionist"])
    doctor_id: UUID | None
    expires_at: datetime = Field(
        description="Until then the invitation can be accepted. UTC",
        examples=["2027-03-04T08:00:00Z"],
    )

    @classmethod
    def of(cls, shown: ShownInvitation) -> "OfferOut":
        """Show an invitation to the holder of its token."""
        names = ("id", "email", "full_name", "role", "doctor_id", "expires_at")
        clinic = ClinicSummary(id=shown.clinic.id, name=shown.clinic.name)
        return cls(clinic=clinic, **{name: getattr(shown.invitation, name) for name in names})
