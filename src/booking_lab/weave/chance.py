"""Choosers: chance, with a seed, or what was chosen before."""

import random
from collections.abc import Sequence
from math import inf

from booking_lab.weave.loom import Choice, Loom
from booking_lab.weave.threads import Order

UNLUCKY = 0.45
"""The share of the runs that have a misfortune, or two."""
BEFALL_WAITING = 0.5
"""The share of the misfortunes that befall a thread that waits, where there is one."""

RISKY = frozenset({"COMMIT", "CONNECT", "GIVE_BYTES", "HEAR", "FINISH"})

ELSEWHERE = ("ASK", "HEAR")
"""What steps begin with that are questions to other machines, and their answers."""


class ByChance:
    """Chooses whose turn it is, and who has a misfortune, by the seed."""

    def __init__(self, seed: int) -> None:
        """The same seed chooses the same, if it is given the same choices."""
        self._dice = random.Random(f"choices of {seed}")  # noqa: S311
        self._stays = self._dice.choice((0.0, 0.4, 0.8))
        is_unlucky = self._dice.random() < UNLUCKY
        self._misfortunes = self._dice.choice((1, 1, 2)) if is_unlucky else 0
        self._last = ""

    def __call__(self, choices: Sequence[Choice], loom: Loom) -> Choice:
        """Return one of them."""
        able = self._able(choices, loom)
        if self._last not in able or self._dice.random() >= self._stays:
            self._last = self._dice.choice(able)
        mishaps = [one for one in choices if one.order is not Order.GO]
        if self._misfortunes and mishaps and self._dice.random() < self._risk(loom):
            self._misfortunes -= 1
            own = [one for one in mishaps if one.who == self._last]
            others = [one for one in mishaps if one.who not in able]
            is_others = bool(others) and self._dice.random() < BEFALL_WAITING
            return self._dice.choice(others if is_others else own or mishaps)
        return Choice(self._last)

    def _able(self, choices: Sequence[Choice], _: Loom) -> list[str]:
        """Return whose turn it may be."""
        return list(dict.fromkeys(one.who for one in choices if one.order is Order.GO))

    def _risk(self, loom: Loom) -> float:
        """Return how likely a misfortune is now: most can be lost at a COMMIT."""
        steps = {thread.name: thread.step for thread in loom.threads}
        return 0.4 if steps.get(self._last, "").startswith("COMMIT") else 0.08


class ByLongChance(ByChance):
    """The same for long ways: of somebody with few steps most would be over too soon.

    Each begins at a moment that is left to chance, and rests now and then for a while. Who is slow
    by their plan stands still there until nobody else can go on; mostly the others begin then.
    """

    LONGEST = 40
    RESTS = 0.06
    SLOW_BEGIN = 0.7

    def __init__(self, seed: int) -> None:
        """Nobody is known yet."""
        super().__init__(seed)
        self._misfortunes = self._dice.choice((0, 1, 1, 2))
        self._until = dict[str, float]()
        self._steps = 0
        self._slow_begin = self._dice.random() < self.SLOW_BEGIN

    def _able(self, choices: Sequence[Choice], loom: Loom) -> list[str]:
        self._steps += 1
        able = super()._able(choices, loom)
        for name in able:
            begins = self._dice.choice((0, 0, self._dice.randrange(self.LONGEST)))
            if name not in self._until or self._dice.random() < self.RESTS:
                self._until[name] = max(self._steps + begins, self._until.get(name, 0))
        for thread in loom.threads:
            if thread.slow_at and thread.slow_at == thread.step and thread.name in able:
                thread.slow_at, self._until[thread.name] = "", inf
        slow = [one.name for one in loom.threads if one.slow_at and one.name in able]
        if slow and self._slow_begin:
            return slow[:1]
        awake = [one for one in able if self._until[one] <= self._steps]
        resting = [one for one in able if self._until[one] < inf]
        if not resting:
            self._until.update(dict.fromkeys(able, self._steps))
        return awake or resting or able

    def _risk(self, loom: Loom) -> float:
        steps = {thread.name: thread.step for thread in loom.threads}
        return 0.08 if steps.get(self._last, "") in RISKY else 0.02


class BySlowChance(ByLongChance):
    """The same where other machines are asked: they are slow, and most is lost on the way there."""

    SLOW = 0.35

    def __init__(self, seed: int) -> None:
        """Nobody asks yet."""
        super().__init__(seed)
        self._misfortunes = self._dice.choice((0, 1, 1, 2, 2))
        self._steps_of = dict[str, str]()

    def __call__(self, choices: Sequence[Choice], loom: Loom) -> Choice:
        """Return one of them; what was asked of another machine may take its time."""
        for thread in loom.threads:
            is_new = self._steps_of.get(thread.name) != thread.step
            self._steps_of[thread.name] = thread.step
            is_away = thread.step.startswith(ELSEWHERE)
            if is_new and is_away and self._dice.random() < self.SLOW:
                self._until[thread.name] = self._steps + self._dice.randrange(self.LONGEST)
        return super().__call__(choices, loom)

    def _risk(self, loom: Loom) -> float:
        steps = {thread.name: thread.step for thread in loom.threads}
        step = steps.get(self._last, "")
        if step.startswith(ELSEWHERE):
            return 0.03 if step.endswith("read") else 0.25
        return 0.04 if step in RISKY else 0.006


class AsBefore:
    """Repeats choices that were written down; behind them the last thread goes on."""

    def __init__(self, written: Sequence[Choice]) -> None:
        """A written choice that is not possible when its turn comes is left out."""
        self._written = list(written)
        self._last = ""

    def __call__(self, choices: Sequence[Choice], _: Loom) -> Choice:
        """Return the next one."""
        while self._written:
            choice = self._written.pop(0)
            if choice in choices:
                self._last = choice.who
                return choice
        able = [one for one in choices if one.order is Order.GO]
        own = [one for one in able if one.who == self._last]
        choice = (own or able)[0]
        self._last = choice.who
        return choice
