"""What the API of payments takes and gives."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.booking.domain.payment_state import PaymentState
from booking_system.directory.records.money_shown import MoneyOut
from booking_system.payments.application.ports import Shown
from booking_system.payments.application.provider_port import Presentation
from booking_system.payments.application.take_at_desk import Method
from booking_system.payments.domain.attempt import Attempt, AttemptState
from booking_system.payments.domain.ledger import LineKind
from booking_system.payments.domain.receipts import DayTotals, Document, DocumentKind
from booking_system.payments.domain.refunds import Refund, RefundReason, RefundState
from booking_system.payments.domain.standing import Dispute, standing_of
from booking_system.platform.http.fields import Locale, Whole
from booking_system.platform.http.input import Input, LongText

PAYMENT_ID = "0192f0c1-2b3c-7d4e-8f50-617283940020"
Amount = Annotated[
    Whole,
    Field(ge=1, le=100_000_000, description="How much, in minor units of the booking's currency"),
]
Address = Annotated[
    str,
    Field(
        max_length=2000,
        pattern=r"^https?://[^\s@/]+(/\S*)?$",
        description="Where the payer goes on; default: a page of ours that says what came of it",
        examples=["https://www.example.com/thanks"],
    ),
]


class PaymentIn(Input):
    """How somebody wants to pay. What they pay is not theirs to say."""

    provider: Literal["sandbox", "stripe", "paypal"] = Field(
        description="Through whom; the clinic has to offer it"
    )
    mode: Presentation = Field(
        default=Presentation.REDIRECT,
        description="`redirect`: send the payer to `checkout_url`. `embedded`: show the provider's"
        " form with `client_secret` and `publishable_key`",
    )
    return_url: Address | None = Field(
        default=None,
        description="Where the provider sends the payer afterwards; left out: to a page"
        " of this system",
    )
    language: Locale = Field(default="en", description="Language of the provider's page (BCP 47)")


class DeskPaymentIn(Input):
    """What staff took."""

    method: Method = Field(description="In cash, or with a card terminal of the clinic's")
    amount: Amount | None = Field(default=None, description="Default: all that is owed still")


class RefundIn(Input):
    """What goes back."""

    amount: Amount | None = Field(default=None, description="Default: all that is left of it")
    reason: LongText | None = Field(default=None, examples=["Doctor was ill"])


class RefundOut(BaseModel):
    """Money that goes back; `refunded` is said when it is `settled`."""

    id: UUID
    amount: MoneyOut = Field(description="How much goes back, in minor units, and its currency")
    state: RefundState = Field(
        description="`asked`: it will be sent to the provider; `pending`: the provider works on it;"
        " `settled`: the money has gone back; `failed`: it has not, and somebody has to see to it"
    )
    reason: RefundReason = Field(description="Why: what happened, or that staff wanted it")
    note: str | None = Field(
        description="What staff wrote; shown to the clinic only", examples=["Doctor was ill"]
    )
    created_at: datetime

    @classmethod
    def of(cls, refund: Refund, *, for_staff: bool) -> "RefundOut":
        """Show it."""
        return cls(
            id=refund.id,
            amount=MoneyOut.of(refund.money),
            state=refund.state,
            reason=refund.reason,
            note=refund.note if for_staff else None,
            created_at=refund.created_at,
        )


class PaymentOut(BaseModel):
    """One try to pay, and what came of it. Times in UTC."""

    id: UUID = Field(examples=[PAYMENT_ID])
    booking_id: UUID
    provider: str = Field(
        description="`sandbox`, `stripe`, `paypal`, or `desk`", examples=["stripe"]
    )
    status: PaymentState
    amount: MoneyOut = Field(description="What is, or was, to be paid")
    amount_refunded: int = Field(
        description="How much of it was given back, in minor units of its currency", examples=[0]
    )
    dispute: Dispute | None = Field(description="A complaint to the payer's bank that took money")
    checkout_url: str | None = Field(
        description="Where to pay, while that is possible; null while the provider is asked",
        examples=["https://checkout.stripe.com/c/pay/cs_test_a1"],
    )
    client_secret: str | None = Field(
        description="For the provider's embedded form only", examples=["cs_test_a1_secret_b2"]
    )
    publishable_key: str | None = Field(
        description="For the provider's embedded form only", examples=["pk_test_51Example"]
    )
    expires_at: datetime | None = Field(description="Until then it can be paid, while `pending`")
    refunds: list[RefundOut] = Field(description="What goes back of it, the first first")
    version: int
    created_at: datetime

    @classmethod
    def of(cls, shown: Shown, *, for_staff: bool) -> "PaymentOut":
        """Show it; the form's secret only while it can be used."""
        attempt = shown.attempt
        asked, standing = attempt.asked, standing_of(attempt, shown.lines)
        is_open = attempt.state in {AttemptState.CREATING, AttemptState.OPEN}
        return cls(
            id=attempt.id,
            booking_id=asked.appointment_id,
            provider=asked.account.provider,
            status=standing.status,
            amount=MoneyOut.of(asked.amount),
            amount_refunded=standing.refunded,
            dispute=standing.dispute,
            checkout_url=_while(is_open, attempt, "checkout_url"),
            client_secret=_while(is_open, attempt, "client_secret"),
            publishable_key=_while(is_open, attempt, "publishable_key"),
            expires_at=asked.window_end if is_open else None,
            refunds=[RefundOut.of(one, for_staff=for_staff) for one in shown.refunds],
            version=attempt.version,
            created_at=asked.created_at,
        )


