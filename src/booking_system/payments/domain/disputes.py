"""What complaints do to the ledger: money that they take, that comes back, and what they cost."""

from collections.abc import Iterator

from booking_system.payments.domain.ledger import LineKind
from booking_system.payments.domain.sighting import DisputeStage, SeenDispute
from booking_system.shared_kernel.money import Money


def movements_of(dispute: SeenDispute, written: int | None) -> Iterator[tuple[LineKind, Money]]:
    """Return all that a complaint has moved so far, each kind once, with its sign.

    `written` is what the ledger says that it took, in minor units; None: nothing yet. That stays,
    so no more and no less comes back. An inquiry takes no money. It makes no difference whether a
    complaint is seen at each of its steps or at its end only.
    """
    if dispute.stage is DisputeStage.INQUIRY:
        return
    currency = dispute.withdrawn.currency
    taken = dispute.withdrawn.amount if written is None else written
    if taken > 0:
        yield LineKind.DISPUTE_WITHDRAWN, Money(-taken, currency)
        if (back := _back(dispute, taken)) > 0:
            yield LineKind.DISPUTE_REINSTATED, Money(back, currency)
    if dispute.fee.amount > 0:
        yield LineKind.DISPUTE_FEE, Money(-dispute.fee.amount, dispute.fee.currency)
    if dispute.stage is DisputeStage.LOST:
        yield LineKind.DISPUTE_LOST, Money(0, currency)


def _back(dispute: SeenDispute, taken: int) -> int:
    """All of a complaint that is won; of a lost one what the provider gave back all the same."""
    if dispute.stage is DisputeStage.WON:
        return taken
    return min(dispute.returned, taken) if dispute.stage is DisputeStage.LOST else 0
