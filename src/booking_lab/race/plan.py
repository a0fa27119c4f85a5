"""What one race does: how many clients, how long, for how many slots."""

from dataclasses import dataclass

LONGEST_SECONDS = 300
"""Shorter than the ten minutes of an access token: the clinic is removed with the same one."""


class RaceProblem(Exception):
    """The race cannot be run; the text says why in a sentence."""


class WrongUse(RaceProblem):
    """The race cannot be run like this; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`seconds` is how long clients begin new things; what is open is finished after that.

    `hanging_up`, `twins` and `repeats` are shares of requests: whose caller hangs up before the
    answer, that are sent twice at the same time, that are sent again after their answer.
    """

    clients: int = 64
    seconds: float = 30.0
    doctors: int = 8
    slots_per_doctor: int = 16
    seed: int = 1
    hanging_up: float = 0.05
    twins: float = 0.05
    repeats: float = 0.1
    hot: int = 4
    """Slots that most clients aim at at the same time."""
    desks: int = 6
    """Accounts that the clients share: each holds against the others, and signing in is limited."""
    most_owned: int = 2
    """How many appointments a client keeps before it changes or cancels one."""

    @property
    def shared_patients(self) -> int:
        """How many patients are booked for by all clients, so that they compete for them."""
        return max(1, self.clients // 8)
