"""What payments needs of appointments, of its own tables, and of the accounts at providers."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Protocol
from uuid import UUID

from booking_system.payments.application.provider_port import Hint, Provider
from booking_system.payments.domain.attempt import Attempt, PaymentId
from booking_system.payments.domain.books import Books
from booking_system.payments.domain.export import Entry
from booking_system.payments.domain.ledger import Line
from booking_system.payments.domain.matters import Matter
from booking_system.payments.domain.owed import MoneyStatus, Owed
from booking_system.payments.domain.receipts import Document, DocumentId, Draft, Issuer, Parties
from booking_system.payments.domain.refunds import Refund, RefundId
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId
from booking_system.shared_kernel.period import Period

WorkId = NewType("WorkId", UUID)


class Appointments(Protocol):
    """Booking's side of it: every call is a part of the caller's transaction."""

    async def lock(self, appointment_id: AppointmentId) -> Owed | None:
        """Lock the appointment until the transaction ends; None where there is none."""
        ...

    async def confirm(self, appointment_id: AppointmentId, *, now: datetime) -> bool:
        """Confirm what waits for money, or waited too long; False: its time is somebody else's."""
        ...

    async def expire(self, appointment_id: AppointmentId, *, now: datetime) -> None:
        """End what waited for money too long; its slots are free."""
        ...

    async def keep(self, appointment_id: AppointmentId, *, until: datetime, now: datetime) -> bool:
        """Keep its time for it until then, because its money is being captured.

        What waits for money has its `pay_by` moved on, never back; what ran out of time gets its
        slots back for so long, if they are free; of what is confirmed nothing changes. False: its
        time is somebody else's, or it is not to take place.
        """
        ...

    async def set_payment_status(self, appointment_id: AppointmentId, status: MoneyStatus) -> None:
        """Show what became of its money; no change where that is shown already."""
        ...


class WorkKind(StrEnum):
    """What there is to do towards a provider, or when a time is over."""

    CREATE = "create"
    POLL = "poll"
    END = "end"
    CAPTURE = "capture"
    REFUND = "refund"
    EXPIRE = "expire"
    SETTLE = "settle"
    """Its appointment was changed: what is owed to whom is computed anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something to do, due at an instant (UTC). Of each kind one for a payment, or for a refund."""

    kind: WorkKind
    payment_id: PaymentId
    due_at: datetime
    refund_id: RefundId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Work that one worker has at hand until its lease is over.

    `token` fences: a later claim has a higher one. `asked` says how often it was planned, and
    `attempts` how often it was claimed since it was done last. `problem` is why it was put off the
    last time, `problem_since` (UTC) since when for nothing else.
    """

    id: WorkId
    kind: WorkKind
    payment_id: PaymentId
    refund_id: RefundId | None
    token: int
    asked: int
    attempts: int
    problem: str | None = None
    problem_since: datetime | None = None


class PaymentsWork(Protocol):
    """What one transaction over payments can reach.

    Order of locks: the appointment (by `Appointments`), its attempts by id, a receipt counter.
    """

    async def appointment_of(self, payment_id: PaymentId) -> AppointmentId | None:
        """Say which appointment it is of, which never changes; locks nothing."""
        ...

    async def books(self, appointment_id: AppointmentId) -> Books:
        """Lock all attempts of a locked appointment, and read all that is written of its money."""
        ...

    async def add_attempt(self, attempt: Attempt) -> None:
        """Store a new one. Raises `Transient` where another one is live."""
        ...

    async def save_attempt(self, attempt: Attempt) -> None:
        """Store where a locked one stands."""
        ...

    async def add_lines(self, lines: Iterable[Line]) -> Sequence[Line]:
        """Store lines of the ledger, and return those that were not there yet."""
        ...

    async def save_refund(self, refund: Refund) -> None:
        """Store a refund, new or changed."""
        ...

    async def save_matters(self, before: Sequence[Matter], then: Sequence[Matter]) -> None:
        """Store the matters that are open; those that are so no more are resolved."""
        ...

    async def plan(self, work: Work) -> None:
        """Have something done: what is planned already is due at the earlier of both instants."""
        ...

    async def parties(self, owed: Owed) -> Parties:
        """Return what documents of an appointment say today of who issues them, and for whom."""
        ...

    async def issue(self, documents: Sequence[Draft]) -> None:
        """Number and store documents of one clinic and year; the counter is the last lock."""
        ...

    async def record(self, events: Sequence[DomainEvent]) -> None:
        """Store what happened, behind all that is waited for."""
        ...


PaymentsTransaction = Callable[[], AbstractAsyncContextManager[PaymentsWork]]
"""Opens a unit of work: leaving the block commits, an exception undoes everything.

