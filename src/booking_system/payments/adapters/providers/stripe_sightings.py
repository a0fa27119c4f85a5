"""Stripe's objects as sightings.

What decides is what is there: a charge that succeeded, a refund, a movement on the account's
balance. Words that are not known change nothing, and a line in the log tells of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from booking_system.payments.adapters.providers.reading import (
    UnreadableAnswer,
    below,
    id_of,
    known,
    log,
    needed,
    objects_of,
    seconds_of,
    text_of,
    whole,
    words_of,
)
from booking_system.payments.domain.amounts import STRIPE, InexpressibleAmount
from booking_system.payments.domain.sighting import (
    Account,
    Charge,
    DisputeStage,
    RefundStage,
    SeenDispute,
    SeenRefund,
    Sighting,
    Stage,
)
from booking_system.shared_kernel.money import Money

OURS = "booking_payment_id"
"""Metadata of a session, its payment intent and its charges: the id of the attempt."""
OUR_REFUND = "booking_refund_id"
REFERENCE = "booking_checkout"
"""Metadata of a refund: its own id with us, and the session that it is of."""
STATUSES = {"open": Stage.OPEN, "complete": Stage.PROCESSING, "expired": Stage.ENDED}
"""Of a session; complete is not paid."""
PAYMENTS = {"paid": Stage.PAID, "no_payment_required": Stage.PAID, "unpaid": Stage.OPEN}
INTENTS = {
    "canceled": Stage.FAILED,
    "processing": Stage.PROCESSING,
    "requires_action": Stage.OPEN,
    "requires_capture": Stage.PROCESSING,
    "requires_confirmation": Stage.OPEN,
    "requires_payment_method": Stage.FAILED,
    "succeeded": Stage.PROCESSING,
}
"""Of the payment intent; that it succeeded is believed where its charge is seen."""
REFUNDS = {
    "canceled": RefundStage.FAILED,
    "failed": RefundStage.FAILED,
    "pending": RefundStage.PENDING,
    "requires_action": RefundStage.PENDING,
    "succeeded": RefundStage.SETTLED,
}
DISPUTES = {
    "appeal_needs_response": DisputeStage.OPEN,
    "appeal_under_review": DisputeStage.OPEN,
    "lost": DisputeStage.LOST,
    "needs_response": DisputeStage.OPEN,
    "prevented": DisputeStage.INQUIRY,
    "under_review": DisputeStage.OPEN,
    "warning_closed": DisputeStage.INQUIRY,
    "warning_needs_response": DisputeStage.INQUIRY,
    "warning_under_review": DisputeStage.INQUIRY,
    "won": DisputeStage.WON,
}
"""Whether a complaint took money is not read from here but from the account's movements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A session, and all that was done about its payment intent."""

    session: Mapping[str, Any]
    charges: Sequence[Mapping[str, Any]] = ()
    refunds: Sequence[Mapping[str, Any]] = ()
    disputes: Sequence[Mapping[str, Any]] = ()


def sighting_of(parts: Parts, account: Account) -> Sighting:
    """Return the attempt as Stripe has it. Raises `UnreadableAnswer`."""
    session = parts.session
    disputes = [_dispute(one) for one in parts.disputes]
    locked = {id_of(one.get("charge")) for one in parts.disputes if _keeps_money(one)}
    charges = [_charge(one, locked) for one in parts.charges if _is_money(one)]
    return Sighting(
        account=replace(account, is_live=session.get("livemode") is True),
        reference=needed(session, "id"),
        our_id=text_of(below(session, "metadata"), OURS) or text_of(session, "client_reference_id"),
        amount=_money(whole(session, "amount_total"), session),
        stage=_stage(session, charges),
        charges=tuple(charges),
        refunds=tuple(refund_of(one) for one in parts.refunds),
        disputes=tuple(disputes),
        checkout_url=words_of(session, "url"),
        ends_at=seconds_of(session.get("expires_at")),
    )


