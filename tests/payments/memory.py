"""Payments, appointments and work in memory: what PostgreSQL does, as plain as it can be said."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from uuid import uuid4

from booking_system.payments.application.ports import (
    Claim,
    PaymentsWork,
    Shown,
    Work,
    WorkId,
    WorkKind,
)
from booking_system.payments.domain.attempt import Attempt, PaymentId
from booking_system.payments.domain.books import Books
from booking_system.payments.domain.ledger import Line
from booking_system.payments.domain.matters import Matter
from booking_system.payments.domain.owed import MoneyStatus, Owed, Standing
from booking_system.payments.domain.receipts import Draft, Issuer, Parties
from booking_system.payments.domain.refunds import Refund, RefundId
from booking_system.shared_kernel.aggregate import DomainEvent
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Transient
from booking_system.shared_kernel.identifiers import AppointmentId

Job = tuple[PaymentId, WorkKind, RefundId | None]


@dataclass
class Row:
    """One piece of work."""

    id: WorkId
    work: Work
    asked: int = 1
    token: int = 0
    attempts: int = 0
    lease_until: datetime | None = None
    problem: str | None = None
    problem_since: datetime | None = None


@dataclass
class Memory:
    """All rows. What a transaction that fails has written is undone."""

    clock: Clock
    appointments: dict[AppointmentId, Owed] = field(default_factory=dict)
    statuses: dict[AppointmentId, MoneyStatus] = field(default_factory=dict)
    kept: dict[AppointmentId, datetime] = field(default_factory=dict)
    taken: set[AppointmentId] = field(default_factory=set)
    attempts: dict[PaymentId, Attempt] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    refunds: dict[RefundId, Refund] = field(default_factory=dict)
    matters: list[Matter] = field(default_factory=list)
    documents: list[tuple[int, int, Draft]] = field(default_factory=list)
    events: list[DomainEvent] = field(default_factory=list)
    work: dict[Job, Row] = field(default_factory=dict)
    zone: str = "Europe/Berlin"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PaymentsWork]:
        saved = {
            one.name: copy(getattr(self, one.name)) for one in fields(self) if one.name != "clock"
        }
        try:
            yield MemoryWork(self)
        except BaseException:
            for name, value in saved.items():
                setattr(self, name, value)
            raise

    def books_of(self, appointment_id: AppointmentId) -> Books:
        return Books(
            attempts=tuple(
                one for one in self.attempts.values() if one.asked.appointment_id == appointment_id
            ),
            lines=tuple(one for one in self.lines if one.appointment_id == appointment_id),
            refunds=tuple(
                one for one in self.refunds.values() if one.appointment_id == appointment_id
            ),
            matters=tuple(one for one in self.matters if one.appointment_id == appointment_id),
        )


@dataclass
class MemoryAppointments:
    """Booking's side: `Memory.taken` are appointments whose time somebody else has by now."""

    memory: Memory

    async def lock(self, appointment_id: AppointmentId) -> Owed | None:
        return self.memory.appointments.get(appointment_id)

    def _is_free(self, owed: Owed) -> bool:
        is_ours = owed.status is not Standing.EXPIRED
        return is_ours or owed.appointment_id not in self.memory.taken

    async def confirm(self, appointment_id: AppointmentId, *, now: datetime) -> bool:
        owed = self.memory.appointments[appointment_id]
        assert owed.status in {Standing.PENDING_PAYMENT, Standing.EXPIRED}
        if not self._is_free(owed):
            return False
        self._set(owed, status=Standing.CONFIRMED, pay_by=None)
        return True

    async def expire(self, appointment_id: AppointmentId, *, now: datetime) -> None:
        owed = self.memory.appointments[appointment_id]
        assert owed.status is Standing.PENDING_PAYMENT
        self._set(owed, status=Standing.EXPIRED, pay_by=None)

    async def keep(self, appointment_id: AppointmentId, *, until: datetime, now: datetime) -> bool:
        owed = self.memory.appointments[appointment_id]
        if owed.status is Standing.PENDING_PAYMENT:
            assert owed.pay_by is not None
            self._set(owed, pay_by=max(owed.pay_by, until))
            return True
        if owed.status is Standing.EXPIRED:
            if self._is_free(owed):
                self.memory.kept[appointment_id] = until
            return self._is_free(owed)
        return owed.takes_place

    async def set_payment_status(self, appointment_id: AppointmentId, status: MoneyStatus) -> None:
        self.memory.statuses[appointment_id] = status

    def _set(self, owed: Owed, **about: object) -> None:
        changed = replace(owed, version=owed.version + 1, **about)  # type: ignore[arg-type]
        self.memory.appointments[owed.appointment_id] = changed


