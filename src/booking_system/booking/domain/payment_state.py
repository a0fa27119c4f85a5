"""How one payment stands, in the words that all who show it use."""

from enum import StrEnum


class PaymentState(StrEnum):
    """What a client is told of a payment."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
