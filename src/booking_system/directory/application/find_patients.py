"""Use cases: staff find a patient by the exact address that they tell, and take them on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from booking_system.directory.application.keep_clinics import clinic_in
from booking_system.directory.application.ports import DirectoryTransaction, Search, Throttle
from booking_system.directory.domain.patient import FoundPatient, Patient
from booking_system.identity.domain.actor import Actor
from booking_system.identity.domain.throttling import lookup_key
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import NotFound, NotPermitted
from booking_system.shared_kernel.identifiers import ClinicId, PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPatients:
    """Finds patients by a whole e-mail address or telephone number, for one clinic.

    A patient with an account is found although the clinic does not know them. Nobody can walk
    through addresses: each look counts.
    """

    transaction: DirectoryTransaction
    throttle: Throttle

    async def __call__(self, *, search: Search, actor: Actor) -> Sequence[FoundPatient]:
        """Return a page, one more than `limit` where there is another; nothing but for staff.

        Raises `RateLimited`.
        """
        await self.throttle.admit(lookup_key(actor.user_id))
        if search.clinic_id is None or not actor.works_at(search.clinic_id):
            return []
        async with self.transaction() as work:
            return await work.patients.reached_at(search)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOnPatient:
    """A clinic gets to know a patient with an account, who told it how they are reached."""

    transaction: DirectoryTransaction
    throttle: Throttle
    clock: Clock

    async def __call__(
        self, *, clinic_id: ClinicId, patient_id: PatientId, proof: Search, actor: Actor
    ) -> Patient:
        """`proof` has the patient's e-mail or phone. Return the patient, known from now on.

        Raises `RateLimited`, `NotPermitted`, `NotFound`: also where the address is not the
        patient's, and for one without an account whom the clinic does not know.
        """
        await self.throttle.admit(lookup_key(actor.user_id))
        async with self.transaction() as work:
            await clinic_in(work, clinic_id)
            if not actor.works_at(clinic_id):
                raise NotPermitted
            wanted = replace(proof, clinic_id=clinic_id, patient_id=patient_id)
            found = await work.patients.reached_at(wanted)
            if not found:
                raise NotFound
            await work.patients.get_known(patient_id, clinic_id=clinic_id, since=self.clock.now())
        return found[0].patient
