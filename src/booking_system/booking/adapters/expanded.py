"""What an answer about a booking shows beyond the booking, where it is asked for."""

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from booking_system.booking.application.expanding import Around
from booking_system.directory.records.clinic_models import ClinicOut
from booking_system.directory.records.doctor_models import DoctorOut
from booking_system.directory.records.service_shown import ServiceOut


class Expandable(StrEnum):
    """What can be shown with a booking."""

    CLINIC = "clinic"
    DOCTOR = "doctor"
    SERVICE = "service"


Expand = Annotated[
    list[Expandable] | None,
    Query(
        max_length=3,
        description="Show these whole in `expanded`, as their own addresses do: name it again for"
        " each",
        examples=["clinic"],
    ),
]


class ExpandedOut(BaseModel):
    """What a confirmation page shows beside the booking; what was not asked for is absent.

    As they are today, also where one was removed since. Of money the booking itself says what
    counts: `price`, `due_first`, `payment_status`, `expires_at`.
    """

    clinic: ClinicOut | None = Field(default=None, description="With `expand=clinic`")
    doctor: DoctorOut | None = Field(default=None, description="With `expand=doctor`")
    service: ServiceOut | None = Field(
        default=None, description="With `expand=service`; null where the booking is of none"
    )


def expanded_shown(around: Around, wanted: Collection[Expandable]) -> dict[str, Any]:
    """Return the values of `ExpandedOut`."""
    clinic, doctor, service = around.clinic, around.doctor, around.service
    shown: dict[Expandable, BaseModel | None] = {
        Expandable.CLINIC: ClinicOut.of(clinic),
        Expandable.DOCTOR: DoctorOut.of(doctor),
        Expandable.SERVICE: None if service is None else ServiceOut.of(service),
    }
    return {one.value: it for one, it in shown.items() if one in wanted}
