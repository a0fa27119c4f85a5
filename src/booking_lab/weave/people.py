"""Does deeds through the service's use cases, as the endpoints call them."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from booking_lab.weave import scene
from booking_lab.weave.background import Does
from booking_lab.weave.deeds import Deed
from booking_lab.weave.scene import DESK, MINUTE, OWNERS, PATIENTS
from booking_lab.weave.service import Service
from booking_system.booking.application.ports import BookingWish, MoveWish
from booking_system.booking.domain.attempt import Override
from booking_system.booking.domain.holding import Holder
from booking_system.booking.domain.lifecycle import Mark
from booking_system.desk.domain.removal import Kind, OnConflict
from booking_system.platform.postgres.tidying import BATCH_ROWS
from booking_system.scheduling.records.ended_holds import OLD_HOLDS
from booking_system.shared_kernel.idempotency import IdempotencyKey

INSISTS = Override(
    codes=frozenset({"slot_held", "slot_already_booked"}), reason="The desk insists."
)
VISIT = """SELECT id FROM appointments WHERE patient_id = $1 AND status <> 'cancelled'
 ORDER BY $2 = ANY(time_slot_ids) DESC, starts_at, id LIMIT 1"""
HOLD = """SELECT hold_id FROM time_slots WHERE held_for = $1 ORDER BY id = $2 DESC, id LIMIT 1"""
MARKS = {"check in": Mark.CHECK_IN, "no show": Mark.NO_SHOW, "undo": Mark.UNDO}
TIME_OFF = "SELECT id FROM time_off WHERE doctor_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT 1"


class NothingToDo(Exception):
    """What they want to change is not there, as far as they see."""


class People:
    """All that anybody can do."""

    def __init__(
        self,
        service: Service,
        observer: asyncpg.Connection,
        others: Mapping[str, Does],
    ) -> None:
        """`observer` is how they see what there is before they ask: no step of a run.

        `others` do deeds that are nobody's here.
        """
        self._service, self._observer = service, observer
        of = service.container
        booking, desk, scheduling = of.booking, of.desk, of.scheduling
        self._hold, self._extend = booking.hold_slot(), booking.extend_hold()
        self._release, self._book = booking.release_hold(), booking.book_appointment()
        self._cancel, self._move = booking.cancel_appointment(), booking.reschedule_appointment()
        self._take_time_off, self._end_time_off = desk.take_time_off(), desk.end_time_off()
        self._remove, self._restore = desk.remove(), desk.restore()
        self._close, self._reopen = scheduling.close_slot(), scheduling.reopen_slot()
        self._delete, self._hours = scheduling.delete_slot(), scheduling.change_availability()
        self._change_service = of.directory.change_service()
        self._worker = scheduling.calendar_worker()
        self._mark = booking.mark_appointment()
        self._deeds: dict[str, Does] = {
            "hold": self.hold,
            "book": self.book,
            "overbook": self.book,
            "release": self.release,
            "extend": self.extend,
            "cancel": self.cancel,
            "dismiss": self.cancel,
            "move": self.move,
            "time off": self.take_time_off,
            "end time off": self.end_time_off,
            "close": self.close,
            "reopen": self.reopen,
            "delete": self.delete,
            "hours": self.change_hours,
            "remove doctor": self.remove_doctor,
            "restore doctor": self.restore_doctor,
            "remove patient": self.remove_patient,
            "remove service": self.remove_service,
            "take off": self.take_off,
            "tidy": self.tidy,
            "plan": self.plan,
            "check in": self.mark,
            "undo": self.mark,
            "no show": self.mark,
            **others,
        }

    async def do(self, deed: Deed, mark: str) -> Any:
        """Do it; `mark` is written down as its reason, where it has one.

        Raises what the use case raises, and `NothingToDo`.
        """
        return await self._deeds[deed.what](deed, mark)

    async def hold(self, deed: Deed, _: str) -> Any:
        """A patient holds a slot, or two."""
        wish = BookingWish(
            slot_id=deed.slot_id,
            patient_id=PATIENTS[deed.patient],
            service_id=deed.service_id,
        )
        return await self._hold(wish=wish, holder=Holder(actor=OWNERS[deed.patient]))

    async def book(self, deed: Deed, mark: str) -> Any:
        """A patient books; or the desk does, in spite of what is there."""
        insists = deed.what == "overbook"
        actor = DESK if insists else OWNERS[deed.patient]
        key = IdempotencyKey(
            owner=f"user:{actor.user_id}",
            operation="book",
            key=deed.key,
            fingerprint=repr(deed).encode(),
        )
        wish = BookingWish(
            slot_id=deed.slot_id,
            patient_id=PATIENTS[deed.patient],
            service_id=deed.service_id,
            reason=mark,
            key=key if deed.key else None,
            override=INSISTS if insists else None,
        )
        return await self._book(wish=wish, actor=actor)

    async def release(self, deed: Deed, _: str) -> Any:
        """A patient gives a hold back."""
        holder = Holder(actor=OWNERS[deed.patient])
        await self._release(hold_id=await self._of(HOLD, deed), holder=holder)

    async def extend(self, deed: Deed, _: str) -> Any:
        """A patient keeps a hold for longer."""
        holder = Holder(actor=OWNERS[deed.patient])
        return await self._extend(hold_id=await self._of(HOLD, deed), holder=holder)

    async def cancel(self, deed: Deed, mark: str) -> Any:
        """A patient cancels, or the desk does."""
        actor = DESK if deed.what == "dismiss" else OWNERS[deed.patient]
        found = await self._of(VISIT, deed)
        return await self._cancel(appointment_id=found, reason=mark, version=None, actor=actor)

    async def move(self, deed: Deed, mark: str) -> Any:
        """A patient moves the appointment that they have elsewhere."""
        whose = (PATIENTS[deed.patient], None)
        found = await self._observer.fetchval(VISIT, *whose)
        if found is None:
            raise NothingToDo
        wish = MoveWish(appointment_id=found, slot_id=deed.slot_id, reason=mark)
        return await self._move(wish=wish, version=None, actor=OWNERS[deed.patient])

    async def mark(self, deed: Deed, _: str) -> Any:
        """The desk says that a patient is there, or is not, or takes the last such word back."""
        found = await self._of(VISIT, deed)
        about = {"appointment_id": found, "mark": MARKS[deed.what]}
        return await self._mark(**about, version=None, actor=DESK)

    async def take_time_off(self, deed: Deed, mark: str) -> Any:
        """The desk writes down that a doctor is away in a slot's time."""
        starts_at = scene.MORNING + deed.slot % len(scene.SLOTS) * scene.SLOT_MINUTES * MINUTE
        return await self._take_time_off(
            doctor_id=deed.doctor_id,
            starts_at=starts_at,
            ends_at=starts_at + scene.SLOT_MINUTES * MINUTE,
            reason=mark,
            on_conflict=_on_conflict(deed),
            actor=DESK,
        )

    async def end_time_off(self, deed: Deed, _: str) -> Any:
        """The desk ends it."""
        found = await self._observer.fetchval(TIME_OFF, deed.doctor_id)
        if found is None:
            raise NothingToDo
        await self._end_time_off(time_off_id=found, version=None, actor=DESK)

    async def close(self, deed: Deed, _: str) -> Any:
        """The desk closes a slot."""
        await self._close(slot_id=deed.slot_id, version=None, actor=DESK)

    async def reopen(self, deed: Deed, _: str) -> Any:
        """The desk opens it again."""
        await self._reopen(slot_id=deed.slot_id, version=None, actor=DESK)

    async def delete(self, deed: Deed, _: str) -> Any:
        """The desk takes a slot back."""
        await self._delete(slot_id=deed.slot_id, version=None, actor=DESK)

    async def change_hours(self, deed: Deed, _: str) -> Any:
        """The desk changes when the doctor's hours end: before the slot, or behind it."""
        place = deed.slot % len(scene.SLOTS) + (deed.how == "behind")
        ends = 600 + scene.SLOT_MINUTES * place
        return await self._hours(
            rule_id=scene.RULES[deed.doctor_id == scene.OTHER],
            changes={"end_minute": ends},
            version=None,
            dry_run=False,
            actor=DESK,
        )

    async def remove_doctor(self, deed: Deed, _: str) -> Any:
        """The desk removes a doctor."""
        about = {"on_conflict": _on_conflict(deed), "version": None, "actor": DESK}
        await self._remove(kind=Kind.DOCTOR, identity=deed.doctor_id, **about)

    async def restore_doctor(self, deed: Deed, _: str) -> Any:
        """The desk brings one back."""
        await self._restore(kind=Kind.DOCTOR, identity=deed.doctor_id, actor=DESK)

    async def remove_patient(self, deed: Deed, _: str) -> Any:
        """A patient removes themselves."""
        about = {"on_conflict": _on_conflict(deed), "version": None}
        actor = OWNERS[deed.patient]
        await self._remove(kind=Kind.PATIENT, identity=PATIENTS[deed.patient], actor=actor, **about)

    async def remove_service(self, deed: Deed, _: str) -> Any:
        """The desk removes a service."""
        about = {"on_conflict": _on_conflict(deed), "version": None, "actor": DESK}
        await self._remove(kind=Kind.SERVICE, identity=deed.service_id, **about)

    async def take_off(self, deed: Deed, _: str) -> Any:
        """The desk lets the other doctor alone offer a service."""
        await self._change_service(
            service_id=deed.service_id,
            changes={"doctor_ids": (scene.ONE if deed.doctor_id == scene.OTHER else scene.OTHER,)},
            version=None,
            actor=DESK,
        )

    async def tidy(self, *_: object) -> Any:
        """The background empties holds."""
        async with self._service.database.driver_transaction() as connection:
            await connection.execute(OLD_HOLDS.statement, BATCH_ROWS)

    async def plan(self, *_: object) -> Any:
        """The background plans calendars."""
        await self._worker.once()

    async def _of(self, question: str, deed: Deed) -> Any:
        found = await self._observer.fetchval(question, PATIENTS[deed.patient], deed.slot_id)
        if found is None:
            raise NothingToDo
        return found


def _on_conflict(deed: Deed) -> OnConflict | None:
    return OnConflict(deed.how) if deed.how else None
