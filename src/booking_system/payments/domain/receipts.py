"""Receipts: documents that are numbered per clinic and year, without a gap, and never changed.

What goes back is told by a further document, which refers to the first. Days are those of the
clinic's wall clock, half open, and money counts on the day on which it settled.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.ledger import IN, ON_PAPER, Line, LineKind
from booking_system.scheduling.domain.local_time import day_of, wall_clock
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId
from booking_system.shared_kernel.money import Money
from booking_system.shared_kernel.period import Period

DocumentId = NewType("DocumentId", UUID)


class DocumentKind(StrEnum):
    """What a document says."""

    RECEIPT = "receipt"
    """Money came in."""
    CORRECTION = "correction"
    """Of that, money went back, or came again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who issues a document, as it was called on that day; `time_zone` says which day it is."""

    clinic_id: ClinicId
    name: str
    address: str | None
    time_zone: str
    tax_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a document is about, and for whom, as it stood and was called when it was issued.

    `languages` are tags: the recipient's, if they have said one, then the clinic's. `starts_at` is
    in UTC. Amounts are minor units of the document's currency: `price` is None where nothing is
    owed (any more), `deposit` where the whole price confirms. `received` is what the clinic then
    had of it in all.
    """

    reference: str
    starts_at: datetime
    service: str | None
    recipient: str | None
    languages: tuple[str, ...]
    price: int | None
    deposit: int | None
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Who issues documents of an appointment today, for whom, in which languages, for what."""

    issuer: Issuer
    recipient: str | None
    service: str | None
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A document without a number. `money` is signed, instants are in UTC.

    `corrects` is the receipt that it refers to. `year` is that of the clinic's wall clock.
    """

    id: DocumentId
    kind: DocumentKind
    line: Line
    corrects: DocumentId | None
    title: str
    issuer: Issuer
    issued_at: datetime
    occasion: Occasion

    @property
    def year(self) -> int:
        """In which its number is counted."""
        return wall_clock(self.issued_at, self.issuer.time_zone).year


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document with its number, as it was issued.

    `corrects_name` is the printed number of the receipt that it refers to. None in `occasion`,
    `time_zone` and `is_live`: it was issued before these were kept.
    """

    id: DocumentId
    kind: DocumentKind
    number: int
    year: int
    clinic_id: ClinicId
    appointment_id: AppointmentId
    payment_id: PaymentId
    corrects: DocumentId | None
    money: Money
    provider: str
    method: str | None
    title: str
    issuer_name: str
    issuer_address: str | None
    issuer_tax_number: str | None
    time_zone: str | None
    is_live: bool | None
    settled_at: datetime
    issued_at: datetime
    corrects_name: str | None
    occasion: Occasion | None

    @property
    def name(self) -> str:
        """Return the number as it is printed, like `2027-000042`."""
        return printed_number(self.year, self.number)


def printed_number(year: int, number: int) -> str:
    """Return a number as people read it; it sorts in the order of issue."""
    return f"{year}-{number:06d}"


def drafts(
    lines: Iterable[Line], *, title: str, issuer: Issuer, issued_at: datetime, occasion: Occasion
) -> Iterator[Draft]:
    """Make a document of each line that is for paper; receipts come before what corrects them.

    `occasion` says what was received before the first of them.
    """
    on_paper = [one for one in lines if one.kind in ON_PAPER]
    for line in sorted(on_paper, key=lambda one: one.kind not in IN):
        comes = line.kind in IN
        occasion = replace(occasion, received=occasion.received + line.money.amount)
        yield Draft(
            id=_identity(line.payment_id, line.kind, line.provider_id),
            kind=DocumentKind.RECEIPT if comes else DocumentKind.CORRECTION,
            line=line,
            corrects=None if comes else _receipt_of(line),
            title=title,
            issuer=issuer,
            issued_at=issued_at,
            occasion=occasion,
        )


def _identity(payment_id: PaymentId, kind: LineKind, provider_id: str) -> DocumentId:
    return DocumentId(uuid5(payment_id, f"{kind} {provider_id}"))


def _receipt_of(line: Line) -> DocumentId:
    at_desk = line.kind is LineKind.DESK_REFUND
    kind = LineKind.DESK_PAYMENT if at_desk else LineKind.CHARGE
    return _identity(line.payment_id, kind, line.charge_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotals:
    """What came and went on one local day of a clinic; `period` is that day in UTC.

    `sums` are signed minor units by currency, provider, method and kind of line.
    """

    day: date
    period: Period
    sums: dict[tuple[str, str, str | None, LineKind], int]

    def total(self, currency: str) -> int:
        """Return what the day brought in this currency."""
        return sum(amount for (of, *_), amount in self.sums.items() if of == currency)


def totals_of(day: date, time_zone: str, lines: Iterable[Line]) -> DayTotals:
    """Add up the lines that settled on this day of the clinic's wall clock.

    Raises `NonexistentLocalTime` for a day that its zone skipped.
    """
    period = day_of(day, time_zone)
    sums: Counter[tuple[str, str, str | None, LineKind]] = Counter()
    for one in lines:
        if one.settled_at in period:
            sums[one.money.currency, one.account.provider, one.method, one.kind] += one.money.amount
    return DayTotals(day=day, period=period, sums=dict(sums))
