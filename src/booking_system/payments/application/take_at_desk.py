"""The clinic's staff take money themselves, in cash or with a card terminal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking_system.booking.domain.refusals import AppointmentNotFound, BookingNotActive
from booking_system.identity.domain.actor import Actor
from booking_system.payments.application.ports import Appointments, PaymentsTransaction, Shown
from booking_system.payments.application.settler import Page, Settler
from booking_system.payments.domain.attempt import (
    DESK,
    Attempt,
    AttemptState,
    Frozen,
    PaymentId,
    Presentation,
)
from booking_system.payments.domain.ledger import Line, LineKind
from booking_system.payments.domain.owed import Owed
from booking_system.payments.domain.refusals import (
    PaymentAlreadyMade,
    PaymentNotRequired,
)
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid
from booking_system.shared_kernel.identifiers import AppointmentId, Identities
from booking_system.shared_kernel.money import Money


class Method(StrEnum):
    """How staff take money."""

    CASH = "cash"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskWish:
    """What was taken for an appointment, in minor units; None: all that is owed still."""

    appointment_id: AppointmentId
    amount: int | None
    method: Method
    title: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeAtDesk:
    """Records money that is there already: the payment has succeeded as soon as it is written.

    Never more than is owed, asked under the lock: of two who take the whole rest, one is told.
    """

    transaction: PaymentsTransaction
    appointments: Appointments
    settler: Settler
    clock: Clock
    identities: Identities

    async def __call__(self, wish: DeskWish, actor: Actor) -> Shown:
        """Return the payment. For the staff of the clinic.

        Raises `AppointmentNotFound`, `BookingNotActive`, `PaymentNotRequired`,
        `PaymentAlreadyMade`, and `Invalid` for an amount that is none, or more than is owed.
        """
        async with self.transaction() as work:
            owed = await self.appointments.lock(wish.appointment_id)
            if owed is None or not actor.works_at(owed.clinic_id):
                raise AppointmentNotFound
            page = await self.settler.open(work, owed, now=self.clock.now())
            money = _taken(wish, page)
            attempt = self._attempt(wish, owed, money, actor, page.now)
            await work.add_attempt(attempt)
            page.books = page.books.with_attempt(attempt)
            await self.settler.write_lines(work, page, [_line(attempt, wish.method)])
            await self.settler.close(work, page)
            return Shown(attempt=attempt, lines=tuple(page.books.lines_of(attempt.id)), refunds=())

    def _attempt(
        self, wish: DeskWish, owed: Owed, money: Money, actor: Actor, now: datetime
    ) -> Attempt:
        identity = PaymentId(self.identities.new())
        asked = Frozen(
            id=identity,
            appointment_id=owed.appointment_id,
            clinic_id=owed.clinic_id,
            account=Account(DESK, str(owed.clinic_id), is_live=True),
            amount=money,
            presentation=Presentation.DESK,
            title=wish.title,
            language=wish.language,
            return_url="",
            cancel_url="",
            window_end=now,
            ends_at=now,
            started_by=actor.user_id,
            created_at=now,
        )
        return Attempt(
            asked=asked,
            state=AttemptState.SUCCEEDED,
            reference=str(identity),
            captured=money.amount,
        )


def _taken(wish: DeskWish, page: Page) -> Money:
    """What is owed is the whole price: at the desk one may pay more than what confirms."""
    owed, rest = page.owed, page.owed.due - page.books.net
    if owed.price is None or owed.due == 0:
        raise PaymentNotRequired
    if not owed.takes_place:
        raise BookingNotActive
    if rest <= 0:
        raise PaymentAlreadyMade
    amount = rest if wish.amount is None else wish.amount
    if not 0 < amount <= rest:
        raise Invalid.field("/amount", "must be above nothing, and what is owed at most")
    return Money(amount, owed.price.currency)


def _line(attempt: Attempt, method: Method) -> Line:
    asked = attempt.asked
    return Line(
        kind=LineKind.DESK_PAYMENT,
        appointment_id=asked.appointment_id,
        clinic_id=asked.clinic_id,
        payment_id=asked.id,
        account=asked.account,
        provider_id=str(asked.id),
        charge_id=str(asked.id),
        money=asked.amount,
        settled_at=asked.created_at,
        recorded_by=asked.started_by,
        method=method,
    )
