"""What an answer about a booking shows beyond the booking, where it is asked for."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from booking_system.booking.application.expanding import ShowAround
from booking_system.booking.application.expanding_ports import LatestPayment, MoneyAround
from booking_system.booking.application.keep_references import ListReferences
from booking_system.booking.domain.appointment import Appointment
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.payment_state import PaymentState
from booking_system.directory.domain.references import References
from booking_system.directory.records.clinic_models import ClinicOut
from booking_system.directory.records.doctor_models import DoctorOut
from booking_system.directory.records.money_shown import MoneyOut
from booking_system.directory.records.references_shown import ReferencesOut, check_clinic
from booking_system.directory.records.service_shown import ServiceOut
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import ClinicId


class Expandable(StrEnum):
    """What can be shown with a booking."""

    CLINIC = "clinic"
    DOCTOR = "doctor"
    SERVICE = "service"
    PAYMENT = "payment"


Expand = Annotated[
    list[Expandable] | None,
    Query(
        max_length=4,
        description="Show these whole in `expanded`, as their own addresses do; `payment` is what a"
        " confirmation page shows of the money. Name it again for each",
        examples=[["clinic", "doctor"]],
    ),
]


class LatestPaymentOut(BaseModel):
    """The payment that is under way, else the newest: `GET /v1/payments/{id}` has the rest."""

    id: UUID = Field(examples=["0192f0c1-2b3c-7d4e-8f50-617283940020"])
    provider: str = Field(
        description="Through whom: `sandbox`, `stripe`, `paypal`; `desk`: at the clinic's desk",
        examples=["stripe"],
    )
    status: PaymentState
    amount: MoneyOut = Field(description="What this payment is, or was, about")
    amount_refunded: int = Field(
        description="How much of it was given back, in minor units of its currency", examples=[0]
    )
    checkout_url: str | None = Field(
        description="Where the payer goes on, while that is possible; null: it is over, or the"
        " provider has not answered yet",
        examples=["https://checkout.stripe.com/c/pay/cs_test_a1"],
    )
    expires_at: datetime | None = Field(
        description="Until then this payment can be paid. UTC; null: it is over"
    )

    @classmethod
    def of(cls, latest: LatestPayment) -> "LatestPaymentOut":
        """Show it."""
        return cls(
            id=latest.id,
            provider=latest.provider,
            status=latest.status,
            amount=MoneyOut.of(latest.amount),
            amount_refunded=latest.refunded,
            checkout_url=latest.checkout_url,
            expires_at=latest.expires_at,
        )


class BookedMoneyOut(BaseModel):
    """How the money of a booking stands."""

    due_now: MoneyOut | None = Field(
        description="What a payment that begins now would be about: what confirms the booking,"
        " else what is left of its price; null: there is nothing to pay"
    )
    pay_until: datetime | None = Field(
        description="Until then it has to be paid, for the booking to stay. UTC; null: there is"
        " nothing to pay, or no such limit"
    )
    latest: LatestPaymentOut | None = Field(description="null: nobody has begun to pay")

    @classmethod
    def of(cls, money: MoneyAround) -> "BookedMoneyOut":
        """Show it."""
        return cls(
            due_now=None if money.due_now is None else MoneyOut.of(money.due_now),
            pay_until=money.pay_until,
            latest=None if money.latest is None else LatestPaymentOut.of(money.latest),
        )


class ExpandedOut(BaseModel):
    """What a confirmation page shows beside the booking; what was not asked for is absent.

    As they are today, also where one was removed since.
    """

    clinic: ClinicOut | None = Field(
        default=None, description="The whole clinic as it is today; with `expand=clinic`"
    )
    doctor: DoctorOut | None = Field(
        default=None, description="The whole doctor as they are shown today; with `expand=doctor`"
    )
    service: ServiceOut | None = Field(
        default=None, description="With `expand=service`; null where the booking is of none"
    )
    payment: BookedMoneyOut | None = Field(
        default=None,
        description="With `expand=payment`: what is to be paid, until when, and the payment that"
        " counts; null where nothing is paid through this system",
    )
    references: ReferencesOut | None = Field(
        default=None,
        description="In a list, with `expand=references`: what another system calls the booking,"
        " and notes about it. For the clinic's staff alone",
    )


async def expanded(
    show: ShowAround, appointment: Appointment, wanted: Collection[Expandable]
) -> dict[str, Any]:
    """Return the values of `ExpandedOut`, reading no more than is wanted."""
    shown: dict[str, BaseModel | None] = {}
    if set(wanted) - {Expandable.PAYMENT}:
        around = await show(appointment)
        service = around.service
        whole: dict[Expandable, BaseModel | None] = {
            Expandable.CLINIC: ClinicOut.of(around.clinic),
            Expandable.DOCTOR: DoctorOut.of(around.doctor),
            Expandable.SERVICE: None if service is None else ServiceOut.of(service),
        }
        shown |= {one.value: it for one, it in whole.items() if one in wanted}
    if Expandable.PAYMENT in wanted:
        money = await show.payment(appointment)
        shown[Expandable.PAYMENT.value] = None if money is None else BookedMoneyOut.of(money)
    return shown


async def with_references(
    read: ListReferences,
    cards: Sequence[AppointmentCard],
    clinic_id: UUID | None,
    actor: Actor,
) -> dict[UUID, dict[str, Any]]:
    """Return `expanded` of each: one statement, however many.

    Raises `Invalid` without a clinic, `NotPermitted` for people who are not of its staff.
    """
    check_clinic(read, clinic_id, name="expand=references")
    assert clinic_id is not None, "it was checked"
    ids = [card.appointment.id for card in cards]
    noted = await read(clinic_id=ClinicId(clinic_id), ids=ids, actor=actor)
    return {one: {"references": ReferencesOut.of(noted.get(one, References()))} for one in ids}