Calls of `Appointments` inside of it are parts of it.
"""


class WorkQueue(Protocol):
    """Work that is due. Each write of a claim's owner changes nothing where the claim was lost."""

    async def claim(self, *, most: int, now: datetime) -> Sequence[Claim]:
        """Claim what is due, also what a worker has claimed and left."""
        ...

    async def claim_one(
        self, kind: WorkKind, payment_id: PaymentId, *, now: datetime
    ) -> Claim | None:
        """Claim this, if it is due and nobody has it."""
        ...

    async def finish(self, claim: Claim) -> None:
        """Note that it is done; what was planned anew meanwhile is due again."""
        ...

    async def put_off(
        self, claim: Claim, *, due_at: datetime, problem: str | None, now: datetime
    ) -> None:
        """Give it back, to be done later."""
        ...


class Providers(Protocol):
    """The accounts at providers."""

    async def chosen(self, provider: str, clinic_id: ClinicId) -> Provider | None:
        """Return the account that a clinic takes money at: its own before the platform's."""
        ...

    async def of(self, account: Account) -> Provider | None:
        """Return this account; None: it is set up no more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One payment with the ledger's lines of it."""

    attempt: Attempt
    lines: tuple[Line, ...]
    refunds: tuple[Refund, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMatter:
    """A matter with its id, for people who see to it."""

    id: UUID
    matter: Matter


class ShowsPayment(Protocol):
    """Reads one payment without locking anything."""

    async def show(self, payment_id: PaymentId) -> Shown | None:
        """Return one payment."""
        ...


class PaymentsReader(ShowsPayment, Protocol):
    """Reads without locking anything."""

    async def list(self, appointment_id: AppointmentId) -> Sequence[Shown]:
        """Return all payments of an appointment, the first first."""
        ...

    async def recent(self, *, since: datetime) -> Sequence[PaymentId]:
        """Return payments at providers that are open or were begun since, the first begun first."""
        ...

    async def documents(self, payment_id: PaymentId) -> Sequence[Document]:
        """Return the receipts of a payment and what corrects them, in the order of issue."""
        ...

    async def document(self, document_id: DocumentId) -> Document | None:
        """Return one document."""
        ...

    async def issuer(self, clinic_id: ClinicId) -> Issuer | None:
        """Return what a clinic is called, and its time zone; None where there is none."""
        ...

    async def settled(self, clinic_id: ClinicId, period: Period) -> Sequence[Line]:
        """Return the ledger's lines of a clinic that settled in a period, in time order."""
        ...

    async def entries(
        self, clinic_id: ClinicId, period: Period, *, after: Entry | None, most: int
    ) -> Sequence[Entry]:
        """Return lines that settled in a period, with their documents, in time order.

        `after` is the last one of the page before.
        """
        ...

    async def matters(self, clinic_id: ClinicId, *, most: int) -> Sequence[OpenMatter]:
        """Return the open matters of a clinic, the oldest first."""
        ...


class Inbox(Protocol):
    """Events of providers: stored before they are answered, handled once."""

    async def store(self, account: Account, hint: Hint, body: bytes, *, now: datetime) -> bool:
        """Keep it; False: it is there already."""
        ...

    async def waiting(self, *, most: int, before: datetime) -> Sequence[UUID]:
        """Return the ids of events that can be handled now, `most` of each of two kinds.

        These are about payments that are known, or came before `before`. Those that nobody knows
        yet hold up no others, however many they are.
        """
        ...

    async def match(self, event_id: UUID, *, now: datetime) -> bool:
        """Have the payment that the event names looked at, and note that it is handled.

        One transaction, so that the event is handled just when the work is planned. False: no
        payment of ours is named so, at least not yet.
        """
        ...

    async def give_up(self, event_id: UUID, *, before: datetime, now: datetime) -> bool:
        """Note that an event that came before an instant is about nothing of ours."""
        ...


class MatterBook(Protocol):
    """Matters that people have seen to."""

    async def resolve(
        self, matter_id: UUID, clinic_ids: frozenset[ClinicId], *, by: UUID, now: datetime
    ) -> bool:
        """Close an open one of one of these clinics; False: there is none."""
        ...
