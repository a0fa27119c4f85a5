"""What patients want to be told, over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Depends, Path, Response
from pydantic import BaseModel, Field

from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.notifications.application.preferences import (
    ChangePreferences,
    LiftAddress,
    ReadPreferences,
    SetPreferences,
)
from booking_system.notifications.domain.message import Channel
from booking_system.notifications.domain.preferences import Preferences, QuietHours
from booking_system.notifications.domain.reach import AddressNotLifted, Reach
from booking_system.platform.http.answers import json_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import IfMatch, etag_of, expected_version
from booking_system.platform.http.input import Input, StrictRequest
from booking_system.platform.http.once import InOneTransaction
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotFound, Stale
from booking_system.shared_kernel.identifiers import PatientId

Caller = Annotated[Actor, Depends(caller)]
ChannelOfPath = Annotated[
    Literal["email", "sms"],
    Path(
        description="Which of the patient's addresses: `email`, or `sms` for the telephone",
        examples=["email"],
    ),
]
PATH = "/v1/patients/{patient_id}/notification-preferences"
WALL_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
WallClock = Annotated[str, Field(pattern=WALL_CLOCK)]
USUAL = Preferences()


def _shown(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _minute(shown: str) -> int:
    return int(shown[:2]) * 60 + int(shown[3:])


class PreferencesIn(Input):
    """What a patient wants to be told, and through what."""

    email: bool = Field(default=USUAL.email, description="E-mails about appointments")
    sms: bool = Field(default=USUAL.sms, description="Whether SMS about appointments are sent")
    reminders: bool = Field(
        default=USUAL.reminders, description="Reminders; what happens is told in any case"
    )
    quiet_from: WallClock = Field(
        default=_shown(USUAL.quiet.since),
        description="From then on no reminders, on the patient's own clock",
        examples=["21:00"],
    )
    quiet_until: WallClock = Field(
        default=_shown(USUAL.quiet.until),
        description="Until then; the same as `quiet_from`: no quiet hours",
        examples=["08:00"],
    )

    def preferences(self) -> Preferences:
        """Return what it says."""
        quiet = QuietHours(since=_minute(self.quiet_from), until=_minute(self.quiet_until))
        return Preferences(email=self.email, sms=self.sms, reminders=self.reminders, quiet=quiet)


class AddressOut(BaseModel):
    """Whether messages go to the patient's address in a channel. Times in UTC."""

    channel: Channel = Field(examples=["email"])
    state: Reach = Field(
        description="`bounced`: mails came back; `unusable`: the number takes no SMS; `suppressed`:"
        " a mail was complained about; `opted_out`: nothing is wanted from a sender",
        examples=["bounced"],
    )
    since: datetime | None
    until: datetime | None = Field(description="null: for good, or there is nothing")
    may_be_lifted: bool = Field(description="By `POST …/{channel}/lift`")


class PreferencesOut(BaseModel):
    """What a patient wants to be told, and through what."""

    email: bool = Field(description="Whether e-mails about appointments are wanted")
    sms: bool = Field(description="Whether SMS about appointments are wanted")
    reminders: bool = Field(
        description="Whether reminders are wanted; what happens is told in any case"
    )
    quiet_from: str = Field(examples=["21:00"])
    quiet_until: str = Field(examples=["08:00"])
    version: int = Field(description="0 where nothing was set, and what is usual holds")
    addresses: list[AddressOut] = Field(
        description="How the patient can be reached: the e-mail address, and the number"
    )

    @classmethod
    def of(cls, stored: SetPreferences) -> Self:
        """Show them."""
        has = stored.preferences
        return cls(
            email=has.email,
            sms=has.sms,
            reminders=has.reminders,
            quiet_from=_shown(has.quiet.since),
            quiet_until=_shown(has.quiet.until),
            version=stored.version,
            addresses=[
                AddressOut.model_validate(one, from_attributes=True) for one in stored.addresses
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceRoutes:
    """HTTP for preferences."""

    read: ReadPreferences
    change: ChangePreferences
    lift: LiftAddress

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Notifications")
        routes.add(
            "GET",
            PATH,
            self.read_notification_preferences,
            policy=signed_in,
            answers=PreferencesOut,
            refuses=[NotFound],
        )
        routes.add(
            "PUT",
            PATH,
            self.set_notification_preferences,
            policy=signed_in,
            answers=PreferencesOut,
            refuses=[NotFound, Stale],
        )
        routes.add(
            "POST",
            f"{PATH}/{{channel}}/lift",
            self.lift_address_block,
            policy=signed_in,
            answers=PreferencesOut,
            refuses=[NotFound, AddressNotLifted],
            once=InOneTransaction(again=self.show_again),
        )
        return routes

    async def lift_address_block(
        self, patient_id: UUID, channel: ChannelOfPath, actor: Caller
    ) -> Response:
        """Let an address be written to again: it was `bounced` or `unusable`, and works now.

        What was skipped meanwhile is not sent again. What somebody has asked for is lifted by
        nobody else.
        """
        return _answer(
            await self.lift(patient_id=PatientId(patient_id), channel=Channel(channel), actor=actor)
        )

    async def show_again(self, request: StrictRequest, _: Sequence[UUID]) -> Response:
        """Show how things stand. Raises `NotFound`."""
        patient_id = PatientId(UUID(request.path_params["patient_id"]))
        return _answer(await self.read(patient_id=patient_id, actor=request.scope["caller"]))

    async def read_notification_preferences(self, patient_id: UUID, actor: Caller) -> Response:
        """Show what a patient wants to be told: yourself, or somebody your clinic knows."""
        return _answer(await self.read(patient_id=PatientId(patient_id), actor=actor))

    async def set_notification_preferences(
        self, patient_id: UUID, body: PreferencesIn, actor: Caller, if_match: IfMatch = None
    ) -> Response:
        """Set what a patient wants to be told. What is left out is as usual. For all clinics.

        What an opt-out by SMS or a provider has stopped, this does not start again: that takes a
        START from the number itself.
        """
        done = await self.change(
            patient_id=PatientId(patient_id),
            preferences=body.preferences(),
            version=expected_version(if_match),
            actor=actor,
        )
        return _answer(done)


def _answer(stored: SetPreferences) -> Response:
    headers = {"ETag": etag_of(stored.version)}
    return json_answer(PreferencesOut.of(stored), headers=headers)
