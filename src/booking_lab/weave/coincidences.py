"""Coincidences: what has to have happened sometimes, or the search has a hole.

A run is written down in sentences of few words, and each coincidence says which sentence it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from booking_lab.weave.deeds import Deed
from booking_lab.weave.loom import Happening
from booking_lab.weave.records import Record
from booking_lab.weave.scene import MINUTE, PATIENTS, REMINDERS
from booking_lab.weave.seen import Seen
from booking_lab.weave.threads import Order

LOCK = "at (ATTEMPT|ATTEMPT_OWN|ATTEMPT_TOLD|LOCK_NEARBY)"
SOMETIMES: Mapping[str, str] = {
    "two patients book one slot and meet at its lock": f"^book waits for book {LOCK} .*one slot",
    "one holds what another books": f"^(book waits for hold|hold waits for book) {LOCK}",
    "two hold one slot": f"^hold waits for hold {LOCK}",
    "three wait at once": "^three wait",
    "a twin comes between lock and commit": "^book waits for book .*one key",
    "a key is answered again": "^key answered again",
    "a COMMIT is lost that arrived, and the key comes again": "^key after lose answer at COMMIT",
    "a COMMIT is lost that never arrived, and the key comes again": "^key after cut at COMMIT",
    "somebody leaves in front of their COMMIT, and the key comes again": (
        "^key after leave at COMMIT"
    ),
    "a COMMIT is lost without a key": "^(move|cancel|hold|release) lose answer at COMMIT",
    "a hold runs out while another books": "^clock in book, hold of another over",
    "a hold runs out while its owner books": "^clock in book, own hold over",
    "a hold runs out while its owner keeps it for longer": "^clock in extend, own hold over",
    "a move meets a cancellation": (
        "^(move waits for (cancel|dismiss)|(cancel|dismiss) waits for move)"
    ),
    "two swap their slots": "^move waits for move .*two patients",
    "one appointment moves to two places": "^move waits for move .*one patient",
    "a move meets a booking of the slot that it wants": (
        "^(move waits for book|book waits for move)"
    ),
    "time off waits for a booking": "^time off waits for (book|overbook)",
    "a booking waits for time off": "^(book|hold|overbook) waits for time off",
    "time off comes over a hold": "^time off ends a hold",
    "hours change under a hold": "^held outside of the hours",
    "hours change under an appointment": "^booked outside of the hours",
    "hours change while somebody lets go": (
        "^(hours waits for (release|cancel|move)|(release|cancel|move) waits for hours)"
    ),
    "heir and leaver go at once": "^(cancel|move) waits for (cancel|move) .*shared",
    "somebody overbooks what is being left": (
        "^(overbook waits for (cancel|move)|(cancel|move) waits for overbook)"
    ),
    "somebody books what is being left": "^book waits for (cancel|dismiss|move)",
    "a doctor goes while somebody books": (
        "^(remove doctor waits for (book|hold|overbook)|(book|hold|overbook) waits for remove doc)"
    ),
    "a patient goes while they are booked": (
        "^(remove patient waits for (book|overbook)|(book|overbook) waits for remove patient)"
    ),
    "a service goes while it is booked": (
        "^(remove service waits for (book|overbook)|(book|overbook) waits for remove service)"
    ),
    "a doctor is taken off a service while it is booked": "^take off commits in (book|overbook)",
    "one patient is booked with two doctors at once": (
        "^(book|overbook) waits for .* at ADD.*one patient"
    ),
    "a patient has no time after all": "^(book|overbook) is told patient_overlap after waiting",
    "somebody wants a part of what another takes": f"^.*{LOCK} .*one of two slots",
    "holders of one patient queue": "^hold waits for hold at QUEUE",
    "a slot is closed or deleted while somebody wants it": (
        "^(book|hold) waits for (close|delete|reopen)"
    ),
    "the tidying meets somebody who comes too late": "^tidy commits in (extend|book|hold|release)",
    "the planning meets somebody who lets go": (
        "^(plan|release|cancel|move) waits for (plan|release|cancel)"
    ),
    "somebody leaves who waits": "^leaves waiting",
    "a process gets the lock whose client is gone": "^ghost goes on",
    "a connection breaks, and the request is tried again": "^tries again",
    "a worker is killed": "^(tidy|plan) (cut|leave|lose answer) at",
}
"""By name, as an expression that one of the sentences meets."""
PHASES: Mapping[str, str] = {
    "RESCUE": "rescuing",
    "CLAIM_MESSAGES": "claiming",
    "CONNECT": "claimed",
    "LOCK_TO_SEND": "judging",
    "BEGIN_SENDING": "begun",
    "STILL_BEGUN": "locked",
    "GIVE_BYTES": "handed",
    "FINISH": "noted",
    "NUMBER": "numbered",
    "TAKE_PLACE": "planning",
    "PLAN_MESSAGES": "planned",
    "WAITING_EVENTS": "events",
    "PLAN_WORK": "planned",
    "CLAIM_WORK": "claimed",
    "LOCK_ATTEMPTS": "deciding",
    "LOOK_AT_ROOM": "looked",
    "ADD_LINE": "lined",
    "DRAW_NUMBERS": "numbered",
    **{f"ASK {one}": f"{one} asked" for one in ("create", "read", "end", "capture", "refund")},
}
"""How far a worker is that has done such a statement."""


def reached(sentences: Iterable[str], sometimes: Mapping[str, str] = SOMETIMES) -> set[str]:
    """Return the coincidences that a run had."""
    lines = list(sentences)
    found = ((name, re.compile(sentence)) for name, sentence in sometimes.items())
    return {name for name, one in found if any(map(one.search, lines))}


class Notes:
    """Writes a run down in such sentences."""

    def __init__(self) -> None:
        """Begin with an empty page."""
        self.sentences = set[str]()
        self._waiting = set[str]()
        self._waited = set[str]()
        self._lost = set[str]()
        self._working = set[str]()
        self._phases = dict[str, str]()
        self._is_later = False

    def hears(self, happening: Happening, current: Mapping[str, Record], seen: Seen) -> None:
        """Note a step, while everybody does what they currently do."""
        who, what = happening.who, happening.what
        own = current.get(who)
        if who.endswith("ghost"):
            self.sentences.add(f"ghost {what}")
        if what == "waits":
            self._waiting.add(who)
            self._waited.add(who)
            if len(self._waiting) > 2:
                self.sentences.add("three wait")
            for one in happening.whom:
                if own is not None and (other := current.get(one)) is not None:
                    self._meets(own, other, happening.step, seen)
        elif who in self._waiting:
            self._waiting.discard(who)
            if what in set(Order):
                self.sentences.add("leaves waiting")
        if own is not None and what in set(Order):
            self._step(own, happening)
        self._working.add(who)

    def answered(self, record: Record) -> None:
        """Note what somebody was told."""
        what, key = record.deed.what, record.deed.key
        waited = " after waiting" if record.actor in self._waited else ""
        self.sentences.add(f"{what} is told {record.answer}{waited}")
        if key and record.is_done:
            if "answered" in self._lost:
                self.sentences.add("key answered again")
            self._lost.add("answered")
            self.sentences |= {f"key after {one}" for one in self._lost if " at " in one}
        self._waited.discard(record.actor)
        self._working.discard(record.actor)
        self._phases.pop(record.actor, None)

    def clock(self, before: Seen, after: Seen, current: Mapping[str, Record]) -> None:
        """Note what the clock goes over."""
        over = [
            slot["held_for"]
            for slot in before.slots.values()
            if before.holder(slot) is not None and slot["held_until"] <= after.now
        ]
        self._is_later = True
        is_reminded = any(
            before.now < row["starts_at"] - offset * MINUTE <= after.now
            for row in before.active()
            for offset in REMINDERS
        )
        is_overdue = any(
            row["pay_by"] is not None and before.now < row["pay_by"] <= after.now
            for row in before.visits.values()
        )
        for name in self._working & set(current):
            deed = current[name].deed
            how_far = self._phases.get(name, "")
            self.sentences.add(f"clock in {deed.what} {how_far}".rstrip())
            if is_overdue:
                self.sentences.add(f"clock over pay_by in {deed.what} {how_far}".rstrip())
            if is_reminded:
                self.sentences.add(f"clock over a reminder in {deed.what}")
            for holder in over:
                whose = "own hold" if _is_of(deed, holder) else "hold of another"
                self.sentences.add(f"clock in {deed.what}, {whose} over")

    def commits(self, by: Record, before: Seen, after: Seen, current: Mapping[str, Record]) -> None:
        """Note in what somebody's commit comes."""
        for name in self._working & set(current) - {by.actor}:
            if current[name].answer is None:
                said = f"{by.deed.what} commits in {current[name].deed.what}"
                after_clock = " after the clock" if self._is_later else ""
                self.sentences |= {said, f"{said} {self._phases.get(name, '')}{after_clock}"}
        for slot in after.slots.values():
            was = before.slots.get(slot["id"])
            if slot["outside_availability"] and not slot["is_deleted"]:
                if after.holder(slot) is not None:
                    self.sentences.add("held outside of the hours")
                if slot["appointment_id"] is not None:
                    self.sentences.add("booked outside of the hours")
            if was is not None and before.holder(was) is not None and slot["hold_id"] is None:
                self.sentences.add(f"{by.deed.what} ends a hold")

    def _step(self, own: Record, happening: Happening) -> None:
        deed, step = own.deed, happening.step
        if happening.what != Order.GO:
            how_far = self._phases.get(own.actor, "")
            self.sentences.add(f"{deed.what} {happening.what} at {step} {how_far}".rstrip())
            if deed.key:
                self._lost.add(f"{happening.what} at {step}")
        elif step == "PAUSE":
            self.sentences.add("tries again")
        elif step in PHASES and not (
            step == "LOCK_TO_SEND" and self._phases.get(own.actor) == "begun"
        ):
            self._phases[own.actor] = PHASES[step]

    def _meets(self, one: Record, other: Record, step: str, seen: Seen) -> None:
        about = " and ".join(_in_common(one.deed, other.deed, seen))
        how_far = self._phases.get(other.actor, "")
        said = f"{one.deed.what} waits for {other.deed.what} at {step} {about} {how_far}"
        self.sentences.add(said.rstrip())


def _in_common(one: Deed, other: Deed, seen: Seen) -> Iterator[str]:
    yield "one patient" if one.patient == other.patient else "two patients"
    if one.key and one.key == other.key:
        yield "one key"
    if one.is_long != other.is_long or (one.is_long and one.slot != other.slot):
        yield "one of two slots"
    if one.slot == other.slot:
        yield "one slot"
    if any(row["overbooked"] for row in seen.active()):
        yield "shared"


def _is_of(deed: Deed, holder: object) -> bool:
    return PATIENTS[deed.patient] == holder
