"""PayPal's orders as sightings.

An order that is completed is not money: each of its captures says whether it is. Words that are
not known change nothing, and a line in the log tells of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from booking_system.payments.adapters.providers.reading import (
    UnreadableAnswer,
    below,
    known,
    log,
    members,
    moment_of,
    needed,
    object_of,
    objects_of,
    text_of,
    words_of,
)
from booking_system.payments.domain.amounts import PAYPAL, InexpressibleAmount
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

LIFE = timedelta(hours=3)
"""From its creation an order can be approved and captured so long, unless agreed otherwise."""
ORDERS = {
    "APPROVED": Stage.APPROVED,
    "COMPLETED": Stage.PROCESSING,
    "CREATED": Stage.OPEN,
    "PAYER_ACTION_REQUIRED": Stage.OPEN,
    "SAVED": Stage.OPEN,
    "VOIDED": Stage.ENDED,
}
CAPTURES = {
    "COMPLETED": Stage.PAID,
    "DECLINED": Stage.FAILED,
    "FAILED": Stage.FAILED,
    "PARTIALLY_REFUNDED": Stage.PAID,
    "PENDING": Stage.PROCESSING,
    "REFUNDED": Stage.PAID,
}
REFUNDS = {
    "CANCELLED": RefundStage.FAILED,
    "COMPLETED": RefundStage.SETTLED,
    "FAILED": RefundStage.FAILED,
    "PENDING": RefundStage.PENDING,
}
COMPLAINED = {"BUYER_COMPLAINT", "CHARGEBACK"}
"""Reasons of a capture that is pending again: it was money before."""
DISPUTES = {
    "OPEN": DisputeStage.OPEN,
    "OTHER": DisputeStage.OPEN,
    "RESOLVED": DisputeStage.LOST,
    "UNDER_REVIEW": DisputeStage.OPEN,
    "WAITING_FOR_BUYER_RESPONSE": DisputeStage.OPEN,
    "WAITING_FOR_SELLER_RESPONSE": DisputeStage.OPEN,
}
WON = {"CANCELED_BY_BUYER", "DENIED", "RESOLVED_SELLER_FAVOUR"}
EITHER = {None, "NONE", "RESOLVED_WITH_PAYOUT"}
"""Outcomes of which only the money says whose favour they were in."""


def sighting_of(
    order: Mapping[str, Any], account: Account, disputes: Iterable[SeenDispute] = ()
) -> Sighting:
    """Return the attempt as PayPal has it. Raises `UnreadableAnswer`."""
    unit = next(members(order, "purchase_units"), {})
    told, disputes = captures_of(order), tuple(disputes)
    locked = {one.charge_id for one in disputes if _keeps_money(one)}
    charges = tuple(_charge(one, locked) for one in told if _capture_stage(one) is Stage.PAID)
    only = needed(told[0], "id") if len(told) == 1 else ""
    created, stage = moment_of(order.get("create_time")), _stage(order, told)
    return Sighting(
        account=account,
        reference=needed(order, "id"),
        our_id=text_of(unit, "custom_id"),
        amount=_money(unit.get("amount")),
        stage=stage,
        charges=charges,
        refunds=tuple(refund_of(one, only) for one in members(unit, "payments", "refunds")),
        disputes=disputes,
        checkout_url=checkout_url_of(order) if stage is Stage.OPEN else None,
        ends_at=None if created is None else created + LIFE,
    )


def captures_of(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the captures of an order, those that failed as well."""
    units = members(order, "purchase_units")
    return [one for unit in units for one in members(unit, "payments", "captures")]


def checkout_url_of(order: Mapping[str, Any]) -> str | None:
    """Return where the payer agrees."""
    return _linked(order, "payer-action") or _linked(order, "approve")


def refund_of(told: Mapping[str, Any], charge_id: str = "") -> SeenRefund:
    """Return a refund; `charge_id` is taken where it names none. Raises `UnreadableAnswer`."""
    stage = known("paypal", "refund", text_of(told, "status"), REFUNDS) or RefundStage.PENDING
    word = text_of(below(told, "status_details"), "reason")
    failed = text_of(told, "status") if stage is RefundStage.FAILED else None
    return SeenRefund(
        id=needed(told, "id"),
        charge_id=capture_above(told) or charge_id,
        amount=_money(told.get("amount")),
        stage=stage,
        seen_at=_moment(told, "create_time"),
        our_id=text_of(told, "custom_id"),
        problem=word or failed,
    )


def capture_above(refund: Mapping[str, Any]) -> str | None:
    """Return the id of the capture that a refund links to."""
    _, found, capture_id = (_linked(refund, "up") or "").rpartition("/captures/")
    return text_of({"id": capture_id}, "id") if found else None


