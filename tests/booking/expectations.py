"""What a booking, a hold or a move is to be answered: the rules once more, over stored rows.

Written without the rules of the domain, so that taking one of those out is seen here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.holding import Holder
from booking_system.identity.domain.actor import Actor
from tests.booking import scene
from tests.booking.invariants import active, claims, meet
from tests.booking.scene import MINUTE
from tests.booking.stored import Row, Stored

CLINICS = {one.id: one.facts for one in scene.CLINICS}
SERVICES = {one.facts.id: one for one in scene.SERVICES}
KEY_LIVES = timedelta(hours=72)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Somebody wants a slot; `moving` is the appointment that goes there.

    Where it `costs_nothing` to ask, nobody but the patient is told of appointments elsewhere.
    """

    stored: Stored
    now: datetime
    wish: BookingWish
    actor: Actor | None
    moving: UUID | None = None
    costs_nothing: bool = False

    @property
    def is_the_patient(self) -> bool:
        return self.actor is not None and self.actor.patient_id == self.wish.patient_id

    @property
    def slot(self) -> Row:
        return self.stored.slots[self.wish.slot_id]

    @property
    def is_there(self) -> bool:
        """Say whether there is such a slot; with its doctor it is gone for everybody."""
        slot = self.stored.slots.get(self.wish.slot_id)
        return slot is not None and self.stored.doctors[slot["doctor_id"]]["removed_at"] is None

    @property
    def ahead(self) -> timedelta:
        starts_at: datetime = self.slot["starts_at"]
        return starts_at - self.now

    @property
    def service(self) -> scene.Service | None:
        found = SERVICES.get(self.wish.service_id or UUID(int=0))
        return found if found is not None and found.clinic_id == self.slot["clinic_id"] else None

    @property
    def moved(self) -> Row | None:
        return None if self.moving is None else self.stored.appointments[self.moving]

    @property
    def need(self) -> tuple[timedelta, timedelta, timedelta] | None:
        """How long it takes, and is kept free before and behind; None: just the slot."""
        moved, service = self.moved, self.service
        if moved is not None:
            return (
                moved["duration_minutes"] * MINUTE,
                moved["starts_at"] - moved["blocked_from"],
                moved["blocked_until"] - moved["ends_at"],
            )
        if service is None:
            return None
        return service.facts.need.duration, service.facts.need.before, service.facts.need.after

    @property
    def agreed(self) -> list[Row]:
        """The slots that they hold for this very service, from this one on."""
        slot = self.slot
        if self.moving is not None or not self.holds_it() or slot["hold_place"] != 1:
            return []
        if slot["hold_payment"] is None or slot["hold_service_id"] != self.wish.service_id:
            return []
        same = [row for row in self._of_doctor() if row["hold_id"] == slot["hold_id"]]
        return [row for row in same if row["hold_place"] is not None]

    @property
    def taken(self) -> list[Row]:
        """The slots in a row, up to where the service ends or the row does."""
        if self.agreed:
            return self.agreed
        taken, need = [self.slot], self.need
        for row in self._of_doctor() if need is not None else []:
            last = taken[-1]
            is_next = row["starts_at"] == last["ends_at"] and row["mode"] == last["mode"]
            if is_next and need and self._length(taken) < need[0]:
                taken.append(row)
        return taken

    @property
    def around(self) -> list[Row]:
        """The slots that the time before and after meets."""
        since, until = self.blocked
        return [
            row
            for row in self._of_doctor()
            if row not in self.taken and row["starts_at"] < until and since < row["ends_at"]
        ]

    @property
    def keeping(self) -> list[Row]:
        """The slots outside of all this whose hold keeps some of the time."""
        since, until = self.blocked
        return [
            row
            for row in self._of_doctor()
            if row not in self.taken
            and row not in self.around
            and (since, until) != (self.slot["starts_at"], self.slot["ends_at"])
            and row["hold_blocks_from"] is not None
            and row["hold_blocks_from"] < until
            and since < row["hold_blocks_until"]
        ]

    @property
    def blocked(self) -> tuple[datetime, datetime]:
        if self.agreed and self.slot["hold_blocks_from"] is not None:
            return self.slot["hold_blocks_from"], self.slot["hold_blocks_until"]
        since, until = self.taken[0]["starts_at"], self.taken[-1]["ends_at"]
        if self.need is None or self.agreed:
            return since, until
        return since - self.need[1], until + self.need[2]

    def _of_doctor(self) -> list[Row]:
        rows = self.stored.slots.values()
        own = [row for row in rows if row["doctor_id"] == self.slot["doctor_id"]]
        return sorted(own, key=lambda row: row["starts_at"])

    def _length(self, taken: list[Row]) -> timedelta:
        length: timedelta = taken[-1]["ends_at"] - taken[0]["starts_at"]
        return length

    @property
    def is_by_staff(self) -> bool:
        return self.actor is not None and self.slot["clinic_id"] in self.actor.staff_of

    def in_the_way(self, *, needs_service: bool = True) -> Iterator[str]:
        """The codes of all rules that say no, in the order in which they are asked."""
        yield from self._of_the_slot()
        if needs_service or self.wish.service_id is not None:
            yield from self._of_the_service()
        yield from self._of_the_patient()

    def may_book(self) -> bool:
        """Say whether there is such a patient, and the actor may book for them."""
        patient = self.stored.patients.get(self.wish.patient_id or UUID(int=0))
        if patient is None or self.actor is None:
            return False
        if self.moving is not None:
            return True
        if patient["removed_at"] is not None:
            return False
        if self.actor.patient_id == patient["id"]:
            return True
        return self.is_by_staff and (self.slot["clinic_id"], patient["id"]) in self.stored.known

    def holds_another_slot(self) -> bool:
        """Say whether they name a hold in force of another slot."""
        named = self.wish.hold_id
        if named is None or self.slot["hold_id"] == named:
            return False
        rows = self.stored.slots.values()
        return any(row["hold_id"] == named and row["held_until"] > self.now for row in rows)

    def holds_it(self, slot: Row | None = None) -> bool:
        """Say whether the slot is held, and by them."""
        slot, actor = slot or self.slot, self.actor
        if slot["hold_id"] is None or slot["held_until"] <= self.now:
            return False
        if slot["held_for"] is not None:
            return self.may_be_meant(slot["held_for"])
        if slot["hold_id"] == self.wish.shown_hold:
            return True
        return actor is not None and slot["held_by"] == actor.user_id

    def may_be_meant(self, patient_id: UUID | None) -> bool:
        there = self.stored.patients.get(self.wish.patient_id or UUID(int=0))
        is_there = there is not None and (there["removed_at"] is None or self.moving is not None)
        return is_there and there is not None and there["id"] == patient_id

    @property
    def says_hold_is_over(self) -> bool:
        named = self.wish.hold_id
        return named is not None and not (self.holds_it() and self.slot["hold_id"] == named)

    def _of_the_slot(self) -> Iterator[str]:
        slot, wish, clinic = self.slot, self.wish, CLINICS[self.slot["clinic_id"]]
        if any(row["closed_because"] is not None for row in self.taken):
            yield "slot_unavailable"
        for row in (*self.taken, *self.around, *self.keeping):
            is_held = row["hold_id"] is not None and row["held_until"] > self.now
            if is_held and not self.holds_it(row):
                is_over = self.says_hold_is_over and wish.hold_id != row["hold_id"]
                yield "hold_expired" if is_over else "slot_held"
                break
        if self._is_taken():
            yield "hold_expired" if self.says_hold_is_over else "slot_already_booked"
        if slot["ends_at"] <= self.now or (self.ahead <= 0 * MINUTE and not self.is_by_staff):
            yield "slot_in_past"
        if self.holds_it():
            return
        if 0 * MINUTE < self.ahead < clinic.minimum_notice:
            yield "notice_too_short"
        is_earlier = self.moved is not None and slot["starts_at"] <= self.moved["starts_at"]
        if self.ahead > clinic.horizon and not is_earlier:
            yield "beyond_horizon"

    def _is_taken(self) -> bool:
        nobody = {None, self.moving}
        is_owned = any(row["appointment_id"] not in nobody for row in (*self.taken, *self.around))
        is_marked = any(set(row["blocked_by"]) - nobody for row in self.taken)
        return (
            is_owned
            or is_marked
            or any(
                row["doctor_id"] == self.slot["doctor_id"] and claims(row, *self.blocked)
                for row in active(self.stored)
                if row["id"] != self.moving
            )
        )

    def _of_the_service(self) -> Iterator[str]:
        wanted, slot = self.wish.service_id, self.slot
        if self.agreed:
            return
        if self.moved is not None:
            yield from self._of_what_moves(self.moved)
            return
        if wanted is None:
            if any(one.clinic_id == slot["clinic_id"] for one in SERVICES.values()):
                yield "service_required"
            return
        service = self.service
        if (
            service is None
            or slot["doctor_id"] not in service.doctors
            or service.facts.need.mode != slot["mode"]
            or service.facts.need.duration > self._length(self.taken)
        ):
            yield "service_not_offered"

    def _of_what_moves(self, moved: Row) -> Iterator[str]:
        service, slot = self.service, self.slot
        is_elsewhere = slot["doctor_id"] != moved["doctor_id"] and moved["service_id"] is not None
        if (
            (is_elsewhere and (service is None or slot["doctor_id"] not in service.doctors))
            or moved["mode"] != slot["mode"]
            or moved["duration_minutes"] * MINUTE > self._length(self.taken)
        ):
            yield "service_not_offered"

    def _of_the_patient(self) -> Iterator[str]:
        if not self.may_be_meant(self.wish.patient_id):
            return
        own = [
            row
            for row in active(self.stored)
            if row["patient_id"] == self.wish.patient_id and row["id"] != self.moving
        ]
        yield from self._of_open_bookings(own)
        whole = {"starts_at": self.slot["starts_at"], "ends_at": self.taken[-1]["ends_at"]}
        met = [row for row in own if meet(row, whole)]
        if self.costs_nothing and not self.is_the_patient:
            met = [row for row in met if row["clinic_id"] == self.slot["clinic_id"]]
        if met:
            yield "patient_overlap"

    def _of_open_bookings(self, own: list[Row]) -> Iterator[str]:
        is_counted = self.holds_it() and self.slot["held_for"] is not None
        if self.moving is not None or is_counted:
            return
        is_open = {"confirmed", "checked_in"}
        here = [
            row
            for row in own
            if row["clinic_id"] == self.slot["clinic_id"] and row["status"] in is_open
        ]
        to_come = [row for row in here if row["starts_at"] > self.now]
        if len(to_come) >= CLINICS[self.slot["clinic_id"]].most_open_bookings:
            yield "too_many_open_bookings"


