"""Use cases: patients say that they will come, or will not, without signing in.

The caller has made sure that the patient speaks, as by the telephone that the answer comes from.
"""

from dataclasses import dataclass

from booking_system.booking.application.ports import BookingTransaction, BookingWork
from booking_system.booking.domain.card import AppointmentCard
from booking_system.booking.domain.party import Party, Side
from booking_system.booking.domain.refusals import AppointmentNotFound
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Stale
from booking_system.shared_kernel.identifiers import AppointmentId, PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientsWord:
    """The clinic's rules hold as for a patient who is signed in; no user stands in the history.

    What is said is of one `revision`: of an appointment that was moved since it is not said.
    """

    transaction: BookingTransaction
    clock: Clock

    async def confirm(
        self, *, appointment_id: AppointmentId, patient_id: PatientId, revision: int
    ) -> AppointmentCard:
        """Return the appointment, confirmed by its patient; again, it changes nothing.

        Raises `AppointmentNotFound`, `Stale`, `BookingNotActive`.
        """
        async with self.transaction() as work:
            card = await self._locked(work, appointment_id, patient_id, revision)
            version = card.appointment.version
            card.appointment.confirm(self._party, now=self.clock.now())
            if card.appointment.version != version:
                await work.confirm(card.appointment)
        return card

    async def cancel(
        self, *, appointment_id: AppointmentId, patient_id: PatientId, revision: int
    ) -> AppointmentCard:
        """Return the cancelled appointment.

        Raises `AppointmentNotFound`, `Stale`, `BookingNotActive`, `CancelTooLate`.
        """
        async with self.transaction() as work:
            card = await self._locked(work, appointment_id, patient_id, revision)
            card.appointment.cancel(self._party, reason=None, now=self.clock.now())
            await work.release([card.appointment])
        return card

    @property
    def _party(self) -> Party:
        return Party(side=Side.PATIENT, user_id=None)

    async def _locked(
        self,
        work: BookingWork,
        appointment_id: AppointmentId,
        patient_id: PatientId,
        revision: int,
    ) -> AppointmentCard:
        card = await work.lock(appointment_id)
        if card is None or card.appointment.patient_id != patient_id:
            raise AppointmentNotFound
        if card.appointment.revision != revision:
            raise Stale
        return card
