"""What payments tell the rest of the world: ids, amounts and versions, nothing of a payer."""

from dataclasses import dataclass
from typing import ClassVar

from booking_system.booking.domain.payment_state import PaymentState
from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.matters import MatterKind
from booking_system.payments.domain.refunds import RefundId
from booking_system.payments.domain.standing import Dispute
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent(DomainEvent):
    """Something happened to a payment. Amounts in minor units of `currency`.

    `version` counts the changes of the payment; `status` is what it is behind this one.
    """

    payment_id: PaymentId
    appointment_id: AppointmentId
    clinic_id: ClinicId
    version: int
    status: PaymentState
    amount: int
    amount_refunded: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSucceeded(PaymentEvent):
    """The money is there."""

    name: ClassVar[str] = "payment.succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(PaymentEvent):
    """It is over without money: the provider refused it for good."""

    name: ClassVar[str] = "payment.failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCancelled(PaymentEvent):
    """It is over without money: the payer's time was over, or nothing was to be paid any more."""

    name: ClassVar[str] = "payment.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(PaymentEvent):
    """Money went back and has settled."""

    name: ClassVar[str] = "payment.refunded"

    refund_id: RefundId
    refund_amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed(PaymentEvent):
    """Money that was to go back is still there, or came back: staff see to it."""

    name: ClassVar[str] = "payment.refund_failed"

    refund_id: RefundId
    refund_amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDisputed(PaymentEvent):
    """The payer's bank took money back, gave it back to the clinic, or decided for the payer."""

    name: ClassVar[str] = "payment.disputed"

    dispute: Dispute


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMatterOpened(PaymentEvent):
    """Staff have to see to something: what does not fit, or what no program can give back."""

    name: ClassVar[str] = "payment.matter_opened"

    matter: MatterKind