def dispute_of(told: Mapping[str, Any], charge_id: str) -> SeenDispute:
    """Return a complaint from its details. Raises `UnreadableAnswer`."""
    disputed = _money(told.get("dispute_amount"))
    ours = [one for one in members(told, "money_movements") if _is_sellers(one)]
    withdrawn, returned = _moved([one for one in ours if not _is_fee(one)], disputed.currency)
    stage = _dispute_stage(told, withdrawn.amount - returned)
    if not ours and stage is DisputeStage.LOST:
        withdrawn = disputed
    fee, given_back = _moved([one for one in ours if _is_fee(one)], disputed.currency)
    return SeenDispute(
        id=needed(told, "dispute_id"),
        charge_id=charge_id,
        stage=stage,
        withdrawn=withdrawn,
        fee=Money(fee.amount - given_back, fee.currency),
        seen_at=_moment(told, "create_time"),
        returned=returned,
        returned_at=moment_of(told.get("update_time")) if returned else None,
    )


def _stage(order: Mapping[str, Any], captures: Sequence[Mapping[str, Any]]) -> Stage:
    stages = {_capture_stage(one) for one in captures}
    for stage in (Stage.PAID, Stage.PROCESSING):
        if stage in stages:
            return stage
    stage = known("paypal", "order", text_of(order, "status"), ORDERS) or Stage.OPEN
    if stage is not Stage.PROCESSING:
        return stage
    if not captures:
        log.warning("paypal_says_completed_without_capture")
    return Stage.FAILED if stages == {Stage.FAILED} else Stage.PROCESSING


def _capture_stage(capture: Mapping[str, Any]) -> Stage:
    if text_of(below(capture, "status_details"), "reason") in COMPLAINED:
        return Stage.PAID
    stage: Stage | None = known("paypal", "capture", text_of(capture, "status"), CAPTURES)
    return stage or Stage.PROCESSING


def _charge(told: Mapping[str, Any], locked: set[str]) -> Charge:
    capture_id, status = needed(told, "id"), text_of(told, "status")
    is_money = status in {"COMPLETED", "PARTIALLY_REFUNDED"}
    return Charge(
        id=capture_id,
        amount=_money(told.get("amount")),
        # A pending capture became money when it was changed; later changes are other statuses.
        settled_at=_moment(told, "update_time" if status == "COMPLETED" else "create_time"),
        is_refundable=is_money and capture_id not in locked,
    )


def _keeps_money(dispute: SeenDispute) -> bool:
    lost = dispute.stage is DisputeStage.LOST and dispute.is_away
    return lost or dispute.stage is DisputeStage.OPEN


def _dispute_stage(told: Mapping[str, Any], away: int) -> DisputeStage:
    status = text_of(told, "status")
    stage: DisputeStage | None = known("paypal", "dispute", status, DISPUTES)
    if stage is DisputeStage.LOST:
        outcome = text_of(below(told, "dispute_outcome"), "outcome_code")
        is_won = outcome in WON or (outcome in EITHER and away == 0)
        return DisputeStage.WON if is_won else DisputeStage.LOST
    if text_of(told, "dispute_life_cycle_stage") == "INQUIRY":
        return DisputeStage.INQUIRY
    return stage or DisputeStage.INQUIRY


def _is_sellers(movement: Mapping[str, Any]) -> bool:
    return text_of(movement, "affected_party") == "SELLER"


def _is_fee(movement: Mapping[str, Any]) -> bool:
    return (text_of(movement, "reason") or "").endswith("_FEE")


def _moved(movements: Iterable[Mapping[str, Any]], currency: str) -> tuple[Money, int]:
    """What went, and what of it came back; all movements of a complaint are of one currency."""
    sums = {"DEBIT": 0, "CREDIT": 0}
    for one in movements:
        money = _money(one.get("amount"))
        currency = money.currency
        if (way := text_of(one, "type")) in sums:
            sums[way] += money.amount
    return Money(sums["DEBIT"], currency), min(sums["CREDIT"], sums["DEBIT"])


def _money(value: object) -> Money:
    told = object_of(value)
    try:
        return PAYPAL.read(needed(told, "value"), needed(told, "currency_code"))
    except InexpressibleAmount as error:
        raise UnreadableAnswer(error.reason) from None


def _moment(told: Mapping[str, Any], name: str) -> datetime:
    moment = moment_of(told.get(name))
    if moment is None:
        raise UnreadableAnswer(f"no {name}")
    return moment


def _linked(told: Mapping[str, Any], rel: str) -> str | None:
    links = (one for one in objects_of(told.get("links")) if one.get("rel") == rel)
    return words_of(next(links, {}), "href")
