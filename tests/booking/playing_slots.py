"""Rules of the machine: slots are held, explained, closed and deleted, doctors go and return."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.holding import Holder
from booking_system.desk.domain.removal import Kind, OnConflict
from booking_system.identity.domain.actor import Actor
from tests.booking import expectations, scene
from tests.booking.machine import (
    NUMBERS,
    SLOTS,
    SOME_SERVICE,
    SOME_SLOT,
    VERSIONS,
    WHO_BOOKS,
    Machine,
    version_of,
)
from tests.booking.scene import COLLEAGUE, DESK, DOCTORS, OWNERS, PATIENTS

NETWORK = b"\x01" * 16
FOR_NOBODY = [(DESK, None), (None, None), (None, None)]
REMOVED = [
    *[(Kind.DOCTOR, one.id) for one in DOCTORS[:2]],
    *[(Kind.PATIENT, one.id) for one in PATIENTS[1:]],
]


class PlayingSlots(Machine):
    """What becomes of slots."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.holders: dict[UUID, Holder] = {}

    @initialize(
        slots=st.permutations(SLOTS[:7]),
        how_many=st.sampled_from([1, 3, 4]),
        minutes=st.sampled_from([0, 0, 10]),
        whose=st.sampled_from([0, 1]),
    )
    def begin_with_holds(self, slots: list[Any], how_many: int, minutes: int, whose: int) -> None:
        patient = (OWNERS[whose], PATIENTS[whose].id)
        for slot_id in slots[:how_many]:
            self.hold(patient, slot_id, claim=False)
        self.time_passes(minutes)
        for slot_id in (slots[how_many], slots[0]):
            self.hold(patient, slot_id, claim=False)

    @rule(
        who=WHO_BOOKS | st.sampled_from([*FOR_NOBODY, *[(OWNERS[1], PATIENTS[1].id)] * 6]),
        slot_id=SOME_SLOT,
        claim=st.booleans(),
        service_id=SOME_SERVICE,
    )
    def hold(self, who: Any, slot_id: Any, claim: bool, service_id: Any = None) -> None:
        actor, patient_id = who
        shown = self.hold_on(slot_id) if claim and actor is None else None
        wish = BookingWish(
            slot_id=slot_id, patient_id=patient_id, service_id=service_id, shown_hold=shown
        )
        situation = self.situation(wish, actor)
        holder = Holder(actor=actor, shown_hold=shown, network=NETWORK)
        answer = self.play("hold", wish=wish, holder=holder)
        assert answer.code == expectations.of_hold(situation, NETWORK)
        if answer.code is None:
            hold = answer.shown["hold"]
            assert (hold["id"] == situation.slot["hold_id"]) == situation.holds_it()
            if hold["id"] not in self.holders:
                slot = situation.slot
                begins, ends = slot["starts_at"], slot["ends_at"]
                latest = begins if begins > self.now else ends
                assert hold["until"] == min(self.now + timedelta(minutes=10), latest)
                self.holders[hold["id"]] = Holder(
                    actor=actor, shown_hold=hold["id"] if actor is None else None, network=NETWORK
                )

    @precondition(lambda self: bool(self.holders))
    @rule(
        case=st.sampled_from(["show_hold", "extend", "extend", "let_go"]),
        number=NUMBERS,
        stranger=st.sampled_from([*["the holder"] * 5, *OWNERS, DESK, None]),
    )
    def use_hold(self, case: str, number: int, stranger: Any) -> None:
        hold_id = list(self.holders)[-1 - number % len(self.holders)]
        is_own = stranger == "the holder"
        holder = self.holders[hold_id] if is_own else Holder(actor=stranger, network=NETWORK)
        rows = [row for row in self.stored.slots.values() if row["hold_id"] == hold_id]
        answer = self.play(case, hold_id=hold_id, holder=holder)
        expected = expectations.of_use(case, rows[0], holder, self.now) if rows else "not_found"
        # A slot that is deleted still has the hold that was over by then.
        assert answer.code == expected or (not rows and answer.code == "hold_expired")

    @rule(who=WHO_BOOKS | st.just((None, None)), slot_id=SOME_SLOT, service_id=SOME_SERVICE)
    def explain(self, who: Any, slot_id: Any, service_id: Any) -> None:
        actor, patient_id = who
        wish = BookingWish(slot_id=slot_id, patient_id=patient_id, service_id=service_id)
        situation = replace(self.situation(wish, actor), costs_nothing=True)
        answer = self.play("explain", wish=wish, actor=actor)
        if not situation.is_there:
            assert answer.code == "slot_not_found"
        elif patient_id is not None and not situation.may_book():
            assert answer.code == "not_found"
        else:
            said = [finding["code"] for finding in answer.shown if not finding["passed"]]
            assert said == list(situation.in_the_way())

    @rule(
        case=st.sampled_from(["close", "close", "reopen", "reopen", "delete"]),
        slot_id=st.sampled_from(SLOTS),
        among=st.sampled_from([None, None, "hold_id", "closed_because"]),
        actor=st.sampled_from([DESK, DESK, scene.DOCTOR, OWNERS[0]]),
        behind=VERSIONS,
    )
    def change_slot(
        self, case: str, slot_id: Any, among: str | None, actor: Actor, behind: Any
    ) -> None:
        meant = [row["id"] for row in self.stored.slots.values() if among and row[among]]
        self.changes_slot(case, meant[0] if meant else slot_id, actor, behind)

    def changes_slot(self, case: str, slot_id: Any, actor: Actor, behind: Any = None) -> None:
        row = self.stored.slots.get(slot_id)
        version = None if row is None else version_of(row, behind)
        answer = self.play(case, slot_id=slot_id, version=version, actor=actor)
        if row is None:
            assert answer.code == "slot_not_found"
        elif not actor.schedules(row["clinic_id"], row["doctor_id"]):
            assert answer.code == "forbidden"
        elif behind == 1:
            assert answer.code == "precondition_failed"
        elif case == "reopen" and self.stored.doctors[row["doctor_id"]]["removed_at"] is not None:
            assert answer.code == "slot_unavailable"
        else:
            assert answer.code == expectations.of_change(case, row, self.now)

    @rule(slots=st.permutations(SLOTS[:8]))
    def a_doctor_goes_for_a_while(self, slots: list[Any]) -> None:
        first = self.stored.slots.get(slots[0])
        if first is None or self.stored.doctors[first["doctor_id"]]["removed_at"] is not None:
            return
        doctor = (Kind.DOCTOR, first["doctor_id"])
        self.changes_slot("close", slots[0], DESK)
        self.remove_or_restore(doctor, DESK, OnConflict.KEEP)
        for slot_id in slots[1:4]:
            self.changes_slot("reopen", slot_id, DESK)
        self.remove_or_restore(doctor, DESK, None)

    @rule(
        what=st.sampled_from(REMOVED),
        actor=st.sampled_from([DESK, DESK, DESK, COLLEAGUE, OWNERS[1]]),
        on_conflict=st.sampled_from([None, OnConflict.KEEP, OnConflict.CANCEL]),
    )
    def remove_or_restore(self, what: Any, actor: Actor, on_conflict: Any) -> None:
        kind, identity = what
        kept = self.stored.doctors if kind is Kind.DOCTOR else self.stored.patients
        if kept[identity]["removed_at"] is None:
            about = {"on_conflict": on_conflict, "version": None}
            self.play(f"remove {kind}", identity=identity, actor=actor, **about)
        else:
            self.play(f"restore {kind}", identity=identity, actor=actor)
