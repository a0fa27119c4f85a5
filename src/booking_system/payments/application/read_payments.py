"""Payments, documents, totals and open matters, for people who may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.payments.application.ports import (
    MatterBook,
    OpenMatter,
    PaymentsReader,
    Shown,
)
from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.receipts import DayTotals, Document, Issuer, totals_of
from booking_system.payments.domain.refusals import PaymentNotFound
from booking_system.scheduling.domain.local_time import day_of, wall_clock
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId

MOST_MATTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowPayment:
    """One payment. The caller asks whether the actor may see its appointment."""

    reader: PaymentsReader

    async def __call__(self, payment_id: PaymentId) -> Shown:
        """Return it. Raises `PaymentNotFound`."""
        shown = await self.reader.show(payment_id)
        if shown is None:
            raise PaymentNotFound
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPayments:
    """All payments of an appointment that the caller may show."""

    reader: PaymentsReader

    async def __call__(self, appointment_id: AppointmentId) -> Sequence[Shown]:
        """Return them, the first first."""
        return await self.reader.list(appointment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDocuments:
    """The receipt of a payment and what corrects it. The caller asks as for the payment."""

    reader: PaymentsReader

    async def __call__(self, payment_id: PaymentId) -> Sequence[Document]:
        """Return them in the order of issue; none before the money is there."""
        return await self.reader.documents(payment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowDayTotals:
    """What came and went on one day of a clinic's wall clock."""

    reader: PaymentsReader
    clock: Clock

    async def __call__(self, clinic_id: ClinicId, day: date | None, actor: Actor) -> DayTotals:
        """Return it, for the clinic's staff; None: today. Raises `NotFound`, `NotPermitted`.

        Raises `NonexistentLocalTime` for a day that the clinic's zone skipped.
        """
        issuer = await of_staff(self.reader, clinic_id, actor)
        day = day or wall_clock(self.clock.now(), issuer.time_zone).date()
        lines = await self.reader.settled(clinic_id, day_of(day, issuer.time_zone))
        return totals_of(day, issuer.time_zone, lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMatters:
    """What a clinic's staff have to see to."""

    reader: PaymentsReader

    async def __call__(
        self, clinic_id: ClinicId, actor: Actor, *, most: int = MOST_MATTERS
    ) -> Sequence[OpenMatter]:
        """Return it, the oldest first. Raises `NotFound`, `NotPermitted`."""
        await of_staff(self.reader, clinic_id, actor)
        return await self.reader.matters(clinic_id, most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveMatter:
    """A member of the clinic's staff has seen to a matter."""

    book: MatterBook
    clock: Clock

    async def __call__(self, matter_id: UUID, actor: Actor) -> None:
        """Close it. Raises `NotFound`."""
        by, now = actor.user_id, self.clock.now()
        if not await self.book.resolve(matter_id, actor.staff_of, by=by, now=now):
            raise NotFound


async def of_staff(reader: PaymentsReader, clinic_id: ClinicId, actor: Actor) -> Issuer:
    """Return the clinic, for its staff. Raises `NotFound`, `NotPermitted`."""
    issuer = await reader.issuer(clinic_id)
    if issuer is None:
        raise NotFound
    if not actor.works_at(clinic_id):
        raise NotPermitted
    return issuer
