"""The ledger: what money came and went, one line for each, never changed and never removed.

All statuses of money are computed from it. Amounts are signed: what came in is above nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.identifiers import AppointmentId, ClinicId, UserId
from booking_system.shared_kernel.money import Money


class LineKind(StrEnum):
    """Why money moved."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"
    """A refund that was settled came back."""
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_REINSTATED = "dispute_reinstated"
    DISPUTE_LOST = "dispute_lost"
    """Nothing moves: what was withdrawn stays away for good."""
    DISPUTE_FEE = "dispute_fee"
    """The clinic's cost, which is no part of what the patient has paid."""
    DESK_PAYMENT = "desk_payment"
    DESK_REFUND = "desk_refund"
    UNALLOCATED = "unallocated"
    """It came to our account under our reference, and does not fit what was asked for."""


IN = frozenset({LineKind.CHARGE, LineKind.DESK_PAYMENT})
BACK = frozenset({LineKind.REFUND, LineKind.REFUND_RETURNED, LineKind.DESK_REFUND})
OF_PATIENT = IN | BACK | {LineKind.DISPUTE_WITHDRAWN, LineKind.DISPUTE_REINSTATED}
"""What counts for an appointment."""
ON_PAPER = IN | BACK
"""What a document is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Money that moved. One is there once for its account, `provider_id` and kind.

    `provider_id` is the provider's name of what moved it, `charge_id` of the charge that it is
    about. `money` is signed; `settled_at` is in UTC; `recorded_by` None: a provider told it.
    `method` says how staff took it.
    """

    kind: LineKind
    appointment_id: AppointmentId
    clinic_id: ClinicId
    payment_id: PaymentId
    account: Account
    provider_id: str
    charge_id: str
    money: Money
    settled_at: datetime
    recorded_by: UserId | None = None
    method: str | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` where the sign does not fit the kind."""
        amount, kind = self.money.amount, self.kind
        comes = kind in IN | {LineKind.REFUND_RETURNED, LineKind.DISPUTE_REINSTATED}
        goes = kind in {
            LineKind.REFUND,
            LineKind.DESK_REFUND,
            LineKind.DISPUTE_WITHDRAWN,
            LineKind.DISPUTE_FEE,
        }
        stays = kind is LineKind.DISPUTE_LOST
        if (comes and amount <= 0) or (goes and amount >= 0) or (stays and amount != 0):
            raise ValueError(f"{kind} of {amount}")

    @property
    def name(self) -> tuple[LineKind, str]:
        """By what it is told apart from others of its attempt."""
        return self.kind, self.provider_id


def total(lines: Iterable[Line], kinds: frozenset[LineKind] = OF_PATIENT) -> int:
    """Return the sum of the lines of these kinds, in minor units."""
    return sum(one.money.amount for one in lines if one.kind in kinds)


def net(lines: Iterable[Line]) -> int:
    """Return what an appointment has of its patient's money now."""
    return total(lines)


def charged(lines: Iterable[Line]) -> int:
    """Return all that ever came in."""
    return total(lines, IN)


def given_back(lines: Iterable[Line]) -> int:
    """Return all that went back and stayed away; what a dispute took is none of it."""
    return -total(lines, BACK)


def disputed(lines: Iterable[Line]) -> int:
    """Return what disputes keep away at the moment, or for good."""
    kinds = frozenset({LineKind.DISPUTE_WITHDRAWN, LineKind.DISPUTE_REINSTATED})
    return -total(lines, kinds)