def _while(is_open: bool, attempt: Attempt, name: str) -> str | None:  # noqa: FBT001
    found: str | None = getattr(attempt, name)
    return found if is_open else None


class PaymentsOut(BaseModel):
    """All payments of a booking, the first first."""

    items: list[PaymentOut]


class ReceiptOut(BaseModel):
    """A numbered document: a receipt, or a correction that refers to one."""

    id: UUID
    number: str = Field(
        examples=["2027-000042"], description="Its number among the clinic's documents"
    )
    pdf_path: str = Field(
        description="To download, with the same authorization",
        examples=["/v1/receipts/0192f0c1-2b3c-7d4e-8f50-617283940030.pdf"],
    )
    html_path: str = Field(
        description="Address of the document as a page, to show or to print",
        examples=["/v1/receipts/0192f0c1-2b3c-7d4e-8f50-617283940030.html"],
    )
    kind: DocumentKind = Field(
        description="`receipt`: money came in; `correction`: of that, some went back, or came again"
    )
    corrects: UUID | None = Field(description="The receipt that it refers to")
    amount: MoneyOut = Field(description="Negative where money went back")
    title: str = Field(
        examples=["Example Clinic, K7QM-3F9D"],
        description="What the money was for: the clinic and the booking's reference",
    )
    issuer: str = Field(
        description="The clinic, as it was called then", examples=["Example Clinic"]
    )
    issuer_address: str | None = Field(
        examples=["1 Example Street"],
        description="The clinic's postal address at that time; null: none",
    )
    paid_by: str = Field(
        description="The provider, or `cash`, `terminal`", examples=["stripe", "cash"]
    )
    settled_at: datetime
    issued_at: datetime

    @classmethod
    def of(cls, document: Document) -> "ReceiptOut":
        """Show it."""
        money = document.money
        return cls(
            id=document.id,
            number=document.name,
            pdf_path=f"/v1/receipts/{document.id}.pdf",
            html_path=f"/v1/receipts/{document.id}.html",
            kind=document.kind,
            corrects=document.corrects,
            amount=MoneyOut.of(money),
            title=document.title,
            issuer=document.issuer_name,
            issuer_address=document.issuer_address,
            paid_by=document.method or document.provider,
            settled_at=document.settled_at,
            issued_at=document.issued_at,
        )


class ReceiptsOut(BaseModel):
    """All documents of a payment in the order of issue; none before the money is there."""

    items: list[ReceiptOut]


class DaySumOut(BaseModel):
    """What came, or went, in one way."""

    currency: str = Field(examples=["EUR"])
    provider: str = Field(examples=["desk"])
    method: str | None = Field(
        examples=["cash"],
        description="How the desk took it: `cash` or `terminal`; null: it went through a provider",
    )
    kind: LineKind = Field(
        description="Why the money moved; `desk_payment` and `desk_refund` are of the desk"
    )
    amount: int = Field(description="In minor units; negative: it went", examples=[4500])


class DayTotalsOut(BaseModel):
    """What came and went on one day of the clinic's wall clock, by when the money settled."""

    date: date
    starts_at: datetime = Field(description="When that day begins. UTC")
    ends_at: datetime = Field(description="When that day ends, the first instant behind it. UTC")
    sums: list[DaySumOut] = Field(description="One for each currency, provider and way of paying")

    @classmethod
    def of(cls, totals: DayTotals) -> "DayTotalsOut":
        """Show it, in a set order."""
        sums = [
            DaySumOut(currency=currency, provider=provider, method=method, kind=kind, amount=sum_)
            for (currency, provider, method, kind), sum_ in totals.sums.items()
        ]
        return cls(
            date=totals.day,
            starts_at=totals.period.starts_at,
            ends_at=totals.period.ends_at,
            sums=sorted(sums, key=lambda s: (s.currency, s.provider, s.method or "", s.kind)),
        )
