"""What identity's API takes and gives."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from booking_system.identity.domain.account import Profile, ProfileChange
from booking_system.identity.domain.actor import Actor, Role
from booking_system.identity.domain.password import LONGEST, SHORTEST, check_length
from booking_system.identity.domain.session import Session
from booking_system.identity.domain.tokens import Tokens
from booking_system.platform.http.fields import Email, Locale, TimeZoneName
from booking_system.platform.http.input import Change, Input, ShortText
from booking_system.platform.http.validation import judged
from booking_system.shared_kernel.errors import Invalid

EXAMPLE_ID = "0192f0c1-2b3c-7d4e-8f50-617283940003"
EXAMPLE_EMAIL = "patient@example.com"
EXAMPLE_PASSWORD = "three quiet otters"  # noqa: S105

PasswordText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST),
    Field(json_schema_extra={"format": "password"}, examples=[EXAMPLE_PASSWORD]),
]

NewPassword = Annotated[
    str,
    judged(check_length),
    Field(
        json_schema_extra={"format": "password", "minLength": SHORTEST, "maxLength": LONGEST},
        description=f"{SHORTEST} to {LONGEST} characters, and not one of the common ones",
        examples=["four curious hares"],
    ),
]


LinkToken = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$"),
    Field(
        description="What follows `#` in the link of the mail",
        examples=["tG3v9k0Zr8d0m2P5b7w1y4u6e8i0o2a4s6d8f0g2h4j"],
    ),
]


class TokenForm(Input):
    """How a client asks for tokens (OAuth 2, RFC 6749, sections 4.3 and 6)."""

    grant_type: Literal["password", "refresh_token"] = Field(
        description="`password` to sign in, `refresh_token` to go on"
    )
    username: str | None = Field(
        default=None,
        max_length=254,
        description="The e-mail address; for the grant type `password`",
        examples=[EXAMPLE_EMAIL],
    )
    password: PasswordText | None = Field(default=None, description="For the grant type `password`")
    refresh_token: str | None = Field(
        default=None, max_length=200, description="For the grant type `refresh_token`"
    )

    def required(self, name: str) -> str:
        """Return a field that the grant type needs; raises `Invalid` where it is missing."""
        value: str | None = getattr(self, name)
        if not value:
            raise Invalid.field(f"/{name}", "is required for this grant type", "required")
        return value


class TokensOut(BaseModel):
    """Tokens of a session."""

    access_token: str = Field(
        description="A JWT; send it as `Authorization: Bearer …`",
        examples=["eyJhbGciOiJFUzI1NiJ9…"],
    )
    refresh_token: str = Field(
        description="Good for one use; trade it before it is 30 days old",
        examples=["q1xJY0nY5r0…"],
    )
    token_type: str = Field(examples=["bearer"])
    expires_in: int = Field(description="Seconds, of the access token", examples=[600])

    @classmethod
    def of(cls, tokens: Tokens) -> "TokensOut":
        """Show new tokens."""
        return cls(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            token_type=tokens.token_type,
            expires_in=tokens.expires_in,
        )


class ProfileIn(Change):
    """What changes about you."""

    full_name: ShortText = Field(default="", examples=["Example Patient"])
    locale: Locale = ""
    time_zone: TimeZoneName = ""

    def change(self) -> ProfileChange:
        """Return what the domain makes of it."""
        return ProfileChange(**self.given())


class PasswordIn(Input):
    """The password of today, and its successor."""

    current_password: PasswordText = Field(
        description="The password of today: a session alone does not change it"
    )
    new_password: NewPassword


class ResetIn(Input):
    """The address of an account whose password is lost."""

    email: Email = Field(examples=[EXAMPLE_EMAIL])


class NewPasswordIn(Input):
    """The token of a link, and the password that its holder chooses."""

    token: LinkToken
    password: NewPassword


class LinkIn(Input):
    """The token of a link."""

    token: LinkToken


class RoleGrantOut(BaseModel):
    """One role, in one clinic where it is one of a clinic."""

    role: Role = Field(examples=["patient"])
    clinic_id: UUID | None = Field(
        description="Id of the clinic; null: the role is one of the platform"
    )


class ProfileOut(BaseModel):
    """You, with all that you may do."""

    user_id: UUID = Field(examples=[EXAMPLE_ID])
    email: str = Field(examples=[EXAMPLE_EMAIL])
    email_verified: bool = Field(description="Whether the address is proved to be yours")
    password_change_required: bool = Field(
        description="Somebody else chose the password: no role holds until you have changed it",
        examples=[False],
    )
    full_name: str = Field(examples=["Example Patient"])
    locale: str | None = Field(examples=["de-DE"])
    time_zone: str | None = Field(examples=["Europe/Berlin"])
    roles: list[RoleGrantOut] = Field(description="All that you are, here and in clinics")
    patient_id: UUID | None = Field(
        description="Id of your own patient record; null: you have none, as staff of a clinic",
        examples=["0192f0c1-2b3c-7d4e-8f50-617283940013"],
    )
    doctor_id: UUID | None = Field(description="You as a doctor; of several, the first")
    version: int

    @classmethod
    def of(cls, profile: Profile) -> "ProfileOut":
        """Show somebody to themselves."""
        account, grants = profile.account, profile.grants
        return cls(
            user_id=account.id,
            email=account.email,
            email_verified=account.email_verified,
            password_change_required=account.password_is_temporary,
            full_name=account.full_name,
            locale=account.locale,
            time_zone=account.time_zone,
            roles=[RoleGrantOut(role=grant.role, clinic_id=grant.clinic_id) for grant in grants],
            patient_id=next((g.patient_id for g in grants if g.patient_id), None),
            doctor_id=next((g.doctor_id for g in grants if g.doctor_id), None),
            version=account.version,
        )


class SessionOut(BaseModel):
    """One sign-in on one device."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    created_at: datetime = Field(
        description="When somebody signed in there. UTC", examples=["2027-03-01T08:00:00Z"]
    )
    last_used_at: datetime = Field(description="When its tokens were last renewed. UTC")
    user_agent: str | None = Field(description="What the device said of itself")
    current: bool = Field(description="The session of this very request")

    @classmethod
    def of(cls, session: Session, actor: Actor) -> "SessionOut":
        """Show one session."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            user_agent=session.user_agent,
            current=session.id == actor.session_id,
        )


class JwkOut(BaseModel):
    """A public key (RFC 7517)."""

    kty: str = Field(examples=["EC"], description="Kind of key: `EC`")
    crv: str = Field(examples=["P-256"], description="Curve of the key (RFC 7518), `P-256`")
    x: str = Field(
        examples=["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"],
        description="One coordinate of the key, base64url",
    )
    y: str = Field(
        examples=["x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"],
        description="The other coordinate, base64url",
    )
    kid: str = Field(
        description="Its thumbprint (RFC 7638)",
        examples=["oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"],
    )
    use: str = Field(examples=["sig"], description="`sig`: for signatures")
    alg: str = Field(
        examples=["ES256"], description="With what algorithm tokens are signed (RFC 7518), `ES256`"
    )


class JwkSetOut(BaseModel):
    """The public keys that access tokens can be checked with."""

    keys: list[JwkOut] = Field(description="Each is named by its `kid`")
