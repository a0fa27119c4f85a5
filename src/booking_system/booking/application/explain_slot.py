"""Use case: why a slot can be booked, or why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from booking_system.booking.application.ports import BookingWish, HoldReader
from booking_system.booking.domain.attempt import BookingAttempt, BookingRule
from booking_system.booking.domain.booking_rules import (
    PATIENT_RULES,
    SERVICE_RULES,
    SLOT_RULES,
    caller_may_book_for_the_patient,
    slot_exists,
)
from booking_system.identity.domain.actor import Actor
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule says: the code and the sentence."""

    code: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainSlot:
    """Asks the rules of a booking, all of them instead of up to the first no.

    Nothing is locked, so what they say may be different by the time of booking.
    """

    reader: HoldReader
    clock: Clock

    async def __call__(self, *, wish: BookingWish, actor: Actor | None) -> Sequence[Finding]:
        """Return what the rules say; those about a patient only where there is one.

        Raises `SlotNotFound`, `Invalid` for a move to another clinic, and `PatientNotFound` where
        the caller may not book for the patient.
        """
        attempt = await self.reader.attempt(wish, actor=actor, now=self.clock.now())
        slot_exists(attempt)
        wish.check_clinic(attempt)
        rules = [*SLOT_RULES, *SERVICE_RULES]
        if attempt.wants_patient:
            caller_may_book_for_the_patient(attempt)
            rules += PATIENT_RULES
        return [_finding(rule, attempt) for rule in rules]


def _finding(rule: BookingRule, attempt: BookingAttempt) -> Finding:
    try:
        rule(attempt)
    except Refusal as refusal:
        return Finding(code=refusal.code, passed=False, detail=refusal.detail)
    return Finding(code=rule.refusal.code, passed=True, detail=rule.says)
