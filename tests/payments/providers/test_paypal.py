"""PayPal, against an emulator that is held to PayPal's own description."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from booking_system.payments.adapters.providers.paypal import PayPalProvider
from booking_system.payments.adapters.providers.paypal_calls import PayPalCalls, PayPalWay
from booking_system.payments.application.provider_port import (
    Presentation,
    ProviderBusy,
    ProviderGone,
    ProviderRefused,
    ProviderUnsure,
)
from booking_system.payments.domain.sighting import (
    Account,
    DisputeStage,
    RefundStage,
    SeenDispute,
    SeenRefund,
    Sighting,
    Stage,
)
from booking_system.platform.ticket import CONNECTIONS, HeldConnectionError
from booking_system.shared_kernel.money import Money
from tests.payments.emulators.loopback import Answer, Cut, Deaf, Hands, Says, Slow, busy
from tests.payments.emulators.paypal import PayPalEmulator
from tests.payments.providers.asking import (
    OUR_ID,
    REFUND_ID,
    asked,
    paypal_account,
    paypal_at,
    refund_asked,
)

CREATES, CAPTURES, REFUNDS = "POST /v2/checkout/orders$", "POST .*/capture$", "POST .*/refund$"
TOKENS = "POST /v1/oauth2/token"


@pytest.fixture
def emulator() -> PayPalEmulator:
    return PayPalEmulator()


@pytest.fixture
async def provider(emulator: PayPalEmulator) -> AsyncIterator[PayPalProvider]:
    async with paypal_at(emulator) as provider:
        yield provider


async def approved(emulator: PayPalEmulator, provider: PayPalProvider, **other: Any) -> str:
    reference = (await provider.create(asked(**other))).reference
    emulator.approve(reference)
    return reference


async def paid(emulator: PayPalEmulator, provider: PayPalProvider, **other: Any) -> tuple[str, str]:
    reference = await approved(emulator, provider, **other)
    (charge,) = (await provider.capture(reference, key="capture")).charges
    return reference, charge.id


def only_refund(sighting: Sighting) -> SeenRefund:
    (one,) = sighting.refunds
    return one


def only_dispute(sighting: Sighting) -> SeenDispute:
    (one,) = sighting.disputes
    return one


async def test_what_is_asked_of_paypal(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    checkout = await provider.create(asked(presentation=Presentation.EMBEDDED))
    assert checkout.checkout_url == (
        f"https://www.sandbox.paypal.com/checkoutnow?token={checkout.reference}"
    )
    assert checkout.ends_at is not None
    assert (checkout.ends_at - emulator.clock.now()).total_seconds() == 3 * 3600
    assert checkout.client_secret is None
    (call,) = emulator.called(CREATES)
    assert call.key == asked().key
    assert call.headers["prefer"] == "return=representation"
    assert json.loads(call.body) == {
        "intent": "CAPTURE",
        "purchase_units": [
            {
                "amount": {"currency_code": "EUR", "value": "50.00"},
                "description": asked().title,
                "custom_id": OUR_ID,
                "invoice_id": OUR_ID,
            }
        ],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
                    "shipping_preference": "NO_SHIPPING",
                    "user_action": "PAY_NOW",
                    "locale": "de",
                    "return_url": asked().return_url,
                    "cancel_url": asked().cancel_url,
                }
            }
        },
    }


async def test_the_emulator_holds_requests_to_the_description() -> None:
    """Otherwise the tests here would say nothing."""
    emulator = PayPalEmulator()
    with pytest.raises(AssertionError, match="intent"):
        async with paypal_at(emulator) as provider:
            with pytest.raises(ProviderRefused):
                await provider._calls.post(
                    "/v2/checkout/orders", {"purchase_units": [{"amont": {}}]}, key="k"
                )
    assert any("amont" in fault for fault in emulator.faults)


@pytest.mark.parametrize(
    ("money", "value"),
    [
        (Money(499000, "HUF"), "4990"),
        (Money(8000, "JPY"), "8000"),
        (Money(1661, "EUR"), "16.61"),
        (Money(5, "EUR"), "0.05"),
    ],
)
async def test_amounts(
    emulator: PayPalEmulator, provider: PayPalProvider, money: Money, value: str
) -> None:
    reference, charge_id = await paid(emulator, provider, amount=money)
    (call,) = emulator.called(CREATES)
    told = json.loads(call.body)["purchase_units"][0]["amount"]
    assert told == {"currency_code": money.currency, "value": value}
    sighting = await provider.read(reference)
    assert sighting.amount == sighting.charges[0].amount == money
    refund = await provider.refund(refund_asked(reference, charge_id, money))
    assert refund.amount == money


async def test_what_paypal_cannot_take_is_not_asked_of_it(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    for money in (Money(12340, "KWD"), Money(5000, "UGX"), Money(499050, "HUF")):
        with pytest.raises(ProviderRefused, match="not_supported"):
            await provider.create(asked(amount=money))
        with pytest.raises(ProviderRefused, match="not_supported"):
            await provider.refund(refund_asked("5O", "3C", money))
    assert emulator.calls == []


async def test_from_open_to_paid(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    reference = (await provider.create(asked())).reference
    sighting = await provider.read(reference)
    assert sighting == Sighting(
        account=Account("paypal", "platform", is_live=False),
        reference=reference,
        our_id=OUR_ID,
        amount=Money(5000, "EUR"),
        stage=Stage.OPEN,
        checkout_url=sighting.checkout_url,
        ends_at=sighting.ends_at,
    )
    assert (await provider.capture(reference, key="early")).stage is Stage.OPEN
    emulator.approve(reference)
    sighting = await provider.end(reference)
    assert (sighting.stage, sighting.charges) == (Stage.APPROVED, ())
    sighting = await provider.capture(reference, key="capture")
    assert sighting.stage is Stage.PAID
    assert sighting.checkout_url is None
    (charge,) = sighting.charges
    assert charge.amount == Money(5000, "EUR")
    assert charge.is_refundable
    assert await provider.locate(charge.id) == reference
    assert await provider.locate("3C67936NONE") is None


async def test_one_capture_however_often_it_is_asked_for(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    """By the return of the payer and by the webhook, with one key or with two."""
    reference = await approved(emulator, provider)
    seen = await asyncio.gather(
        *(provider.capture(reference, key="capture") for _ in range(3)),
        provider.capture(reference, key="another"),
    )
    assert {one.stage for one in seen} == {Stage.PAID}
    assert len({one.charges for one in seen}) == 1
    emulator.clock.pass_by(hours=7)
    assert (await provider.capture(reference, key="capture")).charges == seen[0].charges


async def test_a_capture_whose_answer_was_lost(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    reference = await approved(emulator, provider)
    emulator.misbehave(Cut(), on=CAPTURES)
    with pytest.raises(ProviderUnsure):
        await provider.capture(reference, key="capture")
    assert (await provider.read(reference)).stage is Stage.PAID
    assert (await provider.capture(reference, key="capture")).stage is Stage.PAID
    first, second = emulator.called(CAPTURES)
    assert (first.key, first.body) == (second.key, second.body)


@pytest.mark.parametrize(
    "issue",
    ["INSTRUMENT_DECLINED", "PAYER_ACTION_REQUIRED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"],
)
async def test_the_payer_may_try_again(
    emulator: PayPalEmulator, provider: PayPalProvider, issue: str
) -> None:
    reference = await approved(emulator, provider)
    emulator.decline(issue)
    with pytest.raises(ProviderRefused) as told:
        await provider.capture(reference, key="capture")
    assert (told.value.reason, told.value.is_payer) == (issue, True)
    assert (await provider.read(reference)).stage is Stage.OPEN
    emulator.approve(reference)
    assert (await provider.capture(reference, key="capture-2")).stage is Stage.PAID


@pytest.mark.parametrize(
    "issue", ["MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", "TRANSACTION_REFUSED", "PAYER_CANNOT_PAY"]
)
async def test_refused_for_good(
    emulator: PayPalEmulator, provider: PayPalProvider, issue: str
) -> None:
    reference = await approved(emulator, provider)
    emulator.decline(issue)
    with pytest.raises(ProviderRefused) as told:
        await provider.capture(reference, key="capture")
    assert (told.value.reason, told.value.is_payer) == (issue, False)
    assert "jane" not in repr(told.value)


@pytest.mark.parametrize(
    ("status", "stage"),
    [("COMPLETED", Stage.PAID), ("DECLINED", Stage.FAILED), ("FAILED", Stage.FAILED)],
)
async def test_an_order_that_is_completed_is_not_money(
    emulator: PayPalEmulator, provider: PayPalProvider, status: str, stage: Stage
) -> None:
    emulator.next_capture = {"status": "PENDING", "status_details": {"reason": "ECHECK"}}
    reference = await approved(emulator, provider)
    sighting = await provider.capture(reference, key="capture")
    assert emulator.orders[reference]["status"] == "COMPLETED"
    assert (sighting.stage, sighting.charges) == (Stage.PROCESSING, ())
    emulator.clock.pass_by(days=3)
    emulator.turn_capture(reference, status)
    sighting = await provider.read(reference)
    assert sighting.stage is stage
    assert [one.settled_at for one in sighting.charges] == (
        [emulator.clock.now()] if stage is Stage.PAID else []
    )


async def test_orders_run_out(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    reference = await approved(emulator, provider)
    emulator.clock.pass_by(hours=3)
    for call in (
        provider.read(reference),
        provider.end(reference),
        provider.capture(reference, key="capture"),
    ):
        with pytest.raises(ProviderGone):
            await call
    issue = {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "ORDER_EXPIRED"}]}
    emulator.misbehave(Says(Answer(422, json.dumps(issue).encode())), on=CAPTURES)
    with pytest.raises(ProviderGone):
        await provider.capture(reference, key="capture")


async def test_voided(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    reference = (await provider.create(asked())).reference
    emulator.orders[reference]["status"] = "VOIDED"
    assert (await provider.read(reference)).stage is Stage.ENDED


@pytest.mark.parametrize("how", [Cut(), Cut(after_bytes=20), Cut(after_bytes=400)])
async def test_an_answer_that_is_cut_leaves_one_order(
    emulator: PayPalEmulator, provider: PayPalProvider, how: Cut
) -> None:
    emulator.misbehave(how, on=CREATES)
    with pytest.raises(ProviderUnsure):
        await provider.create(asked())
    (reference,) = emulator.orders
    emulator.approve(reference)
    found = await provider.find(asked())
    assert found is not None
    assert (found.reference, found.stage) == (reference, Stage.APPROVED)
    assert (await provider.create(asked())).reference == reference
    assert len({(call.key, call.body) for call in emulator.called(CREATES)}) == 1


async def test_what_was_not_heard_is_made_by_looking(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    emulator.misbehave(Deaf(), on=CREATES)
    with pytest.raises(ProviderUnsure):
        await provider.create(asked())
    found = await provider.find(asked())
    assert found is not None
    assert len(emulator.orders) == 1


async def test_nothing_is_made_when_the_key_may_be_forgotten(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    await provider.create(asked())
    emulator.clock.pass_by(hours=5, seconds=1)
    assert await provider.find(asked()) is None
    with pytest.raises(ProviderRefused, match="too_late"):
        await provider.create(asked())
    emulator.clock.pass_by(hours=1)
    assert len(emulator.called(CREATES)) == len(emulator.orders) == 1


async def test_a_slow_answer_is_not_waited_for(emulator: PayPalEmulator) -> None:
    until = asyncio.Event()
    emulator.misbehave(Slow(until), on=CREATES)
    async with paypal_at(emulator, answer_seconds=0.3) as provider:
        with pytest.raises(ProviderUnsure):
            await provider.create(asked())
        until.set()
        assert await provider.find(asked()) is not None
    assert len(emulator.orders) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, b"{}"),
        Answer(503, b"<html>"),
        Answer(409, b'{"details":[{"issue":"PREVIOUS_REQUEST_IN_PROGRESS"}]}'),
        Answer(408, b""),
        Answer(302, b"", {"Location": "http://127.0.0.1:1/"}),
        Answer(200, b""),
        Answer(200, b"[]"),
        Answer(200, b"{}"),
        Answer(200, b'{"id": 7}'),
        Answer(200, b"\xff\xfe"),
    ],
)
async def test_what_is_not_known_is_not_called_a_failure(
    emulator: PayPalEmulator, provider: PayPalProvider, answer: Answer
) -> None:
    emulator.misbehave(Says(answer), on="/v[12]/(checkout|payments)", times=9)
    for call in (
        provider.create(asked()),
        provider.find(asked()),
        provider.read("5O1"),
        provider.end("5O1"),
        provider.capture("5O1", key="k"),
        provider.refund(refund_asked("5O1", "3C1")),
    ):
        with pytest.raises(ProviderUnsure):
            await call


@pytest.mark.parametrize(
    "change",
    [
        {"purchase_units": []},
        {"purchase_units": [{"amount": {"currency_code": "KWD", "value": "1"}}]},
        {"purchase_units": [{"amount": {"currency_code": "EUR", "value": "much"}}]},
        {"id": None},
        {"purchase_units": "x"},
    ],
)
async def test_orders_that_cannot_be_read(
    emulator: PayPalEmulator, provider: PayPalProvider, change: dict[str, Any]
) -> None:
    order = {"id": "5O1", "status": "CREATED", **change}
    emulator.misbehave(Says(Answer(200, json.dumps(order).encode())), on="GET /v2")
    with pytest.raises(ProviderUnsure):
        await provider.read("5O1")


@pytest.mark.parametrize(("field", "seconds"), [("7", 7.0), (None, None), ("9" * 20, 3600.0)])
async def test_too_many_requests(
    emulator: PayPalEmulator, provider: PayPalProvider, field: str | None, seconds: float | None
) -> None:
    for what in (TOKENS, CREATES):
        emulator.misbehave(busy(field), on=what)
        with pytest.raises(ProviderBusy) as told:
            await provider.create(asked())
        assert told.value.retry_after == seconds
    assert len((await provider.create(asked())).reference) > 0


async def test_an_invoice_that_is_there(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    await paid(emulator, provider)
    with pytest.raises(ProviderRefused, match="DUPLICATE_INVOICE_ID"):
        await provider.create(asked(key="another"))


async def test_one_token_for_many(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    async def one(n: int) -> None:
        await provider.create(asked(our_id=f"{n}", key=f"{n}", asked_at=emulator.clock.now()))

    await asyncio.gather(*map(one, range(8)))
    assert len(emulator.called(TOKENS)) == 1
    emulator.clock.pass_by(seconds=emulator.token_seconds - 91)
    await one(8)
    assert len(emulator.called(TOKENS)) == 1
    emulator.clock.pass_by(seconds=2)
    await one(9)
    assert len(emulator.called(TOKENS)) == 2


async def test_a_token_that_was_taken_back(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    reference = await approved(emulator, provider)
    emulator.revoke_tokens()
    assert (await provider.capture(reference, key="capture")).stage is Stage.PAID
    assert len(emulator.called(TOKENS)) == 2
    emulator.misbehave(Says(Answer(401, b"{}")), on="GET", times=2)
    with pytest.raises(ProviderRefused):
        await provider.read(reference)


@pytest.mark.parametrize(
    ("how", "meaning"),
    [
        (Deaf(), ProviderBusy),
        (Says(Answer(500, b"")), ProviderBusy),
        (Says(Answer(200, b"{}")), ProviderBusy),
        (Says(Answer(200, b"")), ProviderBusy),
        (Says(Answer(400, b'{"error":"invalid_request"}')), ProviderRefused),
    ],
)
async def test_without_a_token_nothing_was_done(
    emulator: PayPalEmulator, provider: PayPalProvider, how: Any, meaning: type[Exception]
) -> None:
    emulator.misbehave(how, on=TOKENS)
    with pytest.raises(meaning):
        await provider.create(asked())
    assert emulator.called(CREATES) == []


async def test_the_wrong_secret(emulator: PayPalEmulator) -> None:
    async with paypal_at(emulator, client_secret=SecretStr("wrong-secret")) as provider:
        with pytest.raises(ProviderRefused, match="invalid_client") as told:
            await provider.create(asked())
    assert "wrong-secret" not in repr(told.value)
    assert "secret-emulator" not in repr(paypal_account(emulator))


async def test_refunds(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    reference, charge_id = await paid(emulator, provider)
    wish = refund_asked(reference, charge_id, 2000)
    refund = await provider.refund(wish)
    assert (refund.stage, refund.our_id) == (RefundStage.SETTLED, REFUND_ID)
    assert (refund.charge_id, refund.amount) == (charge_id, Money(2000, "EUR"))
    assert await provider.refund(wish) == refund
    (first, second) = emulator.called(REFUNDS)
    assert (first.key, first.body) == (second.key, second.body)
    sighting = await provider.read(reference)
    assert only_refund(sighting) == refund
    assert (sighting.stage, sighting.charges[0].is_refundable) == (Stage.PAID, True)
    with pytest.raises(ProviderRefused, match="REFUND_AMOUNT_EXCEEDED"):
        await provider.refund(refund_asked(reference, charge_id, 3001, our_id="b", key="b"))
    await provider.refund(refund_asked(reference, charge_id, 3000, our_id="c", key="c"))
    assert not (await provider.read(reference)).charges[0].is_refundable
    with pytest.raises(ProviderRefused, match="CAPTURE_FULLY_REFUNDED"):
        await provider.refund(refund_asked(reference, charge_id, 1, our_id="d", key="d"))


async def test_a_refund_is_found_when_its_key_is_forgotten(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    reference, charge_id = await paid(emulator, provider)
    wish = refund_asked(reference, charge_id)
    emulator.misbehave(Cut(), on=REFUNDS)
    with pytest.raises(ProviderUnsure):
        await provider.refund(wish)
    emulator.clock.pass_by(days=46)
    assert (await provider.refund(wish)).our_id == REFUND_ID
    assert len(emulator.refunds) == 1


@pytest.mark.parametrize(
    ("status", "stage", "problem"),
    [
        ("PENDING", RefundStage.PENDING, None),
        ("COMPLETED", RefundStage.SETTLED, None),
        ("FAILED", RefundStage.FAILED, "FAILED"),
        ("CANCELLED", RefundStage.FAILED, "CANCELLED"),
    ],
)
async def test_stages_of_refunds(
    emulator: PayPalEmulator,
    provider: PayPalProvider,
    status: str,
    stage: RefundStage,
    problem: str | None,
) -> None:
    reference, charge_id = await paid(emulator, provider)
    emulator.next_refund = {"status": "PENDING", "status_details": {"reason": "ECHECK"}}
    refund = await provider.refund(refund_asked(reference, charge_id, 2000))
    assert (refund.stage, refund.problem) == (RefundStage.PENDING, "ECHECK")
    emulator.refunds[refund.id].pop("status_details")
    emulator.turn_refund(refund.id, status)
    seen = only_refund(await provider.read(reference))
    assert (seen.stage, seen.problem) == (stage, problem)


async def test_a_refund_in_paypals_pages(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    reference, _ = await paid(emulator, provider)
    emulator.refund_in_dashboard(reference, "10.00")
    sighting = await provider.read(reference)
    assert (only_refund(sighting).our_id, sighting.stage) == (None, Stage.PAID)
    assert only_refund(sighting).amount == Money(1000, "EUR")


async def test_a_pending_capture_is_not_refunded(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    emulator.next_capture = {"status": "PENDING"}
    reference = await approved(emulator, provider)
    await provider.capture(reference, key="capture")
    (capture,) = emulator._captures(emulator.orders[reference])
    with pytest.raises(ProviderRefused, match="PENDING_CAPTURE"):
        await provider.refund(refund_asked(reference, capture["id"]))


async def test_a_dispute(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    reference, charge_id = await paid(emulator, provider)
    dispute_id = emulator.dispute(reference)
    sighting = await provider.read(reference)
    dispute = only_dispute(sighting)
    assert (dispute.id, dispute.charge_id) == (dispute_id, charge_id)
    assert (dispute.stage, dispute.withdrawn) == (DisputeStage.OPEN, Money(0, "EUR"))
    assert not sighting.charges[0].is_refundable
    with pytest.raises(ProviderRefused, match="TRANSACTION_DISPUTED"):
        await provider.refund(refund_asked(reference, charge_id))
    emulator.move(dispute_id, "50.00")
    emulator.move(dispute_id, "16.00", reason="CHARGEBACK_FEE")
    dispute = only_dispute(await provider.read(reference))
    assert (dispute.withdrawn, dispute.fee) == (Money(5000, "EUR"), Money(1600, "EUR"))
    assert dispute.returned_at is None
    emulator.clock.pass_by(hours=6)
    emulator.resolve_dispute(dispute_id)
    emulator.move(dispute_id, "50.00", kind="CREDIT")
    sighting = await provider.read(reference)
    dispute = only_dispute(sighting)
    assert (dispute.stage, dispute.withdrawn) == (DisputeStage.WON, Money(5000, "EUR"))
    assert (dispute.returned, dispute.is_away) == (5000, False)
    assert dispute.returned_at == emulator.clock.now().replace(microsecond=0)
    assert dispute.fee == Money(1600, "EUR")
    assert sighting.charges[0].is_refundable


@pytest.mark.parametrize(
    ("outcome", "moves", "stage", "withdrawn"),
    [
        ("RESOLVED_BUYER_FAVOUR", True, DisputeStage.LOST, 5000),
        ("RESOLVED_BUYER_FAVOUR", False, DisputeStage.LOST, 5000),
        ("ACCEPTED", True, DisputeStage.LOST, 5000),
        ("CANCELED_BY_BUYER", False, DisputeStage.WON, 0),
        ("DENIED", False, DisputeStage.WON, 0),
        ("RESOLVED_WITH_PAYOUT", False, DisputeStage.WON, 0),
        ("RESOLVED_WITH_PAYOUT", True, DisputeStage.LOST, 5000),
        ("NONE", False, DisputeStage.WON, 0),
    ],
)
async def test_outcomes_of_disputes(
    emulator: PayPalEmulator,
    provider: PayPalProvider,
    outcome: str,
    moves: bool,
    stage: DisputeStage,
    withdrawn: int,
) -> None:
    reference, _ = await paid(emulator, provider)
    dispute_id = emulator.dispute(reference)
    if moves:
        emulator.move(dispute_id, "50.00")
    emulator.resolve_dispute(dispute_id, outcome)
    sighting = await provider.read(reference)
    dispute = only_dispute(sighting)
    assert (dispute.stage, dispute.withdrawn) == (stage, Money(withdrawn, "EUR"))
    assert sighting.charges[0].is_refundable is (stage is DisputeStage.WON)


async def test_an_inquiry(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    reference, _ = await paid(emulator, provider)
    emulator.dispute(reference, stage="INQUIRY")
    sighting = await provider.read(reference)
    assert only_dispute(sighting).stage is DisputeStage.INQUIRY
    assert sighting.charges[0].is_refundable


async def test_money_that_a_complaint_keeps_was_money(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    reference, charge_id = await paid(emulator, provider)
    emulator.turn_capture(reference, "PENDING", "BUYER_COMPLAINT")
    sighting = await provider.read(reference)
    assert sighting.stage is Stage.PAID
    assert [one.id for one in sighting.charges] == [charge_id]
    assert not sighting.charges[0].is_refundable


async def test_without_the_right_to_see_disputes(
    emulator: PayPalEmulator, provider: PayPalProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.may_see_disputes = False
    reference, _ = await paid(emulator, provider)
    assert (await provider.read(reference)).stage is Stage.PAID
    assert "paypal_shows_no_disputes" in capsys.readouterr().out


@pytest.mark.parametrize("status", ["PAUSED", "something"])
async def test_new_words_change_nothing(
    emulator: PayPalEmulator,
    provider: PayPalProvider,
    status: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reference = (await provider.create(asked())).reference
    emulator.orders[reference]["status"] = status
    assert (await provider.read(reference)).stage is Stage.OPEN
    assert "provider_says_unknown_word" in capsys.readouterr().out
    assert emulator.faults
    emulator.faults = []
    emulator.orders[reference]["status"] = "COMPLETED"
    assert (await provider.read(reference)).stage is Stage.PROCESSING


async def test_a_capture_under_way_is_not_captured_again(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    """An order that still says approved, with a capture that is pending."""
    emulator.next_capture = {"status": "PENDING"}
    reference = await approved(emulator, provider)
    await provider.capture(reference, key="capture")
    emulator.orders[reference]["status"] = "APPROVED"
    assert (await provider.read(reference)).stage is Stage.PROCESSING


async def test_no_redirect_is_followed(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    """Neither with a token nor with the secret that it is fetched with."""
    for what in (CREATES, TOKENS):
        emulator.revoke_tokens()
        provider._calls._token = None
        there = {"Location": f"{emulator.url}/elsewhere"}
        emulator.misbehave(Says(Answer(307, b"", there)), on=what)
        with pytest.raises(ProviderUnsure if what == CREATES else ProviderBusy):
            await provider.create(asked())
    assert not emulator.called("elsewhere")


async def test_no_call_while_a_transaction_is_open(
    emulator: PayPalEmulator, provider: PayPalProvider
) -> None:
    held = CONNECTIONS.set(1)
    try:
        with pytest.raises(HeldConnectionError):
            await provider.create(asked())
    finally:
        CONNECTIONS.reset(held)
    assert emulator.calls == []


async def test_references_are_no_paths(emulator: PayPalEmulator, provider: PayPalProvider) -> None:
    emulator.misbehave(Says(Answer(404, b"{}")), on="GET")
    with pytest.raises(ProviderGone):
        await provider.read("../../v1?x=1")
    assert emulator.calls[-1].path == "/v2/checkout/orders/..%2F..%2Fv1%3Fx%3D1"


async def test_where_paypal_is() -> None:
    way = PayPalWay(clock=Hands())
    account = paypal_account(PayPalEmulator())
    assert PayPalCalls(account, way=way)._base == "https://api-m.sandbox.paypal.com"
    live = paypal_account(PayPalEmulator(), account=Account("paypal", "own", is_live=True))
    assert PayPalCalls(live, way=way)._base == "https://api-m.paypal.com"
    await way.close()
