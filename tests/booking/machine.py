"""A machine that plays the same scene in several worlds, and compares them after every step."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from booking_system.booking.application.ports import BookingWish, MoveWish
from booking_system.booking.domain.attempt import Override
from booking_system.booking.domain.booking_rules import OVERRIDABLE
from booking_system.booking.domain.holding import Holder
from booking_system.booking.domain.lifecycle import Mark
from booking_system.booking.domain.removal import Kind, OnConflict
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.idempotency import IdempotencyKey
from tests.booking import expectations, invariants, scene
from tests.booking.builders import NOON, FixedClock
from tests.booking.expectations import Situation
from tests.booking.scene import DESK, DOCTORS, OWNERS, PATIENTS
from tests.booking.worlds import Answer, World

SLOTS = [one.id for one in scene.SLOTS]
NUMBERS = st.integers(min_value=0, max_value=30)
SOME_SLOT = st.sampled_from(SLOTS) | st.sampled_from([*SLOTS, scene.UNKNOWN_SLOT])
SOME_SERVICE = st.sampled_from(
    [*[scene.SERVICE] * 6, scene.OF_ONE_DOCTOR, scene.UNKNOWN_SERVICE, None]
)
WHO_BOOKS = st.sampled_from(
    [
        (OWNERS[0], PATIENTS[0].id),
        (OWNERS[1], PATIENTS[1].id),
        (DESK, PATIENTS[0].id),
        (DESK, PATIENTS[2].id),
    ]
) | st.tuples(st.sampled_from(scene.ACTORS), st.sampled_from([one.id for one in PATIENTS]))
CODES = st.sampled_from(OVERRIDABLE)
OVERRIDES = st.builds(
    Override,
    codes=st.just(frozenset(OVERRIDABLE)) | st.frozensets(CODES, min_size=1, max_size=3),
    reason=st.just("Example reason"),
)
WHO_ACTS = st.sampled_from([*OWNERS, DESK, DESK]) | st.sampled_from(scene.ACTORS)
VERSIONS = st.sampled_from([None, None, None, 0, 1])
"""How many versions behind somebody is; None: they do not say."""
NETWORK = b"\x01" * 16


class BookingMachine(RuleBasedStateMachine):
    """Each rule is one request; what it is answered must be alike, expected, and leave order."""

    def __init__(self, worlds: Sequence[World], runner: asyncio.Runner) -> None:
        super().__init__()
        self.worlds, self.runner, self.clock = worlds, runner, FixedClock()
        self.holds: list[UUID] = [UUID(int=0)]
        for world in worlds:
            runner.run(world.begin(self.clock))
        self.stored = [runner.run(world.stored()) for world in worlds]

    @property
    def now(self) -> Any:
        return self.clock.now()

    def play(self, case: str, **about: Any) -> Answer:
        answers, after = [], []
        for world, before in zip(self.worlds, self.stored, strict=True):
            answers.append(self.runner.run(world.ask(case, **about)))
            stored = self.runner.run(world.stored())
            invariants.check(stored, before, self.now)
            if answers[-1].code is not None:
                assert stored.slots == before.slots, "a refusal changes nothing"
                assert stored.appointments == before.appointments, "a refusal changes nothing"
                assert stored.outbox == before.outbox, "a refusal changes nothing"
            after.append(stored)
        for answer, stored in zip(answers[1:], after[1:], strict=True):
            assert answer == answers[0]
            assert stored == after[0]
        self.stored = after
        return answers[0]

    def an_appointment(self, number: int) -> UUID:
        """One of those that there are, the latest first; one that there is not, where none is."""
        known = list(self.stored[0].appointments)
        return known[-1 - number % len(known)] if known else UUID(int=1)

    def a_hold(self, number: int) -> UUID:
        return self.holds[-1 - number % len(self.holds)]

    def hold_on(self, slot_id: UUID) -> UUID | None:
        hold: UUID | None = self.stored[0].slots.get(slot_id, {}).get("hold_id")
        return hold

    def version_of(self, row: dict[str, Any] | Any, behind: int | None) -> int | None:
        return None if behind is None or row is None else row["version"] - behind

    def situation(self, wish: BookingWish, actor: Actor | None, moving: Any = None) -> Situation:
        return Situation(
            stored=self.stored[0], now=self.now, wish=wish, actor=actor, moving=moving
        )

    @rule(
        who=WHO_BOOKS,
        slot_id=SOME_SLOT,
        service_id=SOME_SERVICE,
        key=st.sampled_from([None, None, "k0", "k1"]),
        claim=st.sampled_from(["nothing", "nothing", "its hold", "another", "its token"]),
        number=NUMBERS,
    )
    def book(
        self, who: Any, slot_id: Any, service_id: Any, key: Any, claim: str, number: int
    ) -> None:
        hold = self.hold_on(slot_id) if claim.startswith("its") else self.a_hold(number)
        self.books(
            *who,
            key=key,
            slot_id=slot_id,
            service_id=service_id,
            hold_id=None if claim in {"nothing", "its token"} else hold,
            shown_hold=hold if claim == "its token" else None,
        )

    @rule(who=WHO_BOOKS, slot_id=SOME_SLOT, override=OVERRIDES)
    def book_by_an_override(self, who: Any, slot_id: Any, override: Override) -> None:
        self.books(*who, slot_id=slot_id, service_id=scene.SERVICE, override=override)

    @precondition(lambda self: any(s["appointment_id"] for s in self.stored[0].slots.values()))
    @rule(number=NUMBERS, patient=st.sampled_from([PATIENTS[0].id, PATIENTS[2].id]))
    def overbook(self, number: int, patient: Any) -> None:
        owned = [s["id"] for s in self.stored[0].slots.values() if s["appointment_id"]]
        override = Override(codes=frozenset(OVERRIDABLE), reason="Example reason")
        slot_id = owned[number % len(owned)]
        self.books(DESK, patient, slot_id=slot_id, service_id=scene.SERVICE, override=override)

    def books(self, actor: Actor, patient_id: Any, *, key: str | None = None, **about: Any) -> None:
        named = None
        if key is not None:
            fingerprint = repr((patient_id, sorted(about.items()))).encode()
            named = IdempotencyKey(
                owner=f"user:{actor.user_id}", operation="book", key=key, fingerprint=fingerprint
            )
        wish = BookingWish(patient_id=patient_id, key=named, reason="Example", **about)
        situation = self.situation(wish, actor)
        answer = self.play("book", wish=wish, actor=actor)
        earlier = expectations.of_key(situation)
        if isinstance(earlier, UUID):
            assert answer.code is None, "a request sent again is answered as the first one was"
            assert answer.shown["is_replay"]
            assert answer.shown["appointment"]["id"] == earlier
            return
        assert answer.code == (earlier or expectations.of_booking(situation))
        assert answer.code is not None or not answer.shown["is_replay"]

    @rule(
        who=WHO_BOOKS | st.just((DESK, None)) | st.just((None, None)),
        slot_id=SOME_SLOT,
        claim=st.booleans(),
    )
    def hold(self, who: Any, slot_id: Any, claim: bool) -> None:
        actor, patient_id = who
        shown = self.hold_on(slot_id) if claim and actor is None else None
        wish = BookingWish(slot_id=slot_id, patient_id=patient_id, shown_hold=shown)
        situation = self.situation(wish, actor)
        holder = Holder(actor=actor, shown_hold=shown, network=NETWORK)
        answer = self.play("hold", wish=wish, holder=holder)
        assert answer.code == expectations.of_hold(situation, NETWORK)
        if answer.code is None:
            is_same = answer.shown["hold"]["id"] == situation.slot["hold_id"]
            assert is_same == situation.holds_it()
            if not is_same:
                assert answer.shown["hold"]["until"] == self.now + timedelta(minutes=10)
                self.holds.append(answer.shown["hold"]["id"])

    @rule(
        case=st.sampled_from(["show_hold", "extend", "extend", "let_go"]),
        number=NUMBERS,
        actor=WHO_ACTS | st.none(),
        claim=st.booleans(),
    )
    def use_hold(self, case: str, number: int, actor: Any, claim: bool) -> None:
        hold_id = self.a_hold(number)
        shown = hold_id if claim and actor is None else None
        holder = Holder(actor=actor, shown_hold=shown, network=NETWORK)
        self.play(case, hold_id=hold_id, holder=holder)

    @rule(
        number=NUMBERS,
        slot_id=SOME_SLOT,
        actor=WHO_ACTS,
        override=st.none() | OVERRIDES,
        behind=VERSIONS,
    )
    def move(self, number: int, slot_id: Any, actor: Actor, override: Any, behind: Any) -> None:
        identity: Any = self.an_appointment(number)
        row = self.stored[0].appointments.get(identity)
        wish = MoveWish(appointment_id=identity, slot_id=slot_id, override=override)
        expected = self._of_move(row, wish, actor, behind)
        version = self.version_of(row, behind)
        assert self.play("move", wish=wish, version=version, actor=actor).code == expected

    def _of_move(self, row: Any, wish: MoveWish, actor: Actor, behind: Any) -> str | None:
        is_clinic = row is not None and (
            row["clinic_id"] in actor.staff_of or row["doctor_id"] in actor.doctor_ids
        )
        if row is None or not (is_clinic or row["patient_id"] == actor.patient_id):
            return "not_found"
        if behind not in {None, 0}:
            return "precondition_failed"
        if row["status"] != "confirmed":
            return "booking_not_active"
        if row["time_slot_id"] == wish.slot_id:
            return None
        if not is_clinic and self.now > row["starts_at"] - timedelta(minutes=60):
            return "cancel_too_late"
        slot = self.stored[0].slots.get(wish.slot_id)
        if slot is not None and slot["clinic_id"] != row["clinic_id"]:
            return "validation_error"
        booking = BookingWish(
            slot_id=wish.slot_id,
            patient_id=row["patient_id"],
            service_id=row["service_id"],
            override=wish.override,
        )
        return expectations.of_booking(self.situation(booking, actor, row["id"]))

    @rule(number=NUMBERS, actor=WHO_ACTS, behind=VERSIONS)
    def cancel(self, number: int, actor: Actor, behind: Any) -> None:
        identity = self.an_appointment(number)
        version = self.version_of(self.stored[0].appointments.get(identity), behind)
        self.play("cancel", appointment_id=identity, reason="No", version=version, actor=actor)

    @rule(number=NUMBERS, actor=WHO_ACTS, behind=VERSIONS, mark=st.sampled_from(Mark))
    def mark(self, number: int, actor: Actor, behind: Any, mark: Mark) -> None:
        identity = self.an_appointment(number)
        version = self.version_of(self.stored[0].appointments.get(identity), behind)
        self.play("mark", appointment_id=identity, mark=mark, version=version, actor=actor)

    @rule(number=NUMBERS, actor=WHO_ACTS)
    def history(self, number: int, actor: Actor) -> None:
        identity = self.an_appointment(number)
        answer = self.play("history", appointment_id=identity, actor=actor)
        if answer.code is None:
            version = self.stored[0].appointments[identity]["version"]
            assert [entry["version"] for entry in answer.shown] == list(range(1, version + 1))

    @rule(who=WHO_BOOKS | st.just((None, None)), slot_id=SOME_SLOT, service_id=SOME_SERVICE)
    def explain(self, who: Any, slot_id: Any, service_id: Any) -> None:
        actor, patient_id = who
        wish = BookingWish(slot_id=slot_id, patient_id=patient_id, service_id=service_id)
        situation = self.situation(wish, actor)
        answer = self.play("explain", wish=wish, actor=actor)
        if slot_id not in self.stored[0].slots:
            assert answer.code == "slot_not_found"
        elif patient_id is not None and not situation.may_book():
            assert answer.code == "not_found"
        else:
            said = [finding["code"] for finding in answer.shown if not finding["passed"]]
            assert said == list(situation.in_the_way())

    @rule(
        case=st.sampled_from(["close", "reopen", "reopen", "delete"]),
        slot_id=st.sampled_from(SLOTS),
        actor=st.sampled_from([DESK, DESK, scene.DOCTOR, OWNERS[0]]),
        behind=VERSIONS,
    )
    def change_slot(self, case: str, slot_id: Any, actor: Actor, behind: Any) -> None:
        version = self.version_of(self.stored[0].slots.get(slot_id), behind)
        self.play(case, slot_id=slot_id, version=version, actor=actor)

    @rule(
        case=st.sampled_from(["remove", "restore", "restore"]),
        what=st.sampled_from(
            [(Kind.DOCTOR, one.id) for one in DOCTORS[:2]]
            + [(Kind.PATIENT, one.id) for one in PATIENTS[1:]]
        ),
        actor=st.sampled_from([DESK, DESK, scene.COLLEAGUE, OWNERS[1]]),
        on_conflict=st.sampled_from([None, OnConflict.KEEP, OnConflict.CANCEL]),
    )
    def remove_or_restore(self, case: str, what: Any, actor: Actor, on_conflict: Any) -> None:
        kind, identity = what
        about = {"on_conflict": on_conflict, "version": None} if case == "remove" else {}
        self.play(f"{case} {kind}", identity=identity, actor=actor, **about)

    @rule(minutes=st.sampled_from([1, 5, 9, 10, 10, 11, 20, 30, 60, 24 * 60, 73 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.clock.moment += timedelta(minutes=minutes)
        assert self.clock.moment >= NOON
