"""An appointment was cancelled, moved, or marked: its money follows."""

from dataclasses import dataclass

from booking_system.payments.application.ports import Appointments, PaymentsTransaction
from booking_system.payments.application.settler import Settler
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.identifiers import AppointmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleAppointment:
    """Gives back what may not be kept, ends what is not to be paid any more, shows the status.

    Called in the transaction of the change, or behind it, once or often: the end is the same.
    """

    transaction: PaymentsTransaction
    appointments: Appointments
    settler: Settler
    clock: Clock

    async def __call__(self, appointment_id: AppointmentId) -> None:
        """Do so; of an appointment that is not there nothing."""
        async with self.transaction() as work:
            owed = await self.appointments.lock(appointment_id)
            if owed is not None:
                page = await self.settler.open(work, owed, now=self.clock.now())
                await self.settler.close(work, page)
