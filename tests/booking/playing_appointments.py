"""Rules of the machine: appointments are booked, moved, marked and cancelled."""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from booking_system.booking.application.ports import BookingWish, MoveWish
from booking_system.booking.domain.attempt import Override
from booking_system.booking.domain.lifecycle import Mark
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.idempotency import IdempotencyKey
from booking_system.shared_kernel.identifiers import HoldId
from tests.booking import expectations, invariants, scene
from tests.booking.machine import (
    EVERYTHING,
    NUMBERS,
    OVERRIDES,
    SLOTS,
    SOME_SERVICE,
    SOME_SLOT,
    VERSIONS,
    WHO_ACTS,
    WHO_BOOKS,
    Machine,
    has_appointments,
    version_of,
)
from tests.booking.scene import DESK, OWNERS, PATIENTS
from tests.booking.stored import Row

CLAIMS = st.sampled_from([*["nothing"] * 4, "its hold", "an old hold", "its token"])
MARKS = st.sampled_from([Mark.CHECK_IN, Mark.COMPLETE, *Mark])
WHO_MARKS = st.sampled_from(["the clinic"] * 5 + ["the doctor", "the patient", "another"])
OLD_HOLD = HoldId(UUID(int=1))


def somebody_owns_a_slot(machine: Machine) -> bool:
    return any(slot["appointment_id"] for slot in machine.stored.slots.values())


def somebody_holds_a_slot(machine: Machine) -> bool:
    return any(slot["held_for"] for slot in machine.stored.slots.values())


def somebody_is_overbooked(machine: Machine) -> bool:
    return any(row["overbooked"] for row in invariants.active(machine.stored))


