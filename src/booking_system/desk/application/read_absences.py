"""Use cases: whoever keeps a calendar reads its time off and its closures."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from booking_system.desk.application.absence_ports import AbsenceTransaction
from booking_system.desk.application.take_time_off import permitted
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.absence import AbsencePage, Closure, TimeOff
from booking_system.shared_kernel.errors import NotFound
from booking_system.shared_kernel.identifiers import ClinicId, ClosureId, DoctorId, TimeOffId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAbsences:
    """Reads without a lock. Each raises `NotFound` and `NotPermitted`."""

    transaction: AbsenceTransaction

    async def one_time_off(self, *, time_off_id: TimeOffId, actor: Actor) -> TimeOff:
        """Return a standing absence."""
        async with self.transaction() as work:
            if (found := await work.time_off(time_off_id)) is None:
                raise NotFound
            permitted(await work.doctor(found.doctor_id, lock=False), actor)
        return found

    async def time_off(
        self, *, doctor_id: DoctorId, page: AbsencePage, actor: Actor
    ) -> Sequence[TimeOff]:
        """Return a page by start, one more than `limit` where there is another."""
        async with self.transaction() as work:
            permitted(await work.doctor(doctor_id, lock=False), actor)
            return await work.time_off_page(doctor_id, page)

    async def closures(
        self, *, clinic_id: ClinicId, page: AbsencePage, actor: Actor
    ) -> Sequence[Closure]:
        """Return a page by start, one more than `limit` where there is another."""
        async with self.transaction() as work:
            permitted(await work.clinic(clinic_id, lock=False), actor)
            return await work.closure_page(clinic_id, page)

    async def one_closure(
        self, *, clinic_id: ClinicId, closure_id: ClosureId, actor: Actor
    ) -> Closure:
        """Return a standing absence."""
        async with self.transaction() as work:
            permitted(await work.clinic(clinic_id, lock=False), actor)
            if (found := await work.closure(clinic_id, closure_id)) is None:
                raise NotFound
        return found

    async def some_closures(
        self, *, clinic_id: ClinicId, closure_ids: Sequence[UUID], actor: Actor
    ) -> Sequence[Closure]:
        """Return those of these that stand. Raises `NotFound`, `NotPermitted`."""
        async with self.transaction() as work:
            permitted(await work.clinic(clinic_id, lock=False), actor)
            return await work.some_closures(closure_ids)
