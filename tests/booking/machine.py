"""A machine that plays one scene in several worlds, and compares them after every step."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from booking_system.booking.application.ports import BookingWish
from booking_system.booking.domain.attempt import Override
from booking_system.booking.domain.booking_rules import OVERRIDABLE
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.identifiers import HoldId
from tests.booking import invariants, scene
from tests.booking.builders import FixedClock
from tests.booking.expectations import Situation
from tests.booking.scene import DESK, OWNERS, PATIENTS
from tests.booking.stored import Row, Stored
from tests.booking.worlds import Answer, World

SLOTS = [one.id for one in scene.SLOTS]
SOME_SLOT = st.sampled_from([*SLOTS, *SLOTS, *SLOTS, scene.UNKNOWN_SLOT])
SOME_SERVICE = st.sampled_from(
    [
        *[scene.SERVICE] * 6,
        *[scene.LONG] * 4,
        *[scene.BUFFERED] * 4,
        scene.OF_ONE_DOCTOR,
        scene.UNKNOWN_SERVICE,
        None,
    ]
)
NUMBERS = st.integers(min_value=0, max_value=7)
WHO_BOOKS = st.sampled_from(
    [
        *[(owner, owner.patient_id) for owner in OWNERS] * 4,
        *[(DESK, PATIENTS[number].id) for number in (0, 2)] * 4,
        (DESK, PATIENTS[1].id),
        (OWNERS[0], PATIENTS[1].id),
        (scene.STRANGER, PATIENTS[0].id),
    ]
)
EVERYTHING = Override(codes=frozenset(OVERRIDABLE), reason="Example reason")
OVERRIDES = st.just(EVERYTHING) | st.builds(
    Override,
    codes=st.frozensets(st.sampled_from(OVERRIDABLE), min_size=1, max_size=3),
    reason=st.just("Example reason"),
)
WHO_ACTS = st.sampled_from(["the clinic"] * 4 + ["the patient"] * 3 + ["the doctor", "another"])
VERSIONS = st.sampled_from([None, None, None, None, 0, 1])
"""How many versions behind somebody is; None: they do not say."""
STEPS = [1, 5, 9, 10, 10, 11, 20, 30, 45, 60, 24 * 60, 73 * 60]


class Machine(RuleBasedStateMachine):
    """What every rule needs: each is one request, answered by all worlds alike."""

    def __init__(self, worlds: Sequence[World], runner: asyncio.Runner) -> None:
        super().__init__()
        self.worlds, self.runner, self.clock = worlds, runner, FixedClock()
        self.seen = runner.run(self._begin())

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def stored(self) -> Stored:
        return self.seen[0]

    def play(self, case: str, **about: Any) -> Answer:
        """Ask for the same everywhere; the one answer is returned."""
        return self.runner.run(self._play(case, about))

    async def _begin(self) -> list[Stored]:
        for world in self.worlds:
            await world.begin(self.clock)
        return [await world.stored() for world in self.worlds]

    async def _play(self, case: str, about: dict[str, Any]) -> Answer:
        told: list[tuple[Answer, Stored]] = []
        for world, before in zip(self.worlds, self.seen, strict=True):
            answer, stored = await world.ask(case, **about), await world.stored()
            invariants.check(stored, before, self.now)
            if answer.code is not None:
                invariants.check_nothing_happened(stored, before)
            told.append((answer, stored))
        for answer, stored in told[1:]:
            assert answer == told[0][0]
            assert stored == told[0][1]
        self.seen = [stored for _, stored in told]
        return told[0][0]

    def an_appointment(self, number: int) -> Row:
        """One of those that there are, the latest first."""
        known = list(self.stored.appointments.values())
        return known[-1 - number % len(known)]

    def somebody(self, who: str, appointment: Row) -> Actor:
        """Somebody who stands to an appointment as `who` says."""
        if who == "the clinic":
            return DESK
        if who == "the doctor":
            return scene.DOCTOR
        owners = [one for one in OWNERS if one.patient_id == appointment["patient_id"]]
        return owners[0] if who == "the patient" and owners else scene.STRANGER

    def hold_on(self, slot_id: UUID) -> HoldId | None:
        hold: HoldId | None = self.stored.slots.get(slot_id, {}).get("hold_id")
        return hold

    def situation(
        self, wish: BookingWish, actor: Actor | None, moving: UUID | None = None
    ) -> Situation:
        return Situation(stored=self.stored, now=self.now, wish=wish, actor=actor, moving=moving)

    @rule(minutes=st.sampled_from(STEPS))
    def time_passes(self, minutes: int) -> None:
        self.clock.moment += timedelta(minutes=minutes)


def version_of(row: Row, behind: int | None) -> int | None:
    return None if behind is None else row["version"] - behind


def has_appointments(machine: Machine) -> bool:
    return bool(machine.stored.appointments)
