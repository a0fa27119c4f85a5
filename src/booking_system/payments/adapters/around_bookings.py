"""How the money of a booking stands, for the answer that shows the booking."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.booking.application.expanding_ports import LatestPayment, MoneyAround
from booking_system.payments.adapters.payable import Payables
from booking_system.payments.application.ports import PaymentsReader, Shown
from booking_system.payments.domain.attempt import AttemptState
from booking_system.payments.domain.standing import standing_of
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId

UNDER_WAY = {AttemptState.CREATING, AttemptState.OPEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyOfBookings:
    """Reads it in four statements, however often somebody tried to pay. It asks nobody's leave.

    It tells no more than the list of a booking's payments does, to the people who see the booking.
    """

    payables: Payables
    reader: PaymentsReader
    clock: Clock

    async def __call__(self, appointment_id: AppointmentId, /) -> MoneyAround | None:
        """Return it; None where there is no such booking."""
        payable = await self.payables(appointment_id, now=self.clock.now())
        if payable is None:
            return None
        tried = await self.reader.list(appointment_id)
        return MoneyAround(
            due_now=payable.money,
            pay_until=None if payable.money is None else payable.until,
            latest=_latest(tried),
        )


def _latest(tried: Sequence[Shown]) -> LatestPayment | None:
    if not tried:
        return None
    shown = next((one for one in tried if one.attempt.state in UNDER_WAY), tried[-1])
    attempt, standing = shown.attempt, standing_of(shown.attempt, shown.lines)
    is_open = attempt.state in UNDER_WAY
    return LatestPayment(
        id=attempt.id,
        provider=attempt.asked.account.provider,
        status=standing.status,
        amount=attempt.asked.amount,
        refunded=standing.refunded,
        checkout_url=attempt.checkout_url if is_open else None,
        expires_at=attempt.asked.window_end if is_open else None,
    )