def refund_of(told: Mapping[str, Any]) -> SeenRefund:
    """Return a refund. Raises `UnreadableAnswer`."""
    status = text_of(told, "status")
    stage = known("stripe", "refund", status, REFUNDS) or RefundStage.PENDING
    problem = text_of(told, "failure_reason") or text_of(told, "pending_reason")
    return SeenRefund(
        id=needed(told, "id"),
        charge_id=id_of(told.get("charge")) or "",
        amount=_money(whole(told, "amount"), told),
        stage=stage,
        seen_at=_created(told),
        our_id=text_of(below(told, "metadata"), OUR_REFUND),
        problem=problem or (status if stage is RefundStage.FAILED else None),
    )


def _stage(session: Mapping[str, Any], charges: Sequence[Charge]) -> Stage:
    if charges:
        return Stage.PAID
    stage: Stage | None = known("stripe", "session", text_of(session, "status"), STATUSES)
    paid: Stage | None = known("stripe", "payment", text_of(session, "payment_status"), PAYMENTS)
    intent = below(session, "payment_intent")
    word = text_of(intent, "status")
    paying: Stage | None = known("stripe", "intent", word, INTENTS) if word else None
    if stage is None or paid is None:
        return Stage.OPEN
    if paid is Stage.PAID:
        log.warning("stripe_says_paid_without_charge")
        return Stage.PROCESSING
    if stage is Stage.OPEN:
        # A declined try leaves it open, and an intent that needs another way to pay.
        return Stage.PROCESSING if paying is Stage.PROCESSING else Stage.OPEN
    if stage is Stage.PROCESSING and paying is Stage.FAILED:
        return Stage.FAILED
    return stage


def _is_money(charge: Mapping[str, Any]) -> bool:
    return charge.get("status") == "succeeded" and charge.get("captured") is True


def _charge(told: Mapping[str, Any], locked: set[str | None]) -> Charge:
    charge_id = needed(told, "id")
    return Charge(
        id=charge_id,
        amount=_money(whole(told, "amount_captured"), told),
        settled_at=_created(told),
        is_refundable=told.get("refunded") is not True and charge_id not in locked,
    )


def _keeps_money(dispute: Mapping[str, Any]) -> bool:
    return dispute.get("is_charge_refundable") is False


def _dispute(told: Mapping[str, Any]) -> SeenDispute:
    status = text_of(told, "status")
    moved = objects_of(told.get("balance_transactions"))
    currency = _currency(told)
    gone, back = _moved(told, moved, currency)
    came = [one for one in moved if whole(one, "amount") > 0]
    return SeenDispute(
        id=needed(told, "id"),
        charge_id=id_of(told.get("charge")) or "",
        stage=known("stripe", "dispute", status, DISPUTES) or DisputeStage.INQUIRY,
        withdrawn=_money(gone, told),
        fee=_fee(moved, currency),
        seen_at=_created(told),
        returned=_money(back, told).amount,
        returned_at=max(map(_created, came), default=None),
    )


def _moved(
    told: Mapping[str, Any], moved: Sequence[Mapping[str, Any]], currency: str
) -> tuple[int, int]:
    """What went and what of it came back, in the charge's currency.

    Where the account counts in another one, the complaint's own amount is what went; rates may have
    changed until it came back.
    """
    amounts = [whole(one, "amount") for one in moved]
    gone, back = -sum(one for one in amounts if one < 0), sum(one for one in amounts if one > 0)
    back = min(gone, back)
    if gone > 0 and any(_currency(one) != currency for one in moved):
        whole_amount = whole(told, "amount")
        return whole_amount, whole_amount * back // gone
    return gone, back


def _fee(moved: Iterable[Mapping[str, Any]], currency: str) -> Money:
    told = list(moved)
    of_account = next((_currency(one) for one in told), currency)
    fee = sum(whole(one, "fee") for one in told)
    return _money(max(fee, 0), {"currency": of_account.lower()})


def _currency(told: Mapping[str, Any]) -> str:
    return needed(told, "currency").upper()


def _money(number: int, told: Mapping[str, Any]) -> Money:
    try:
        return STRIPE.money(number, _currency(told))
    except InexpressibleAmount as error:
        raise UnreadableAnswer(error.reason) from None


def _created(told: Mapping[str, Any]) -> datetime:
    created = seconds_of(told.get("created"))
    if created is None:
        raise UnreadableAnswer("no created")
    return created
