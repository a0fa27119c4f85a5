"""What statements are called: by the constants that hold them, and in a story by what they do."""

import sys
from functools import cache
from types import ModuleType

from booking_system.consultations.adapters import statements as rooms
from booking_system.notifications.adapters import claiming_statements as claims
from booking_system.notifications.adapters import ledger_statements as ledger
from booking_system.notifications.adapters.block_statements import BLOCK
from booking_system.notifications.adapters.facts import FACTS
from booking_system.notifications.adapters.planning_statements import PLAN, WITHDRAW
from booking_system.payments.adapters import inbox, queue
from booking_system.payments.adapters import statements as money
from booking_system.payments.adapters.following import SETTLE
from booking_system.payments.adapters.waiting_events import WAITING
from booking_system.platform.postgres.feed import TAKE
from booking_system.platform.postgres.statement import Statement
from booking_system.scheduling.records.ended_holds import OLD_HOLDS

LONGEST = 40
UNNAMED = {
    OLD_HOLDS.statement: "OLD_HOLDS",
    BLOCK.text: "BLOCK_NUMBER",
    claims.CLAIM.text: "CLAIM_MESSAGES",
    ledger.BEGIN.text: "BEGIN_SENDING",
    ledger.END.text: "END_MESSAGE",
    ledger.LOCK_APPOINTMENT.text: "LOCK_TO_SEND",
    FACTS.text: "FACTS_OF_MESSAGE",
    PLAN.text: "PLAN_MESSAGES",
    WITHDRAW.text: "WITHDRAW_MESSAGES",
    TAKE.text: "NUMBER",
    rooms.LOCK.text: "LOCK_ROOM",
    rooms.LOOK.text: "LOOK_AT_ROOM",
    rooms.MAKE.text: "MAKE_ROOM",
    rooms.SAID.text: "LOOK_FOR_ENTRY",
    rooms.SAVE.text: "SAVE_ROOM",
    rooms.STORE.text: "STORE_ENTRY",
    queue.CLAIM.text: "CLAIM_WORK",
    queue.CLAIM_ONE.text: "CLAIM_ONE",
    queue.FINISH.text: "FINISH_WORK",
    queue.PUT_OFF.text: "PUT_OFF_WORK",
    inbox.STORE.text: "STORE_EVENT",
    inbox.LOCK_EVENT.text: "LOCK_EVENT",
    inbox.HANDLED.text: "HANDLED",
    WAITING.text: "WAITING_EVENTS",
    SETTLE.text: "PLAN_SETTLING",
    money.PLAN.text: "PLAN_WORK",
    money.LOCK_ATTEMPTS.text: "LOCK_ATTEMPTS",
    money.ADD_LINE.text: "ADD_LINE",
    money.DRAW_NUMBERS.text: "DRAW_NUMBERS",
    money.RESOLVE.text: "RESOLVE_MATTER",
}
TOLD = {
    "ADD": "writes the appointment",
    "ADD_PLAIN": "writes the appointment",
    "ADD_PLAIN_SERVICE": "writes the appointment if the service is still there",
    "ADD_SERVICE": "writes the appointment if the service is still there",
    "ADD_TIME_OFF": "writes the time off",
    "BEGIN_SENDING": "notes that sending begins",
    "BLOCK_NUMBER": "notes that no SMS is wanted",
    "BLOCKED": "looks whether the address is let be",
    "CLAIM_MESSAGES": "claims what is due",
    "CONNECT": "connects to the provider",
    "COUNT_DUE": "counts what is due",
    "END_MESSAGE": "ends the message",
    "FACTS_OF_MESSAGE": "reads all about the message",
    "FINISH": "notes that the provider has it",
    "GIVE_BYTES": "gives the message to the provider",
    "HEAR": "hears the provider's answer",
    "LOCK_ROOM": "locks the room",
    "LOOK_AT_ROOM": "reads the room and its appointment",
    "LOOK_FOR_ENTRY": "looks whether it was said",
    "MAKE_ROOM": "makes the room",
    "SAVE_ROOM": "writes what was decided",
    "STORE_ENTRY": "writes the entry",
    "LOCK_TO_SEND": "locks the appointment against changes",
    "MOVE_ON": "moves its place in the feed",
    "NEXT": "reads the next events",
    "NUMBER": "numbers events into the feed",
    "PLAN_MESSAGES": "plans messages",
    "PUT_OFF": "puts the message off",
    "RESCUE": "takes back what others left",
    "STANDINGS": "reads what messages are called for",
    "STAND_BEGUN": "hears that it may begin",
    "STAND_LOCKED": "hears that it may hand over",
    "STILL_BEGUN": "looks whether the message is still its own",
    "TAKE_PLACE": "takes the place in the feed",
    "TAKE_TURN": "takes the turn of the job",
    "TELL": "tells how far the feed is",
    "UNDO_BEGIN": "withdraws what it did not hand over",
    "UNKNOWN": "notes that nobody knows",
    "WAIT": "lets the message wait",
    "WANTED_AGAIN": "looks what is to be tried again",
    "WITHDRAW_MESSAGES": "withdraws what is superseded",
    "AFFECTED doctor": "looks for the doctor's appointments",
    "AFFECTED patient": "looks for their appointments",
    "AFFECTED service": "looks for its appointments",
    "ATTEMPT": "locks the slot and reads the facts",
    "ATTEMPT_OWN": "locks the slot and reads the facts",
    "ATTEMPT_TOLD": "locks the slot and reads the facts",
    "BLOCK": "keeps time around it free",
    "CALENDARS_OF": "looks whose hours take over",
    "CANCEL": "writes the cancellation and frees the slots",
    "CLAIM": "takes the key",
    "CLINIC_OF": "locks doctor and clinic against a removal",
    "CLOCK": "goes on",
    "COUNTS patient": "counts what is held for the patient",
    "CLOSE_SLOTS doctor": "locks and closes the doctor's slots",
    "COMMIT": "commits",
    "DOCTOR": "reads the doctor's calendar",
    "END_HOLDS": "ends holds",
    "EXCEPTIONS": "reads the exceptions",
    "FACTS": "reads the facts",
    "FACTS_TOLD": "reads the facts",
    "FORGET": "forgets the key if it is old",
    "FREED": "looks which time is free again",
    "HAND_OVER": "hands the slots over to the heir",
    "HELD": "looks at the hold",
    "INHERIT": "writes that it is the heir",
    "IS_AWAY": "looks for time off",
    "LEAVE_SLOTS": "leaves the old slots",
    "LEFT_OVER": "looks which slots are left over",
    "LOCK": "locks the slot",
    "LOCK doctor": "locks the doctor",
    "LOCK patient": "locks the patient",
    "LOCK service": "locks the service",
    "LOCK_CARD": "locks the appointment",
    "LOCK_DOCTOR": "locks the doctor's calendar",
    "LOCK_NEARBY": "locks all slots that it meets",
    "LOCK_SLOTS": "locks the slots of the hours",
    "LOCK_SLOTS patient": "locks the slots of their appointments",
    "LOCK_SLOTS service": "locks the slots of its appointments",
    "LOCK_SLOTS_OF": "locks the appointment's slots",
    "LOCK_TO_MOVE": "locks old and new slots",
    "MARK doctor": "writes that the doctor is gone",
    "MARK patient": "writes that the patient is gone",
    "MARK service": "writes that the service is gone",
    "MOVE": "writes where it is now",
    "NEARBY": "reads the slots that it meets",
    "NEARBY_TO_MOVE": "reads the slots that it meets",
    "OF_DOCTOR affected": "looks for appointments in that time",
    "OF_DOCTOR affected_locked": "locks the appointments in that time",
    "OF_DOCTOR close": "closes the slots in that time",
    "OF_DOCTOR count_affected": "counts appointments in that time",
    "OF_DOCTOR end_holds": "ends holds in that time",
    "OF_DOCTOR lock_slots": "locks the slots in that time",
    "OF_DOCTOR open_slots": "counts the free slots in that time",
    "OLD_HOLDS": "empties old holds",
    "OPEN": "opens slots",
    "PAUSE": "tries again",
    "PLACE": "writes the hold",
    "PRESENT": "reads the slots that there are",
    "QUEUE": "queues as a holder",
    "RELEASE": "gives the hold back",
    "REPLAY": "looks for the answer that the key had",
    "ROLLBACK": "rolls back",
    "ROLLBACK TO": "rolls back to a savepoint",
    "RULE": "reads the hours",
    "RULES": "reads all hours",
    "SAVE": "writes the slot",
    "SAVE_RULE": "writes the hours",
    "SHARE_LESS": "lets them share less",
    "SHARING": "looks who shares its time",
    "SOLE_OWNER": "looks whether somebody is its owner alone",
    "SLOTS_NOW patient": "looks whether somebody booked for the patient meanwhile",
    "SLOTS_NOW service": "looks whether somebody booked the service meanwhile",
    "STOP_BOOKINGS patient": "stops bookings for the patient",
    "STOP_BOOKINGS service": "stops bookings of the service",
    "TAKE_TIME": "takes more time",
    "UNBLOCK": "keeps no time around it free",
    "WHOSE": "reads whose slot it is",
    "WITHDRAW": "withdraws slots",
    "WITHDRAW_FREE": "withdraws free slots",
}


def name_of(query: str) -> str:
    """Return the name of a statement, the same in every run."""
    if query.startswith("ROLLBACK TO"):
        return "ROLLBACK TO"
    known = _names().get(query)
    return known or " ".join(query.split())[:LONGEST].rstrip(";")


def told(step: str) -> str:
    """Return what somebody does with it, without its subject."""
    return TOLD.get(step, f"does {step}")


@cache
def _names() -> dict[str, str]:
    found = dict(UNNAMED)
    for name, module in sorted(sys.modules.items()):
        if name.startswith("booking_system.") and isinstance(module, ModuleType):
            for constant, value in vars(module).items():
                if isinstance(value, Statement):
                    found.setdefault(value.text, constant)
                    continue
                is_our_object = type(value).__module__.startswith("booking_system.")
                several = value if isinstance(value, dict) else {}
                if is_our_object and hasattr(value, "__dict__"):
                    several = vars(value)
                for key, one in several.items():
                    if isinstance(one, Statement):
                        found.setdefault(one.text, f"{constant} {key}")
    return found
