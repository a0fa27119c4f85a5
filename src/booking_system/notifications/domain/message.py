"""What a message is about, what it goes through, and what has become of it."""

from enum import StrEnum


class Kind(StrEnum):
    """Why somebody is written to."""

    CONFIRMATION = "confirmation"
    CHANGE = "change"
    CANCELLATION = "cancellation"
    REMINDER = "reminder"
    STAFF_NOTICE = "staff_notice"
    INVITATION = "invitation"
    EMAIL_VERIFICATION = "email_verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    # Answers to what a patient wrote by SMS.
    CONFIRMED_ANSWER = "confirmed_answer"
    CANCEL_QUESTION = "cancel_question"
    WHICH_TO_CONFIRM = "which_to_confirm"
    WHICH_TO_CANCEL = "which_to_cancel"
    TOO_LATE_ANSWER = "too_late_answer"
    CHANGED_ANSWER = "changed_answer"
    HELP_ANSWER = "help_answer"
    UNREAD_ANSWER = "unread_answer"
    # Money.
    PAYMENT_REQUEST = "payment_request"
    PAYMENT_REMINDER = "payment_reminder"
    PAYMENT_EXPIRED = "payment_expired"
    PAYMENT_LATE = "payment_late"
    PAYMENT_RECEIPT = "payment_receipt"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    # Money, to the clinic.
    DISPUTE_NOTICE = "dispute_notice"
    MATTER_NOTICE = "matter_notice"
    # To the clinic: a patient wrote the word CANCEL, which ends SMS and cancels nothing.
    CANCEL_WORD_NOTICE = "cancel_word_notice"


ANSWERS = frozenset(
    {
        Kind.CONFIRMED_ANSWER,
        Kind.CANCEL_QUESTION,
        Kind.WHICH_TO_CONFIRM,
        Kind.WHICH_TO_CANCEL,
        Kind.TOO_LATE_ANSWER,
        Kind.CHANGED_ANSWER,
        Kind.HELP_ANSWER,
        Kind.UNREAD_ANSWER,
    }
)
"""They go by SMS only, to the number that has just written."""
ALWAYS_TRUE = frozenset({Kind.CHANGED_ANSWER, Kind.HELP_ANSWER, Kind.UNREAD_ANSWER})
"""They name no time, so no change of the appointment makes them wrong."""
OF_SEVERAL = frozenset({Kind.WHICH_TO_CONFIRM, Kind.WHICH_TO_CANCEL})
QUESTIONS = OF_SEVERAL | {Kind.CANCEL_QUESTION}
"""They are true for as long as an answer is waited for."""


ASKING_FOR_MONEY = frozenset({Kind.PAYMENT_REQUEST, Kind.PAYMENT_REMINDER})
"""They lead to where one can pay, and are true while an appointment waits for money."""
OF_ONE_CAUSE = frozenset(
    {
        Kind.PAYMENT_LATE,
        Kind.PAYMENT_RECEIPT,
        Kind.REFUND,
        Kind.REFUND_FAILED,
        Kind.DISPUTE_NOTICE,
        Kind.MATTER_NOTICE,
    }
)
"""Of one payment, refund or matter, and of no revision of its appointment."""
WITH_RECEIPTS = frozenset({Kind.CONFIRMATION, Kind.PAYMENT_RECEIPT})
"""The receipts that they name go with them, in a mail; with a refund goes its correction."""
OF_MONEY = ASKING_FOR_MONEY | OF_ONE_CAUSE | {Kind.PAYMENT_EXPIRED}


class Channel(StrEnum):
    """What a message goes through."""

    EMAIL = "email"
    SMS = "sms"


class State(StrEnum):
    """Where a message stands.

    `unknown`: its bytes went out, and nobody knows whether the provider took it.
    """

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    SKIPPED = "skipped"
