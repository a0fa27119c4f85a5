"""What the API takes and gives of services."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from booking_system.directory.domain.service import PaymentTerms
from booking_system.directory.records.references_shown import NOTED, ExternalId, Metadata
from booking_system.platform.http.fields import Currency, Whole
from booking_system.platform.http.input import Change, Input, ShortText
from booking_system.shared_kernel.identifiers import DoctorId
from booking_system.shared_kernel.mode import Mode
from booking_system.shared_kernel.money import Money


def _each_once(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) != len(ids):
        message = "names a doctor twice"
        raise ValueError(message)
    return ids


Duration = Annotated[
    Whole,
    Field(
        ge=1, le=1440, description="How long it takes, in minutes, without buffers", examples=[30]
    ),
]
Buffer = Annotated[Whole, Field(ge=0, le=240)]
DoctorIds = Annotated[
    list[UUID],
    Field(max_length=500, description="The doctors of the clinic who offer it"),
    AfterValidator(_each_once),
]


class MoneyIn(Input):
    """An amount in minor units of the clinic's currency."""

    amount: Annotated[Whole, Field(ge=0, le=100_000_000, examples=[4500])]
    currency: Currency


class ServiceIn(Input):
    """A new service."""

    name: ShortText = Field(examples=["First visit"])
    duration_minutes: Duration
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    price: MoneyIn | None = None
    deposit: MoneyIn | None = None
    mode: Mode = Mode.IN_PERSON
    payment: PaymentTerms = PaymentTerms.NONE
    doctor_ids: DoctorIds = Field(default=[])
    external_id: ExternalId | None = None
    metadata: Metadata | None = None

    def fields(self) -> dict[str, Any]:
        """Return the service's fields as the domain has them."""
        return _as_domain(self.model_dump(exclude=NOTED))


class ServiceChangeIn(Change):
    """What changes about a service."""

    name: ShortText = Field(default="", examples=["First visit"])
    duration_minutes: Duration = 1
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    price: MoneyIn | None = None
    deposit: MoneyIn | None = None
    mode: Mode = Mode.IN_PERSON
    payment: PaymentTerms = PaymentTerms.NONE
    doctor_ids: DoctorIds = Field(default=[])

    def changes(self) -> dict[str, Any]:
        """Return the fields that change, as the domain has them."""
        return _as_domain(self.given())


def _as_domain(fields: dict[str, Any]) -> dict[str, Any]:
    made = dict(fields)
    for name in ("price", "deposit"):
        if made.get(name) is not None:
            made[name] = Money(**made[name])
    if "doctor_ids" in made:
        made["doctor_ids"] = tuple(DoctorId(one) for one in made["doctor_ids"])
    return made