def of_booking(it: Situation) -> str | None:
    """Return the code of the refusal; None: it is booked, or moved."""
    if not it.is_there:
        return "slot_not_found"
    if not it.may_book():
        return "not_found"
    override = it.wish.override
    if override is not None and not it.is_by_staff:
        return "forbidden"
    waived = frozenset() if override is None else override.codes
    is_unknown = it.wish.service_id is not None and it.service is None
    if override is not None and is_unknown and it.moving is None:
        return "service_not_offered"
    if it.holds_another_slot():
        return "validation_error"
    return next((code for code in it.in_the_way() if code not in waived), None)


def of_key(it: Situation) -> Any:
    """Return the appointment that the key stands for, a code, or None where it is free."""
    key = it.wish.key
    row = None if key is None else it.stored.keys.get((key.owner, key.operation, key.key))
    if key is None or row is None or row["created_at"] <= it.now - KEY_LIVES:
        return None
    return (
        row["appointment_id"] if row["fingerprint"] == key.fingerprint else "idempotency_key_reused"
    )


def of_hold(it: Situation, network: bytes) -> str | None:
    """Return the code of the refusal; None: it is held."""
    if not it.is_there:
        return "slot_not_found"
    if it.actor is None:
        if not CLINICS[it.slot["clinic_id"]].takes_anonymous_holds:
            return "unauthenticated"
    elif it.wish.patient_id is not None:
        if not it.may_book():
            return "not_found"
    elif not it.is_by_staff:
        return "forbidden"
    it = replace(it, costs_nothing=True)
    refused = next(it.in_the_way(needs_service=False), None)
    return refused or ("too_many_holds" if _holds_many(it, network) else None)


