"""Holding a slot first, as somebody does who still fills in a form."""

from booking_lab.race.asking import Told
from booking_lab.race.clients import Racer
from booking_lab.race.history import Kind, Operation

CONVERTING, RELEASING = 0.7, 0.25
"""Shares of the holds; the others are forgotten and run out."""
EXTENDING = 0.1


class Holds:
    """What one client does with holds, which are for its own patient."""

    def __init__(self, racer: Racer) -> None:
        """`racer` owns what is booked."""
        self._racer = racer

    async def step(self) -> None:
        """Hold a slot; then book it, release it, or walk away."""
        racer = self._racer
        slot = racer.aim()
        told = await self._ask(Kind.HOLD, slot=slot)
        answer = told.attempt.answer
        if not told.is_yes or answer is None or answer.thing is None:
            return
        if racer.dice.random() < EXTENDING:
            await self._ask(Kind.EXTEND, hold=answer.thing)
        roll = racer.dice.random()
        if roll < CONVERTING:
            await racer.book(racer.patient, slot, hold=answer.thing)
        elif roll < CONVERTING + RELEASING:
            await self._ask(Kind.RELEASE, hold=answer.thing)

    async def _ask(self, kind: Kind, *, slot: str | None = None, hold: str | None = None) -> Told:
        racer = self._racer
        wish = Operation(
            kind=kind, key=racer.new_key(), patient=racer.patient, slot=slot, subject=hold
        )
        return await racer.asking.ask(wish)
