"""What a weave is about: booking, its messages, money, rooms; with plans, turns, coincidences."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from booking_lab.weave import coincidences, plans
from booking_lab.weave.chance import ByChance, ByLongChance, BySlowChance
from booking_lab.weave.deeds import Plan
from booking_lab.weave.messages import coincidences as of_messages
from booking_lab.weave.messages import plans as plans_of_messages
from booking_lab.weave.payments import coincidences as of_payments
from booking_lab.weave.payments import plans as plans_of_payments
from booking_lab.weave.rooms import coincidences as of_rooms
from booking_lab.weave.rooms import plans as plans_of_rooms
from booking_lab.weave.weaver import Chooser


class Subject(NamedTuple):
    """`option` is what the command has to be told; `sometimes` are its coincidences."""

    option: str
    planned: Callable[[int], Plan]
    chance: Callable[[int], Chooser]
    sometimes: Mapping[str, str]

    def command(self, seed: int) -> str:
        """Return what repeats a seed."""
        return f"booking-system weave{self.option} --seeds {seed}:{seed + 1}"


BOOKING = Subject("", plans.planned, ByChance, coincidences.SOMETIMES)
MESSAGES = Subject(" --messages", plans_of_messages.planned, ByLongChance, of_messages.SOMETIMES)
PAYMENTS = Subject(" --payments", plans_of_payments.planned, BySlowChance, of_payments.SOMETIMES)
ROOMS = Subject(" --rooms", plans_of_rooms.planned, ByChance, of_rooms.SOMETIMES)