@dataclass
class MemoryWork:
    """One transaction over `Memory`."""

    memory: Memory

    async def appointment_of(self, payment_id: PaymentId) -> AppointmentId | None:
        attempt = self.memory.attempts.get(payment_id)
        return None if attempt is None else attempt.asked.appointment_id

    async def books(self, appointment_id: AppointmentId) -> Books:
        return self.memory.books_of(appointment_id)

    async def add_attempt(self, attempt: Attempt) -> None:
        if attempt.is_live and self.memory.books_of(attempt.asked.appointment_id).live:
            raise Transient
        self.memory.attempts[attempt.id] = attempt

    async def save_attempt(self, attempt: Attempt) -> None:
        known = self.memory.attempts[attempt.id]
        assert known.asked == attempt.asked
        assert attempt.version == known.version + 1
        assert 0 <= attempt.claimed <= attempt.captured
        self.memory.attempts[attempt.id] = attempt

    async def add_lines(self, lines: Iterable[Line]) -> Sequence[Line]:
        names = {(one.account, one.name) for one in self.memory.lines}
        added = [one for one in lines if (one.account, one.name) not in names]
        self.memory.lines += added
        return added

    async def save_refund(self, refund: Refund) -> None:
        self.memory.refunds[refund.id] = refund

    async def save_matters(self, before: Sequence[Matter], then: Sequence[Matter]) -> None:
        others = [one for one in self.memory.matters if one not in before]
        self.memory.matters = [*others, *then]

    async def plan(self, work: Work) -> None:
        job = (work.payment_id, work.kind, work.refund_id)
        known = self.memory.work.get(job)
        if known is None:
            self.memory.work[job] = Row(WorkId(uuid4()), work)
            return
        due_at = min(work.due_at, known.work.due_at)
        self.memory.work[job] = replace(
            known, work=replace(known.work, due_at=due_at), asked=known.asked + 1
        )

    async def parties(self, owed: Owed) -> Parties:
        issuer = Issuer(
            clinic_id=owed.clinic_id,
            name="Example Clinic",
            address=None,
            time_zone=self.memory.zone,
        )
        return Parties(issuer=issuer, recipient="Example Patient", service=None, languages=("de",))

    async def issue(self, documents: Sequence[Draft]) -> None:
        known = {draft.id for _, _, draft in self.memory.documents}
        for draft in documents:
            assert draft.id not in known
            assert draft.corrects is None or draft.corrects in known
            known.add(draft.id)
            before = [number for year, number, _ in self.memory.documents if year == draft.year]
            self.memory.documents.append((draft.year, len(before) + 1, draft))

    async def record(self, events: Sequence[DomainEvent]) -> None:
        self.memory.events += events


@dataclass
class MemoryQueue:
    """Claims with leases by the program's clock."""

    memory: Memory
    lease: timedelta = timedelta(seconds=60)

    async def claim(self, *, most: int, now: datetime) -> Sequence[Claim]:
        rows = sorted(self.memory.work.items(), key=lambda one: one[1].work.due_at)
        due = [job for job, row in rows if self._is_due(row, now)]
        return [self._claimed(job, now) for job in due[:most]]

    async def claim_one(
        self, kind: WorkKind, payment_id: PaymentId, *, now: datetime
    ) -> Claim | None:
        job = (payment_id, kind, None)
        row = self.memory.work.get(job)
        return self._claimed(job, now) if row and self._is_due(row, now) else None

    def _is_due(self, row: Row, now: datetime) -> bool:
        return row.work.due_at <= now and (row.lease_until is None or row.lease_until < now)

    def _claimed(self, job: Job, now: datetime) -> Claim:
        row = self.memory.work[job]
        row = replace(
            row, token=row.token + 1, attempts=row.attempts + 1, lease_until=now + self.lease
        )
        self.memory.work[job] = row
        return Claim(
            id=row.id,
            kind=row.work.kind,
            payment_id=row.work.payment_id,
            refund_id=row.work.refund_id,
            token=row.token,
            asked=row.asked,
            attempts=row.attempts,
            problem=row.problem,
            problem_since=row.problem_since,
        )

    def _mine(self, claim: Claim) -> Job | None:
        job = (claim.payment_id, claim.kind, claim.refund_id)
        row = self.memory.work.get(job)
        is_mine = row is not None and (row.id, row.token) == (claim.id, claim.token)
        return job if is_mine else None

    async def finish(self, claim: Claim) -> None:
        job = self._mine(claim)
        if job is None:
            return
        row = self.memory.work[job]
        if row.asked == claim.asked:
            del self.memory.work[job]
        else:
            self.memory.work[job] = replace(
                row, lease_until=None, attempts=0, problem=None, problem_since=None
            )

    async def put_off(
        self, claim: Claim, *, due_at: datetime, problem: str | None, now: datetime
    ) -> None:
        job = self._mine(claim)
        if job is None:
            return
        row = self.memory.work[job]
        then = due_at if row.asked == claim.asked else row.work.due_at
        since = row.problem_since if problem == row.problem else now if problem else None
        self.memory.work[job] = replace(
            row,
            lease_until=None,
            work=replace(row.work, due_at=then),
            problem=problem,
            problem_since=since,
        )


@dataclass
class MemoryReader:
    """Shows one payment."""

    memory: Memory

    async def show(self, payment_id: PaymentId) -> Shown | None:
        attempt = self.memory.attempts.get(payment_id)
        if attempt is None:
            return None
        books = self.memory.books_of(attempt.asked.appointment_id)
        return Shown(
            attempt=attempt,
            lines=tuple(books.lines_of(payment_id)),
            refunds=tuple(books.refunds_of(payment_id)),
        )
