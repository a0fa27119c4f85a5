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
