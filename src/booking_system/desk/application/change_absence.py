"""Use cases: time off or a closure changes, and what it closed follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booking_system.booking.domain.appointment import Appointment
from booking_system.desk.application.absence_ports import AbsenceTransaction, AbsenceWork
from booking_system.desk.application.affected import affected_by, open_slots_of
from booking_system.desk.application.take_time_off import permitted, settle
from booking_system.desk.domain.removal import OnConflict
from booking_system.identity.domain.actor import Actor
from booking_system.scheduling.domain.absence import Absence, AbsenceCalendar, Closure, TimeOff
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, check_seen
from booking_system.shared_kernel.identifiers import ClinicId, ClosureId, TimeOffId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTimeOff:
    """Changes when a doctor is away, or why."""

    transaction: AbsenceTransaction
    clock: Clock

    async def __call__(
        self,
        *,
        time_off_id: TimeOffId,
        changes: Mapping[str, Any],
        version: int | None,
        on_conflict: OnConflict | None,
        actor: Actor,
    ) -> TimeOff:
        """Return it as it is now.

        Raises `NotFound`, `NotPermitted`, `Stale`, `Invalid`, and `BookingsAffected` for the
        appointments that it did not cover before.
        """
        async with self.transaction() as work:
            place, was = await the_time_off(work, time_off_id, version, actor, lock=True)
            changed = was.changed(changes)
            await _change(work, place, was, changed, on_conflict, actor, self.clock.now())
        return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeClosure:
    """Changes on which day a clinic is closed, or why."""

    transaction: AbsenceTransaction
    clock: Clock

    async def __call__(  # noqa: PLR0913
        self,
        *,
        clinic_id: ClinicId,
        closure_id: ClosureId,
        changes: Mapping[str, Any],
        version: int | None,
        on_conflict: OnConflict | None,
        actor: Actor,
    ) -> Closure:
        """Return it as it is now.

        Raises as `ChangeTimeOff` does, and `NonexistentLocalTime`.
        """
        async with self.transaction() as work:
            which = (clinic_id, closure_id)
            place, was, changed = await the_closure(work, which, changes, version, actor, lock=True)
            await _change(work, place, was, changed, on_conflict, actor, self.clock.now())
        return changed


async def the_time_off(
    work: AbsenceWork, time_off_id: TimeOffId, version: int | None, actor: Actor, *, lock: bool
) -> tuple[AbsenceCalendar, TimeOff]:
    """Return it, read behind the lock. Raises `NotFound`, `NotPermitted`, `Stale`."""
    if (found := await work.time_off(time_off_id)) is None:
        raise NotFound
    place = permitted(await work.doctor(found.doctor_id, lock=lock), actor)
    if (found := await work.time_off(time_off_id)) is None:
        raise NotFound
    check_seen(version, found.version)
    return place, found


async def the_closure(  # noqa: PLR0913
    work: AbsenceWork,
    which: tuple[ClinicId, ClosureId],
    changes: Mapping[str, Any],
    version: int | None,
    actor: Actor,
    *,
    lock: bool,
) -> tuple[AbsenceCalendar, Closure, Closure]:
    """Return it as it was and as it will be, read behind the lock.

    Raises `NotFound`, `NotPermitted`, `Stale`, `NonexistentLocalTime`, and `Invalid` for a day on
    which the clinic is closed already.
    """
    place = permitted(await work.clinic(which[0], lock=lock), actor)
    if (was := await work.closure(*which)) is None:
        raise NotFound
    check_seen(version, was.version)
    changed = was.changed(changes, place.time_zone)
    others = await work.closures_on(which[0], [changed.date])
    if any(one.id != was.id for one in others):
        raise Invalid.field("/date", "the clinic is closed on that day already", "taken")
    return place, was, changed


def entered(affected: Sequence[Appointment], was: Absence) -> Sequence[Appointment]:
    """Return those that were not affected before: nobody is asked twice about an appointment."""
    return [one for one in affected if not one.period.overlaps(was.period)]


async def _change(  # noqa: PLR0913, PLR0917
    work: AbsenceWork,
    place: AbsenceCalendar,
    was: Absence,
    changed: Absence,
    on_conflict: OnConflict | None,
    actor: Actor,
    now: datetime,
) -> None:
    await work.save(changed)
    if changed.period == was.period:
        return
    await open_slots_of(work, place, [changed], now=now)
    await work.close_slots(place, [changed], now=now)
    await work.open_left(changed, now=now)
    if on_conflict is not OnConflict.KEEP:
        affected = await affected_by(work, place, [changed], now=now, lock=True)
        await settle(work, entered(affected, was), changed.reason, on_conflict, actor, now)
