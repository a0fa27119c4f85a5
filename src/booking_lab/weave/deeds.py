"""What people do, and what befalls them: the words in which a run is planned and told."""

from collections.abc import Sequence
from typing import NamedTuple

from booking_lab.weave.loom import Choice
from booking_lab.weave.scene import (
    DEPOSIT,
    LONG,
    ONE,
    OPTIONAL,
    OTHER,
    OTHERS_SLOTS,
    PAID,
    SHORT,
    SLOTS,
)
from booking_system.shared_kernel.identifiers import DoctorId, ServiceId, SlotId

ALL_SLOTS: Sequence[SlotId] = (*SLOTS, *OTHERS_SLOTS)
"""The first doctor's three, then the other's two, which are at the time of the first two."""
PEOPLE = ("Ann", "Ben", "Cleo")
ELSEWHERE = ("pays", "pays anyway", "pays slowly", "money comes", "money fails", "refunds there",
             "refunds settle", "refunds fail")  # fmt: skip
"""What payers, or a provider's own people, do where the program is not asked."""
PAID_FOR = {"paid first": PAID, "with a deposit": DEPOSIT, "paid later": OPTIONAL}
"""Services that cost something, by how they are booked."""


class Deed(NamedTuple):
    """One thing that somebody does: `patient` is for whom, `slot` a place in `ALL_SLOTS`.

    `slow` is a step at which they stand still, until nobody else can go on.
    """

    what: str
    patient: int = 0
    slot: int = 0
    is_long: bool = False
    key: str = ""
    how: str = ""
    slow: str = ""

    @property
    def slot_id(self) -> SlotId:
        """The slot that is meant."""
        return ALL_SLOTS[self.slot]

    @property
    def doctor_id(self) -> DoctorId:
        """Whose slot it is."""
        return ONE if self.slot < len(SLOTS) else OTHER

    @property
    def service_id(self) -> ServiceId:
        """What it is booked for: the long service takes the next slot, too."""
        return PAID_FOR.get(self.how, LONG if self.is_long else SHORT)

    def told(self) -> str:
        """In a sentence without its subject."""
        whose, at = PEOPLE[self.patient], f"slot {self.slot}"
        where = f"{at} and the next" if self.is_long else at
        key = f" with key {self.key}" if self.key else ""
        how = {"keep": "and keeps appointments", "cancel": "and cancels appointments"}.get(self.how)
        service = f"the {'long' if self.is_long else 'short'} service"
        sentences = {
            "hold": f"holds {where} for {whose}",
            "book": f"books {where} for {whose}{f', {self.how}' if self.how else ''}{key}",
            "overbook": f"books {where} for {whose} although it is taken",
            "release": f"gives {whose}'s hold on {at} back",
            "extend": f"keeps {whose}'s hold on {at} for longer",
            "cancel": f"cancels {whose}'s appointment in {at}",
            "dismiss": f"cancels {whose}'s appointment in {at} for the clinic",
            "move": f"moves {whose}'s appointment to {at}",
            "time off": f"takes {at} off {how or 'if nobody is booked'}",
            "end time off": f"ends the time off in {at}",
            "close": f"closes {at}",
            "reopen": f"opens {at} again",
            "delete": f"deletes {at}",
            "hours": f"lets the doctor's hours end {self.how} slot {self.slot}",
            "remove doctor": f"removes the doctor of {at} {how or 'if nobody is booked'}",
            "restore doctor": f"brings the doctor of {at} back",
            "remove patient": f"removes {whose} {how or 'if nothing is booked'}",
            "remove service": f"removes {service} {how or 'if nobody is booked'}",
            "take off": f"takes the doctor of {at} off {service}",
            "tidy": "empties holds that are long over",
            "plan": "plans the calendars that are due",
            "check in": f"says that {whose} is there for {at}",
            "no show": f"says that {whose} did not come for {at}",
            "undo": f"takes back what was said of {whose}'s appointment in {at}",
            "relay": "brings events into the feed",
            "planner": "plans messages",
            "send": "sends messages",
            "follower": "plans that the money of changed appointments is looked at",
            "money": "takes in events of providers and does the work of payments",
            "sweep": "lets go of what was not paid in time",
            "reconcile": "compares the books with those of providers",
            "hooks": f"tells of what happened, {self.how or 'in order'}",
            "mood": f"is set up so: {self.how}",
            "start": f"begins to pay {whose}'s appointment in {at} by {self.how}",
            "pays": f"pays {whose}'s appointment in {at} on the page of {self.how}",
            "pays anyway": f"pays {whose}'s appointment in {at} though {self.how}'s page is over",
            "pays slowly": f"pays {whose}'s appointment in {at} in a way that takes time",
            "money comes": f"has the money of {whose}'s appointment in {at}",
            "money fails": f"does not get the money of {whose}'s appointment in {at}",
            "refunds there": f"gives {self.how} of {whose}'s money back in the provider's pages",
            "refunds settle": "brings refunds to their payers",
            "refunds fail": "gets refunds back",
            "gives back": f"gives {self.how or 'all'} of {whose}'s payment in {at} back",
            "desk takes": f"takes {self.how or 'all'} for {whose}'s appointment in {at}",
            "stop": "writes STOP",
            "open rooms": "opens the rooms of online appointments",
            "let in": f"lets {whose} in as the doctor of {at}",
            "put back": f"puts {whose} back into the waiting room",
            "say": f"writes in the room{key}",
            "end room": "ends the consultation",
            "follow": "follows the appointment of the room",
            "wait": f"goes on by {self.how} minutes",
        }
        slow = f", and stands still at {self.slow}" if self.slow else ""
        return f"{sentences[self.what]}{slow}"


class Part(NamedTuple):
    """One actor, and what they do, one after the other."""

    name: str
    deeds: tuple[Deed, ...]


class Plan(NamedTuple):
    """A whole run: what was before, who does what, and whose turn it is at each step.

    Behind the last choice, and where one is not possible, the holder of the last turn goes on as
    long as they can.
    """

    before: tuple[Deed, ...]
    parts: tuple[Part, ...]
    choices: tuple[Choice, ...] = ()
    about: str = ""
    """The part of the program that works beside people, by its name in `Weaver`."""