def _holds_many(it: Situation, network: bytes) -> bool:
    others = {
        row["hold_id"]: row
        for row in it.stored.slots.values()
        if row["hold_id"] not in {None, it.slot["hold_id"]} and row["held_until"] > it.now
    }.values()
    if it.actor is not None:
        theirs = [row for row in others if row["held_by"] == it.actor.user_id]
        own = [row for row in theirs if row["held_for"] is not None]
        own = [row for row in own if row["held_for"] == it.actor.patient_id]
        is_own = it.wish.patient_id is not None and it.wish.patient_id == it.actor.patient_id
        return len(own) >= 3 if is_own else len(theirs) - len(own) >= 10
    return len([row for row in others if row["hold_network"] == network]) >= 10


def of_use(case: str, slot: Row, holder: Holder, now: datetime) -> str | None:
    """Return how showing, extending or releasing a hold is refused; None: it is not."""
    actor = holder.actor
    is_owner = holder.shown_hold == slot["hold_id"] and slot["held_for"] is None
    if actor is not None:
        is_patient = slot["held_for"] is not None and slot["held_for"] == actor.patient_id
        is_owner = is_owner or is_patient or slot["held_by"] == actor.user_id
    is_over = slot["held_until"] <= now
    if not is_owner and (actor is None or slot["clinic_id"] not in actor.staff_of):
        return "not_found"
    if not is_owner and case != "show_hold":
        return "forbidden"
    if is_over:
        return "hold_expired" if case == "extend" else "not_found"
    return "hold_already_extended" if case == "extend" and slot["hold_extended"] else None


def of_change(case: str, slot: Row, now: datetime) -> str | None:
    """Return how closing, reopening or deleting a slot is refused; None: it is not."""
    if case == "reopen":
        return None if slot["closed_because"] in {None, "by_hand"} else "slot_unavailable"
    if slot["appointment_id"] is not None:
        return "slot_already_booked"
    is_held = slot["hold_id"] is not None and slot["held_until"] > now
    return "slot_held" if is_held else None
