"""The clients of a race: each books, moves and cancels at random, where others do it too."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from booking_lab.race.asking import Asking, Told
from booking_lab.race.history import Kind, Operation

AIMING_AT_HOT_SLOTS = 0.7
FOR_A_SHARED_PATIENT = 0.4
ENDING_ANYHOW = 0.15
MOVING = 0.5
ROUNDS_PER_SECOND = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the clients compete for. `hot` slots are the same for all at one moment."""

    slots: Sequence[str]
    shared_patients: Sequence[str]
    hot: int

    def aim(self, dice: random.Random, seconds: float) -> str:
        """Return the id of a slot."""
        if dice.random() > AIMING_AT_HOT_SLOTS:
            return dice.choice(self.slots)
        place = int(seconds * ROUNDS_PER_SECOND) * self.hot + dice.randrange(self.hot)
        return self.slots[place % len(self.slots)]


@dataclass(slots=True)
class Owned:
    """An appointment of a client's own."""

    id: str
    patient: str


@dataclass(slots=True, kw_only=True)
class Racer:
    """One client; does one thing after the other."""

    asking: Asking
    dice: random.Random
    ground: Ground
    patient: str
    mine: list[Owned] = field(default_factory=list)

    async def step(self) -> None:
        """Do one thing, until its answer is definite."""
        is_full = len(self.mine) >= self.asking.plan.most_owned
        if self.mine and (is_full or self.dice.random() < ENDING_ANYHOW):
            await self._change(self.dice.choice(self.mine))
        else:
            await self.book(self.some_patient(), self.aim())

    async def book(self, patient: str, slot: str, *, hold: str | None = None) -> Told:
        """Book; what was booked for certain is this client's to change."""
        wish = Operation(
            kind=Kind.BOOK, key=self.new_key(), patient=patient, slot=slot, subject=hold
        )
        told = await self.asking.ask(wish)
        answer = told.attempt.answer
        if told.is_yes and answer is not None and answer.thing is not None:
            self.mine.append(Owned(answer.thing, patient))
        return told

    def aim(self) -> str:
        """Choose a slot."""
        return self.ground.aim(self.dice, self.asking.door.watch.seconds())

    def some_patient(self) -> str:
        """Choose for whom to book: the client's own patient, or one of all."""
        is_shared = self.dice.random() < FOR_A_SHARED_PATIENT
        return self.dice.choice(self.ground.shared_patients) if is_shared else self.patient

    def new_key(self) -> str:
        """Return a key that no other wish has."""
        return str(UUID(int=self.dice.getrandbits(128), version=4))

    async def _change(self, owned: Owned) -> None:
        is_move = self.dice.random() < MOVING
        wish = Operation(
            kind=Kind.MOVE if is_move else Kind.CANCEL,
            key=self.new_key(),
            patient=owned.patient,
            slot=self.aim() if is_move else None,
            subject=owned.id,
        )
        told = await self.asking.ask(wish)
        # Nobody knows where an appointment is whose move is unsure: it is left alone.
        if not told.is_sure or (told.is_yes and not is_move):
            self.mine.remove(owned)
