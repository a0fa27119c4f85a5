"""How payments says no."""

from booking_system.shared_kernel.errors import Conflict, NotFound, RuleViolation


class PaymentNotFound(NotFound):
    """There is no such payment, or not for you."""


class ReceiptNotFound(NotFound):
    """There is no such receipt, or not for you."""


class PaymentNotRequired(RuleViolation):
    """Nothing is paid for this booking here.

    Its service has no price, or the clinic takes the money for it elsewhere.
    """

    code = "payment_not_required"


class PaymentAlreadyMade(Conflict):
    """All that this booking costs is paid.

    Read the booking again: its `payment_status` says so. Nothing was charged by this request.
    """

    code = "payment_already_made"


class PaymentInProgress(Conflict):
    """Another payment of this booking is under way.

    It was begun in another way, or for another amount, and is being ended now. Nobody is charged
    twice: wait a moment, then send the request again.
    """

    code = "payment_in_progress"


class PaymentKeysRefused(RuleViolation):
    """The provider refuses these keys.

    They are mistyped, of another mode, or were revoked; nothing was stored. Copy them anew from the
    provider's pages. A restricted key of Stripe's needs the rights that the documentation lists.
    """

    code = "payment_keys_refused"


class RefundExceedsPayment(Conflict):
    """That is more than can go back.

    What was paid, less what was given back or is on its way, is the most. Read the payment again.
    """

    code = "refund_exceeds_payment"


class PaymentIsDisputed(Conflict):
    """The payer's bank has this money, or may take it: it cannot be refunded now.

    The payer has complained to their bank, and the money would go back twice. Once the complaint
    was decided for the clinic, refunds are possible again.
    """

    code = "payment_disputed"
