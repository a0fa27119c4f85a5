"""Replays the model's edges through the use cases: the same answers, the same rows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from booking_lab.weave import scene
from booking_lab.weave.scene import BEGIN, DESK, MINUTE, OTHERS_SLOTS, OWNERS, PATIENTS
from booking_lab.weave.service import Service
from booking_lab.weave.states import Ask, Debt, Hold, State, Visit
from booking_lab.weave.walking import Walk
from booking_system.booking.application.ports import BookingWish, MoveWish
from booking_system.booking.domain.attempt import Override
from booking_system.booking.domain.holding import Holder
from booking_system.booking.domain.lifecycle import PaymentStatus
from booking_system.desk.domain.removal import OnConflict

MOMENT = 5 * MINUTE
SERVICES = {1: scene.SHORT, 2: scene.LONG}
INSISTS = Override(
    codes=frozenset({"slot_held", "slot_already_booked"}), reason="The desk insists."
)
ON_CONFLICT = {
    "time off": None,
    "time off, keep": OnConflict.KEEP,
    "time off, cancel": OnConflict.CANCEL,
}

SLOTS = """SELECT id, appointment_id, hold_id, held_until, held_for, closed_because
 FROM time_slots WHERE doctor_id = $1 ORDER BY starts_at"""
VISITS = """SELECT id, patient_id, time_slot_ids, overbooked, status, pay_by FROM appointments
 WHERE status <> 'cancelled'"""
UNPAID = {"pending_payment", "expired"}
TIME_OFF = "SELECT id FROM time_off WHERE deleted_at IS NULL"


@dataclass(slots=True)
class Seen:
    """What is stored, in the model's words, and the ids to name it by."""

    state: State
    ids: dict[tuple[str, int, tuple[int, ...]], Any] = field(default_factory=dict)


class Replay(Walk[State, Ask]):
    """The program, asked what the model was asked."""

    first = State()
    watched = ("time_slots", "appointments", "appointment_history", "outbox", "clinic_patients",
               "time_off", "calendar_work")  # fmt: skip

    def __init__(self, service: Service) -> None:
        """The scene stands in the service's database."""
        super().__init__(service)
        container = service.container
        booking, desk = container.booking, container.desk
        self._hold, self._release = booking.hold_slot(), booking.release_hold()
        self._book, self._cancel = booking.book_appointment(), booking.cancel_appointment()
        self._move = booking.reschedule_appointment()
        self._pay, self._let_go = booking.confirm_paid(), booking.expire_unpaid()
        self._time_off, self._end_time_off = desk.take_time_off(), desk.end_time_off()

    async def asked(self, ask: Ask, names: Seen) -> None:
        """Ask a use case."""
        seen = names
        patient = ask.patient or 0
        owner, named = OWNERS[patient], (patient, ask.where)
        match ask.what:
            case "wait":
                self._service.clock.moment += MOMENT
            case "hold":
                await self._hold(wish=_wish(ask), holder=Holder(actor=owner))
            case "book" | "owe":
                await self._book(wish=_wish(ask), actor=owner)
            case "overbook":
                await self._book(wish=_wish(ask, INSISTS), actor=DESK)
            case "pay" | "give up" | "let go":
                await self._about_money(ask, seen)
            case "release":
                await self._release(hold_id=seen.ids["hold", *named], holder=Holder(actor=owner))
            case "cancel" | "dismiss":
                actor = owner if ask.what == "cancel" else DESK
                about = {"reason": None, "version": None, "actor": actor}
                await self._cancel(appointment_id=seen.ids["visit", *named], **about)
            case "move":
                slot = OTHERS_SLOTS[ask.to or 0]
                wish = MoveWish(appointment_id=seen.ids["visit", *named], slot_id=slot)
                await self._move(wish=wish, version=None, actor=owner)
            case "end time off":
                time_off = await self._driver.fetchval(TIME_OFF)
                await self._end_time_off(time_off_id=time_off, version=None, actor=DESK)
            case _:
                await self._away(ON_CONFLICT[ask.what])

    async def _about_money(self, ask: Ask, seen: Seen) -> None:
        which = seen.ids["debt", ask.patient or 0, ask.where] if ask.where else None
        match ask.what:
            case "pay":
                await self._pay(appointment_id=which, status=PaymentStatus.PAID)
            case "give up":
                about = {"reason": None, "version": None, "actor": OWNERS[ask.patient or 0]}
                await self._cancel(appointment_id=which, **about)
            case _:
                (which,) = (one for name, one in seen.ids.items() if name[0] == "debt")
                await self._let_go.one(which)

    async def _away(self, on_conflict: OnConflict | None) -> None:
        starts_at = scene.MORNING + scene.SLOT_MINUTES * MINUTE
        await self._time_off(
            doctor_id=scene.OTHER,
            starts_at=starts_at,
            ends_at=starts_at + scene.SLOT_MINUTES * MINUTE,
            reason=None,
            on_conflict=on_conflict,
            actor=DESK,
        )

    async def looked(self) -> tuple[State, Seen]:
        """Read slots and appointments."""
        slots = await self._driver.fetch(SLOTS, scene.OTHER)
        visits = await self._driver.fetch(VISITS)
        seen = seen_in(slots, visits, self._service.clock.moment)
        return seen.state, seen


def seen_in(slots: Sequence[Any], visits: Sequence[Any], now: datetime) -> Seen:
    """Return the rows as the model says them."""
    place = {row["id"]: n for n, row in enumerate(slots)}
    patients = {row["id"]: PATIENTS.index(row["patient_id"]) for row in visits}
    ids: dict[tuple[str, int, tuple[int, ...]], Any] = {}
    found, debt = set[Visit](), None
    kept_for = {row["hold_id"] for row in slots if row["held_until"] and row["held_until"] > now}
    for row in visits:
        where = tuple(place[one] for one in row["time_slot_ids"])
        if row["status"] in UNPAID:
            assert debt is None, "there is one debt at a time"
            pay_by = None if row["pay_by"] is None else (row["pay_by"] - BEGIN) // MOMENT
            debt = Debt(patients[row["id"]], where, pay_by, row["id"] in kept_for)
            ids["debt", debt.patient, where] = row["id"]
            continue
        ids["visit", patients[row["id"]], where] = row["id"]
        found.add(Visit(patients[row["id"]], where, row["overbooked"]))
    held = defaultdict[Any, list[Any]](list)
    for row in slots:
        if row["hold_id"] in kept_for and row["hold_id"] not in patients:
            held[row["hold_id"], row["held_for"], row["held_until"]].append(place[row["id"]])
    holds = set[Hold]()
    for (hold_id, patient_id, until), places in held.items():
        hold = Hold(PATIENTS.index(patient_id), tuple(places), (until - BEGIN) // MOMENT)
        ids["hold", hold.patient, hold.slots] = hold_id
        holds.add(hold)
    closed = [row["closed_because"] for row in slots]
    assert closed in ([None, None], [None, "time_off"]), "time off closes just its own slot"
    state = State(
        now=(now - BEGIN) // MOMENT,
        visits=frozenset(found),
        owners=tuple(patients.get(row["appointment_id"]) for row in slots),
        holds=frozenset(holds),
        is_off=closed[1] is not None,
        debt=debt,
    )
    return Seen(state, ids)


def _wish(ask: Ask, override: Override | None = None) -> BookingWish:
    return BookingWish(
        slot_id=OTHERS_SLOTS[ask.where[0]],
        patient_id=PATIENTS[ask.patient or 0],
        service_id=scene.PAID if ask.what == "owe" else SERVICES[len(ask.where)],
        override=override,
    )
