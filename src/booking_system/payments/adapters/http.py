"""Payments of a booking over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Response

from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.refusals import AppointmentNotFound, BookingNotActive
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.policies import signed_in
from booking_system.payments.adapters.models import (
    DeskPaymentIn,
    PaymentIn,
    PaymentOut,
    PaymentsOut,
    ReceiptOut,
    ReceiptsOut,
    RefundIn,
)
from booking_system.payments.adapters.result_links import ResultLinks
from booking_system.payments.application.ports import Shown
from booking_system.payments.application.read_payments import (
    ListPayments,
    ShowDocuments,
    ShowPayment,
)
from booking_system.payments.application.refund_payment import RefundPayment, RefundWish
from booking_system.payments.application.start_payment import PaymentWish, StartPayment
from booking_system.payments.application.take_at_desk import DeskWish, TakeAtDesk
from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.refusals import (
    PaymentAlreadyMade,
    PaymentInProgress,
    PaymentIsDisputed,
    PaymentNotFound,
    PaymentNotRequired,
    RefundExceedsPayment,
)
from booking_system.platform.http.answers import json_answer, making_answer
from booking_system.platform.http.caller import caller
from booking_system.platform.http.etag import etag_of
from booking_system.platform.http.input import StrictRequest
from booking_system.platform.http.once import ClaimedFirst, InOneTransaction
from booking_system.platform.http.routing import Routes
from booking_system.shared_kernel.errors import NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId

Caller = Annotated[Actor, Depends(caller)]
OF_BOOKING = "/v1/bookings/{booking_id}"
ONE = "/v1/payments/{payment_id}"
OWED = [AppointmentNotFound, BookingNotActive, PaymentNotRequired, PaymentAlreadyMade]


class SeeAppointment(Protocol):
    """Booking's use case: shows an appointment to people who may see it."""

    async def __call__(self, *, appointment_id: AppointmentId, actor: Actor) -> AppointmentCard:
        """Return it. Raises `AppointmentNotFound`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRoutes:
    """HTTP for payments."""

    see: SeeAppointment
    start: StartPayment
    at_desk: TakeAtDesk
    show: ShowPayment
    list: ListPayments
    refund: RefundPayment
    documents: ShowDocuments
    links: ResultLinks

    def routes(self) -> Routes:
        """List the operations."""
        routes = Routes("Payments")
        routes.add(
            "POST",
            f"{OF_BOOKING}/payments",
            self.start_payment,
            policy=signed_in,
            status=201,
            answers=PaymentOut,
            refuses=[*OWED, NotPermitted, PaymentInProgress],
            once=ClaimedFirst(again=self.show_payment_again),
        )
        routes.add(
            "POST",
            f"{OF_BOOKING}/desk-payments",
            self.record_desk_payment,
            policy=signed_in,
            status=201,
            answers=PaymentOut,
            refuses=[*OWED, NotPermitted],
            once=InOneTransaction(again=self.show_payment_again),
        )
        routes.add(
            "GET",
            f"{OF_BOOKING}/payments",
            self.list_booking_payments,
            policy=signed_in,
            answers=PaymentsOut,
            refuses=[AppointmentNotFound],
        )
        routes.add(
            "GET",
            ONE,
            self.read_payment,
            policy=signed_in,
            answers=PaymentOut,
            refuses=[PaymentNotFound],
        )
        routes.add(
            "POST",
            f"{ONE}/refunds",
            self.refund_payment,
            policy=signed_in,
            status=201,
            answers=PaymentOut,
            refuses=[PaymentNotFound, NotPermitted, RefundExceedsPayment, PaymentIsDisputed],
            once=InOneTransaction(again=self.show_payment_again),
        )
        routes.add(
            "GET",
            f"{ONE}/receipts",
            self.list_payment_receipts,
            policy=signed_in,
            answers=ReceiptsOut,
            refuses=[PaymentNotFound],
        )
        return routes

    async def start_payment(self, booking_id: UUID, body: PaymentIn, actor: Caller) -> Response:
        """Begin to pay for a booking: send the payer to `checkout_url`.

        What is owed is asked for: the deposit or the price that confirms it, else the rest. Asked
        again in the same way while it is under way, it is the same payment. The booking says when
        it is confirmed; the way back from the provider's page proves nothing. While the provider
        has not answered, `checkout_url` is null: read the payment again in a moment.
        """
        card = await self.see(appointment_id=AppointmentId(booking_id), actor=actor)
        if actor.patient_id != card.appointment.patient_id:
            _check_staff(card, actor)
        back = body.return_url or self.links.link(booking_id)
        wish = PaymentWish(
            appointment_id=AppointmentId(booking_id),
            provider=body.provider,
            presentation=body.mode,
            title=_title(card),
            language=body.language,
            return_url=back,
            cancel_url=back,
        )
        return _made(await self.start(wish, actor), card, actor)

    async def record_desk_payment(
        self, booking_id: UUID, body: DeskPaymentIn, actor: Caller
    ) -> Response:
        """Record money taken at the desk: in cash, or with the clinic's own card terminal."""
        card = await self.see(appointment_id=AppointmentId(booking_id), actor=actor)
        _check_staff(card, actor)
        wish = DeskWish(
            appointment_id=AppointmentId(booking_id),
            amount=body.amount,
            method=body.method,
            title=_title(card),
            language="en",
        )
        return _made(await self.at_desk(wish, actor), card, actor)

    async def list_booking_payments(self, booking_id: UUID, actor: Caller) -> Response:
        """List the payments of a booking: what was tried and paid, the first first."""
        appointment_id = AppointmentId(booking_id)
        card = await self.see(appointment_id=appointment_id, actor=actor)
        found = await self.list(appointment_id)
        return json_answer(PaymentsOut(items=[_shown(one, card, actor) for one in found]))

    async def read_payment(self, payment_id: UUID, actor: Caller) -> Response:
        """Read one payment: and what became of it."""
        shown, card = await self._seen(payment_id, actor)
        return _answer(shown, card, actor)

    async def refund_payment(self, payment_id: UUID, body: RefundIn, actor: Caller) -> Response:
        """Refund a payment, or a part of it; for the clinic's staff.

        It is asked of the provider in a moment; `refunds` of the payment say when it is settled.
        What was paid at the desk counts as given back there at once.
        """
        _, card = await self._seen(payment_id, actor)
        _check_staff(card, actor)
        wish = RefundWish(payment_id=PaymentId(payment_id), amount=body.amount, reason=body.reason)
        await self.refund(wish, actor)
        shown = await self.show(PaymentId(payment_id))
        return _made(shown, card, actor)

    async def list_payment_receipts(self, payment_id: UUID, actor: Caller) -> Response:
        """List the receipts of a payment: what corrects them too, in the order of issue."""
        await self._seen(payment_id, actor)
        found = await self.documents(PaymentId(payment_id))
        return json_answer(ReceiptsOut(items=[ReceiptOut.of(one) for one in found]))

    async def show_payment_again(self, request: StrictRequest, made: Sequence[UUID]) -> Response:
        """Show the payment. Raises `PaymentNotFound`."""
        actor: Actor = request.scope["caller"]
        shown, card = await self._seen(made[0], actor)
        return _answer(shown, card, actor)

    async def _seen(self, payment_id: UUID, actor: Actor) -> tuple[Shown, AppointmentCard]:
        """A payment is seen by all who see its appointment."""
        shown = await self.show(PaymentId(payment_id))
        try:
            card = await self.see(appointment_id=shown.attempt.asked.appointment_id, actor=actor)
        except AppointmentNotFound:
            raise PaymentNotFound from None
        return shown, card


def _check_staff(card: AppointmentCard, actor: Actor) -> None:
    if not actor.works_at(card.appointment.clinic_id):
        raise NotPermitted


def _title(card: AppointmentCard) -> str:
    """What the payer reads: whose bill it is, and nothing of why they come."""
    return f"{card.clinic_name}, {card.appointment.reference}"


def _shown(shown: Shown, card: AppointmentCard, actor: Actor) -> PaymentOut:
    return PaymentOut.of(shown, for_staff=actor.works_at(card.appointment.clinic_id))


def _answer(shown: Shown, card: AppointmentCard, actor: Actor) -> Response:
    tag = {"ETag": etag_of(shown.attempt.version)}
    return json_answer(_shown(shown, card, actor), headers=tag)


def _made(shown: Shown, card: AppointmentCard, actor: Actor) -> Response:
    attempt = shown.attempt
    headers = {"Location": f"/v1/payments/{attempt.id}", "ETag": etag_of(attempt.version)}
    return making_answer(_shown(shown, card, actor), [attempt.id], headers=headers)