class PlayingAppointments(Machine):
    """What becomes of appointments."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.sent: dict[str, tuple[Actor, dict[str, Any]]] = {}

    @initialize(
        slots=st.permutations(SLOTS[:7]),
        more=st.sampled_from([0, 1, 2, 2]),
        marks=st.sampled_from([[], [Mark.CHECK_IN], [Mark.CHECK_IN, Mark.COMPLETE]]),
    )
    def begin_with_some(self, slots: list[Any], more: int, marks: list[Mark]) -> None:
        self.book((OWNERS[0], PATIENTS[0].id), slots[0], scene.SERVICE, "nothing")
        self.book_with_a_key("k0", (DESK, PATIENTS[2].id), slots[1], "anew")
        for _ in range(more if somebody_owns_a_slot(self) else 0):
            self.overbook(0, 2)
        for mark in marks if has_appointments(self) else []:
            self.mark(0, "the clinic", None, mark)

    @rule(who=WHO_BOOKS, slot_id=SOME_SLOT, service_id=SOME_SERVICE, claim=CLAIMS)
    def book(self, who: Any, slot_id: Any, service_id: Any, claim: str) -> None:
        hold = OLD_HOLD if claim == "an old hold" else self.hold_on(slot_id)
        self.books(
            *who,
            slot_id=slot_id,
            service_id=service_id,
            hold_id=None if claim in {"nothing", "its token"} else hold,
            shown_hold=hold if claim == "its token" else None,
        )

    @rule(
        key=st.sampled_from(["k0", "k1"]),
        who=WHO_BOOKS,
        slot_id=SOME_SLOT,
        again=st.sampled_from(["again", "again", "with another body", "anew"]),
    )
    def book_with_a_key(self, key: str, who: Any, slot_id: Any, again: str) -> None:
        actor, about = self.sent.get(key, (None, {}))
        if again == "anew" or actor is None:
            actor, patient_id = who
            about = {"patient_id": patient_id, "slot_id": slot_id, "service_id": scene.SERVICE}
            self.sent[key] = actor, about
        elif again == "with another body":
            about = about | {"slot_id": slot_id}
        for _ in range(2):
            self.books(actor, **about, key=key)

    @precondition(somebody_holds_a_slot)
    @rule(number=NUMBERS, by_desk=st.booleans(), service_id=SOME_SERVICE)
    def book_what_is_held(self, number: int, by_desk: bool, service_id: Any) -> None:
        held = [s for s in self.stored.slots.values() if s["held_for"]]
        slot = held[number % len(held)]
        who = "the clinic" if by_desk else "the patient"
        actor = self.somebody(who, {"patient_id": slot["held_for"]})
        about = {"slot_id": slot["id"], "service_id": service_id, "hold_id": slot["hold_id"]}
        self.books(actor, slot["held_for"], **about)

    @rule(who=WHO_BOOKS, slot_id=SOME_SLOT, service_id=SOME_SERVICE, override=OVERRIDES)
    def book_by_an_override(
        self, who: Any, slot_id: Any, service_id: Any, override: Override
    ) -> None:
        self.books(*who, slot_id=slot_id, service_id=service_id, override=override)

    @precondition(somebody_owns_a_slot)
    @rule(number=NUMBERS, patient=st.sampled_from([0, 2]), service_id=SOME_SERVICE)
    def overbook(self, number: int, patient: int, service_id: Any = scene.SERVICE) -> None:
        owned = [s["id"] for s in self.stored.slots.values() if s["appointment_id"]]
        self.books(
            DESK,
            PATIENTS[patient].id,
            slot_id=owned[number % len(owned)],
            service_id=service_id,
            override=EVERYTHING,
        )

    def books(self, actor: Actor, patient_id: Any, *, key: str | None = None, **about: Any) -> None:
        named = None
        if key is not None:
            named = IdempotencyKey(
                owner=f"user:{actor.user_id}",
                operation="book",
                key=key,
                fingerprint=repr((patient_id, sorted(about.items()))).encode(),
            )
        wish = BookingWish(patient_id=patient_id, key=named, reason="Example", **about)
        situation = self.situation(wish, actor)
        answer = self.play("book", wish=wish, actor=actor)
        earlier = expectations.of_key(situation)
        if isinstance(earlier, UUID):
            assert answer.code is None, "a request sent again is answered as the first one was"
            assert answer.shown["is_replay"]
            assert answer.shown["appointment"]["id"] == earlier
        else:
            assert answer.code == (earlier or expectations.of_booking(situation))
            assert answer.code is not None or not answer.shown["is_replay"]

    @precondition(has_appointments)
    @rule(
        number=NUMBERS,
        slot_id=SOME_SLOT,
        who=WHO_ACTS,
        override=st.none() | OVERRIDES,
        behind=VERSIONS,
    )
    def move(self, number: int, slot_id: Any, who: str, override: Any, behind: Any) -> None:
        row = self.an_appointment(number)
        actor = self.somebody(who, row)
        wish = MoveWish(appointment_id=row["id"], slot_id=slot_id, override=override)
        expected = self._of_move(row, wish, actor, behind)
        answer = self.play("move", wish=wish, version=version_of(row, behind), actor=actor)
        assert answer.code == expected

    def _is_late(self, row: Row) -> bool:
        """Say whether the notice that was agreed on the day of booking is over."""
        late: bool = self.now > row["starts_at"] - row["cancel_notice_minutes"] * scene.MINUTE
        return late

    def _of_move(self, row: Row, wish: MoveWish, actor: Actor, behind: Any) -> str | None:
        """What a move is to be answered; the rules of a booking come last."""
        is_clinic = _is_clinic(row, actor)
        slot = self.stored.slots.get(wish.slot_id, row)
        is_late = self._is_late(row)
        first = _first(
            not_found=not (is_clinic or row["patient_id"] == actor.patient_id),
            precondition_failed=behind not in {None, 0},
            booking_not_active=row["status"] != "confirmed",
        )
        if first is not None or row["time_slot_id"] == wish.slot_id:
            return first
        then = _first(
            cancel_too_late=not is_clinic and is_late,
            validation_error=slot["clinic_id"] != row["clinic_id"],
        )
        booking = BookingWish(
            slot_id=wish.slot_id,
            patient_id=row["patient_id"],
            service_id=row["service_id"],
            override=wish.override,
        )
        return then or expectations.of_booking(self.situation(booking, actor, row["id"]))

    @precondition(somebody_is_overbooked)
    @rule(
        number=NUMBERS,
        leaves=st.sampled_from(["the owner", "the owner", "the overbooked"]),
        slot_id=st.none() | st.sampled_from(SLOTS),
    )
    def leave_an_overbooked_slot(self, number: int, leaves: str, slot_id: Any) -> None:
        crowd = [row for row in invariants.active(self.stored) if row["overbooked"]]
        row = crowd[number % len(crowd)]
        if leaves == "the owner":
            slot_id_of = row["time_slot_ids"][-1 if number % 2 else 0]
            owner = self.stored.slots.get(slot_id_of, {}).get("appointment_id")
            row = self.stored.appointments.get(owner, row)
        if slot_id is None:
            self.play("cancel", appointment_id=row["id"], reason=None, version=None, actor=DESK)
        else:
            wish = MoveWish(appointment_id=row["id"], slot_id=slot_id, override=EVERYTHING)
            self.play("move", wish=wish, version=None, actor=DESK)

    @precondition(has_appointments)
    @rule(number=NUMBERS, who=WHO_ACTS, behind=VERSIONS)
    def cancel(self, number: int, who: str, behind: Any) -> None:
        row = self.an_appointment(number)
        actor = self.somebody(who, row)
        about = {"version": version_of(row, behind), "actor": actor}
        answer = self.play("cancel", appointment_id=row["id"], reason="Example", **about)
        is_clinic = _is_clinic(row, actor)
        is_confirmed = row["status"] == "confirmed"
        is_late = self._is_late(row)
        assert answer.code == _first(
            not_found=not (is_clinic or row["patient_id"] == actor.patient_id),
            precondition_failed=behind == 1,
            booking_not_active=row["status"] not in {"confirmed", "checked_in"},
            cancel_too_late=not is_clinic and (is_late or not is_confirmed),
        )

    @precondition(has_appointments)
    @rule(number=NUMBERS, who=WHO_MARKS, behind=VERSIONS, mark=MARKS)
    def mark(self, number: int, who: str, behind: Any, mark: Mark) -> None:
        row = self.an_appointment(number)
        actor = self.somebody(who, row)
        about = {"version": version_of(row, behind), "actor": actor}
        answer = self.play("mark", appointment_id=row["id"], mark=mark, **about)
        refused = _first(
            not_found=not (_is_clinic(row, actor) or row["patient_id"] == actor.patient_id),
            forbidden=not _is_clinic(row, actor),
            precondition_failed=behind == 1,
        )
        # Which mark leads where is told in test_lifecycle; what was given back may be another's.
        taken = {"slot_unavailable", "slot_already_booked", "slot_held", "patient_overlap"}
        possible = {"invalid_transition"}
        if mark is Mark.UNDO and row["released_at"] is not None:
            possible |= taken
        assert answer.code == refused or (refused is None and answer.code in possible)

    @precondition(has_appointments)
    @rule(number=NUMBERS, who=WHO_ACTS)
    def history(self, number: int, who: str) -> None:
        row = self.an_appointment(number)
        answer = self.play("history", appointment_id=row["id"], actor=self.somebody(who, row))
        if answer.code is None:
            versions = [entry["version"] for entry in answer.shown]
            assert versions == list(range(1, row["version"] + 1))


def _is_clinic(row: Row, actor: Actor) -> bool:
    return row["clinic_id"] in actor.staff_of or row["doctor_id"] in actor.doctor_ids


def _first(**refusals: bool) -> str | None:
    return next((code for code, is_so in refusals.items() if is_so), None)
