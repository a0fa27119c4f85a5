"""Stripe by its own library, against an emulator that is held to that library's types."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import stripe
from pydantic import SecretStr
from stripe.params.checkout import SessionCreateParams

from booking_system.payments.adapters.providers.stripe import LOCALES, StripeProvider
from booking_system.payments.adapters.providers.stripe_calls import StripeWay
from booking_system.payments.application.provider_port import (
    Presentation,
    ProviderBusy,
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
from tests.payments.emulators.loopback import Answer, Cut, Deaf, Says, Slow, busy
from tests.payments.emulators.stripe import StripeEmulator, _nested
from tests.payments.providers.asking import (
    OUR_ID,
    REFUND_ID,
    asked,
    refund_asked,
    stripe_account,
    stripe_at,
)

CREATES, REFUNDS = "POST /v1/checkout/sessions$", "POST /v1/refunds$"


@pytest.fixture
def emulator() -> StripeEmulator:
    return StripeEmulator()


@pytest.fixture
async def provider(emulator: StripeEmulator) -> AsyncIterator[StripeProvider]:
    async with stripe_at(emulator) as provider:
        yield provider


@asynccontextmanager
async def paid(
    emulator: StripeEmulator, provider: StripeProvider, **other: Any
) -> AsyncIterator[tuple[str, str]]:
    reference = (await provider.create(asked(**other))).reference
    charge_id = emulator.pay(reference)
    assert charge_id is not None
    yield reference, charge_id


async def opened(provider: StripeProvider, **other: Any) -> str:
    return (await provider.create(asked(**other))).reference


def only_refund(sighting: Sighting) -> SeenRefund:
    (one,) = sighting.refunds
    return one


def only_dispute(sighting: Sighting) -> SeenDispute:
    (one,) = sighting.disputes
    return one


async def test_what_is_asked_of_stripe(emulator: StripeEmulator, provider: StripeProvider) -> None:
    checkout = await provider.create(asked())
    assert checkout.checkout_url == emulator.sessions[checkout.reference]["url"]
    assert checkout.ends_at == asked().ends_at
    assert (checkout.client_secret, checkout.publishable_key) == (None, None)
    (call,) = emulator.calls
    assert call.key == asked().key
    assert call.headers["stripe-version"] == "2026-10-28.endive"
    assert _nested(call.body.decode(), {}) == {
        "mode": "payment",
        "client_reference_id": OUR_ID,
        "metadata": {"booking_payment_id": OUR_ID},
        "payment_intent_data": {"metadata": {"booking_payment_id": OUR_ID}},
        "line_items": [
            {
                "quantity": "1",
                "price_data": {
                    "currency": "eur",
                    "unit_amount": "5000",
                    "product_data": {"name": asked().title},
                },
            }
        ],
        "expires_at": str(int(asked().ends_at.timestamp())),
        "adaptive_pricing": {"enabled": "false"},
        "allowed_payment_method_types": ["card"],
        "locale": "de",
        "ui_mode": "hosted_page",
        "success_url": asked().return_url,
        "cancel_url": asked().cancel_url,
    }


async def test_it_tells_stripe_nothing_of_this_machine(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    await provider.create(asked())
    await provider.create(asked())
    told = "".join(emulator.calls[-1].headers.values())
    assert "telemetry" not in told
    assert "platform" not in told


async def test_embedded(emulator: StripeEmulator, provider: StripeProvider) -> None:
    checkout = await provider.create(asked(presentation=Presentation.EMBEDDED))
    assert checkout.client_secret == emulator.sessions[checkout.reference]["client_secret"]
    assert checkout.publishable_key == "pk_test_emulator"
    assert checkout.checkout_url is None
    form = _nested(emulator.calls[0].body.decode(), {})
    assert (form["ui_mode"], form["return_url"]) == ("embedded_page", asked().return_url)
    assert not form.keys() & {"success_url", "cancel_url"}


async def test_the_emulator_refuses_what_stripe_does() -> None:
    """Otherwise the tests above would say nothing."""
    emulator = StripeEmulator()
    with pytest.raises(AssertionError, match="ui_mode"):
        async with stripe_at(emulator) as provider:
            client = provider._client
            with pytest.raises(stripe.InvalidRequestError):
                await client.v1.checkout.sessions.create_async({"ui_mode": "embedded"})
    assert any("is none of the words" in fault for fault in emulator.faults)


@pytest.mark.parametrize(
    ("money", "number"),
    [
        (Money(8000, "JPY"), "8000"),
        (Money(12340, "KWD"), "12340"),
        (Money(5000, "UGX"), "500000"),
        (Money(5000, "ISK"), "500000"),
        (Money(499000, "HUF"), "499000"),
    ],
)
async def test_amounts(
    emulator: StripeEmulator, provider: StripeProvider, money: Money, number: str
) -> None:
    async with paid(emulator, provider, amount=money) as (reference, charge_id):
        (line,) = _nested(emulator.calls[0].body.decode(), {})["line_items"]
        assert line["price_data"]["unit_amount"] == number
        sighting = await provider.read(reference)
        assert sighting.amount == money
        assert [one.amount for one in sighting.charges] == [money]
        refund = await provider.refund(refund_asked(reference, charge_id, amount=money))
        assert refund.amount == money


async def test_what_stripe_cannot_take_is_not_asked_of_it(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    for money in (Money(5000, "KPW"), Money(12345, "KWD")):
        with pytest.raises(ProviderRefused, match="not_supported"):
            await provider.create(asked(amount=money))
        with pytest.raises(ProviderRefused, match="not_supported"):
            await provider.refund(refund_asked("cs", "ch", amount=money))
    assert emulator.calls == []
    with pytest.raises(ProviderRefused, match="amount_too_small"):
        await provider.create(asked(amount=Money(40, "EUR")))


@pytest.mark.parametrize(
    ("language", "locale"), [("en", "en"), ("pt-BR", "pt-BR"), ("de-AT", "de"), ("ar", "auto")]
)
async def test_languages(
    emulator: StripeEmulator, provider: StripeProvider, language: str, locale: str
) -> None:
    await provider.create(asked(language=language))
    assert _nested(emulator.calls[0].body.decode(), {})["locale"] == locale


def test_the_languages_are_those_of_the_library() -> None:
    written = str(SessionCreateParams.__annotations__["locale"])
    assert set(re.findall(r"'([^']+)'", written)) - {"auto"} == LOCALES


async def test_an_open_session(emulator: StripeEmulator, provider: StripeProvider) -> None:
    reference = await opened(provider)
    sighting = await provider.read(reference)
    assert sighting == Sighting(
        account=Account("stripe", "platform", is_live=False),
        reference=reference,
        our_id=OUR_ID,
        amount=Money(5000, "EUR"),
        stage=Stage.OPEN,
        checkout_url=sighting.checkout_url,
        ends_at=asked().ends_at,
    )
    emulator.decline(reference)
    sighting = await provider.read(reference)
    assert (sighting.stage, sighting.charges) == (Stage.OPEN, ())
    charge_id = emulator.pay(reference)
    sighting = await provider.read(reference)
    assert sighting.stage is Stage.PAID
    assert [one.id for one in sighting.charges] == [charge_id]


async def test_complete_is_not_paid(emulator: StripeEmulator, provider: StripeProvider) -> None:
    for n, (succeeds, stage) in enumerate([(True, Stage.PAID), (False, Stage.FAILED)]):
        reference = await opened(provider, our_id=f"{n}", key=f"key-{n}")
        emulator.pay(reference, method="sepa_debit")
        sighting = await provider.read(reference)
        assert (sighting.stage, sighting.charges) == (Stage.PROCESSING, ())
        assert (await provider.end(reference)).stage is Stage.PROCESSING
        emulator.settle(reference, succeeds=succeeds)
        assert (await provider.read(reference)).stage is stage


async def test_ending(emulator: StripeEmulator, provider: StripeProvider) -> None:
    reference = await opened(provider)
    assert (await provider.end(reference)).stage is Stage.ENDED
    assert (await provider.end(reference)).stage is Stage.ENDED
    other = await opened(provider, our_id="other", key="other")
    emulator.pay(other)
    assert (await provider.end(other)).stage is Stage.PAID
    assert (await provider.capture(other, key="no matter")).stage is Stage.PAID
    assert len(emulator.called("POST /v1/checkout/sessions/.*/expire")) == 3


async def test_two_charges_of_one_session(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    async with paid(emulator, provider) as (reference, charge_id):
        second = emulator.pay_again(reference)
        found = await provider.read(reference)
        assert {one.id for one in found.charges} == {charge_id, second}


@pytest.mark.parametrize("how", [Cut(), Cut(after_bytes=20), Cut(after_bytes=300)])
async def test_an_answer_that_is_cut_leaves_one_session(
    emulator: StripeEmulator, provider: StripeProvider, how: Cut
) -> None:
    emulator.misbehave(how, on=CREATES)
    with pytest.raises(ProviderUnsure):
        await provider.create(asked())
    found = await provider.find(asked())
    assert found is not None
    emulator.clock.pass_by(seconds=40)
    again = await provider.create(asked())
    assert again.reference == found.reference
    assert len(emulator.sessions) == 1
    first, second = emulator.called(CREATES)
    assert (first.key, first.body) == (second.key, second.body)


async def test_nothing_was_done_of_what_was_not_heard(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    emulator.misbehave(Deaf(), on=CREATES)
    with pytest.raises(ProviderUnsure):
        await provider.create(asked())
    assert await provider.find(asked()) is None
    assert len(emulator.called(CREATES)) == 1


async def test_a_slow_answer_is_not_waited_for(emulator: StripeEmulator) -> None:
    until = asyncio.Event()
    emulator.misbehave(Slow(until), on=CREATES)
    async with stripe_at(emulator, answer_seconds=0.3) as provider:
        with pytest.raises(ProviderUnsure):
            await provider.create(asked())
        until.set()
        found = await provider.find(asked())
    assert found is not None


async def test_a_session_is_found_among_others(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    emulator.clock.pass_by(minutes=-20)
    await opened(provider, our_id="long ago", key="long ago", ends_at=asked().ends_at)
    emulator.clock.pass_by(minutes=20)
    reference = await opened(provider)
    for n in range(120):
        await opened(provider, our_id=f"{n}", key=f"{n}")
    emulator.calls.clear()
    found = await provider.find(asked())
    assert found is not None
    assert found.reference == reference
    lists = emulator.called("GET /v1/checkout/sessions$")
    assert len(lists) == 2
    begin, end = asked().asked_at, asked().ends_at
    assert int(lists[0].query["created[gte]"]) == (begin - timedelta(minutes=5)).timestamp()
    assert int(lists[0].query["created[lte]"]) == (end - timedelta(minutes=25)).timestamp()
    assert await provider.find(asked(our_id="nobody's")) is None


@pytest.mark.parametrize("does", [True, False])
async def test_a_failure_that_stripe_keeps(
    emulator: StripeEmulator, provider: StripeProvider, does: bool
) -> None:
    emulator.fail_and_save(CREATES.rstrip("$"), does=does)
    if does:
        checkout = await provider.create(asked())
        assert checkout.reference in emulator.sessions
    for _ in range(2):
        if not does:
            with pytest.raises(ProviderUnsure):
                await provider.create(asked())
            continue
        assert (await provider.create(asked())).reference == checkout.reference
    assert len(emulator.sessions) == does
    emulator.clock.pass_by(hours=24)
    later = asked(ends_at=emulator.clock.now() + timedelta(minutes=35))
    if not does:
        await provider.create(later)
        assert len(emulator.sessions) == 1


async def test_a_key_that_was_used_for_something_else(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    """As after an update of this program, whose parameters are others for the same row."""
    reference = await opened(provider)
    changed = await provider.create(asked(title="Anzahlung"))
    assert changed.reference == reference
    with pytest.raises(ProviderUnsure):
        await provider.create(asked(our_id="other"))
    assert len(emulator.sessions) == 1


async def test_a_session_is_found_when_its_key_is_forgotten(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    reference = await opened(provider)
    emulator.pay(reference)
    emulator.clock.pass_by(hours=25)
    again = await provider.create(asked())
    assert again.reference == reference
    assert len(emulator.sessions) == 1


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (Answer(500, b"{}"), ProviderUnsure),
        (Answer(502, b"<html>"), ProviderUnsure),
        (Answer(503, b'{"error":{"type":"api_error"}}'), ProviderUnsure),
        (Answer(409, b'{"error":{"type":"invalid_request_error"}}'), ProviderUnsure),
        (Answer(302, b"", {"Location": "http://127.0.0.1:1/"}), ProviderUnsure),
        (Answer(200, b""), ProviderUnsure),
        (Answer(200, b"[]"), ProviderUnsure),
        (Answer(200, b"1"), ProviderUnsure),
        (Answer(200, b"{}"), ProviderUnsure),
        (Answer(200, b'{"object":"checkout.session","id":7}'), ProviderUnsure),
        (Answer(200, b"\xff\xfe"), ProviderUnsure),
    ],
)
async def test_what_is_not_known_is_not_called_a_failure(
    emulator: StripeEmulator, provider: StripeProvider, answer: Answer, meaning: type[Exception]
) -> None:
    emulator.misbehave(Says(answer), on="", times=9)
    for call in (
        provider.create(asked()),
        provider.find(asked()),
        provider.read("cs_test_1"),
        provider.end("cs_test_1"),
        provider.refund(refund_asked("cs_test_1", "ch_1")),
        provider.locate("ch_1"),
    ):
        with pytest.raises(meaning):
            await call


@pytest.mark.parametrize(("field", "seconds"), [("7", 7.0), (None, None), ("soon", None)])
async def test_too_many_requests(
    emulator: StripeEmulator, provider: StripeProvider, field: str | None, seconds: float | None
) -> None:
    emulator.misbehave(busy(field), on=CREATES)
    with pytest.raises(ProviderBusy) as told:
        await provider.create(asked())
    assert told.value.retry_after == seconds
    assert len(emulator.called(CREATES)) == 1
    assert len((await provider.create(asked())).reference) > 0


@pytest.mark.parametrize(
    ("status", "error", "reason", "is_payer"),
    [
        (402, {"type": "card_error", "code": "card_declined"}, "card_declined", True),
        (400, {"type": "invalid_request_error", "code": "url_invalid"}, "url_invalid", False),
        (401, {"type": "invalid_request_error"}, "invalid_request_error", False),
        (403, {"type": "invalid_request_error"}, "invalid_request_error", False),
        (
            404,
            {"type": "invalid_request_error", "code": "resource_missing"},
            "resource_missing",
            False,
        ),
    ],
)
async def test_what_is_definite(
    emulator: StripeEmulator,
    provider: StripeProvider,
    status: int,
    error: dict[str, str],
    reason: str,
    is_payer: bool,
) -> None:
    body = json.dumps({"error": {**error, "message": "about jane@example.org"}})
    emulator.misbehave(Says(Answer(status, body.encode())), on=CREATES)
    with pytest.raises(ProviderRefused) as told:
        await provider.create(asked())
    assert (told.value.reason, told.value.is_payer) == (reason, is_payer)
    assert "jane" not in repr(told.value)


async def test_refunds(emulator: StripeEmulator, provider: StripeProvider) -> None:
    async with paid(emulator, provider) as (reference, charge_id):
        wish = refund_asked(reference, charge_id, 2000)
        refund = await provider.refund(wish)
        assert (refund.stage, refund.our_id) == (RefundStage.SETTLED, REFUND_ID)
        assert (refund.charge_id, refund.amount) == (charge_id, Money(2000, "EUR"))
        assert await provider.refund(wish) == refund
        emulator.clock.pass_by(hours=30)
        assert await provider.refund(wish) == refund
        assert only_refund(await provider.read(reference)) == refund
        with pytest.raises(ProviderRefused, match="refund_exceeds_charge"):
            await provider.refund(refund_asked(reference, charge_id, 3001, our_id="b", key="b"))


async def test_a_refund_whose_answer_was_lost(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    async with paid(emulator, provider) as (reference, charge_id):
        wish = refund_asked(reference, charge_id, 2000)
        emulator.misbehave(Cut(), on=REFUNDS)
        with pytest.raises(ProviderUnsure):
            await provider.refund(wish)
        emulator.clock.pass_by(hours=30)
        await provider.refund(wish)
        assert len(emulator.refunds) == 1


@pytest.mark.parametrize("does", [True, False])
async def test_a_refund_whose_failure_stripe_keeps(
    emulator: StripeEmulator, provider: StripeProvider, does: bool
) -> None:
    async with paid(emulator, provider) as (reference, charge_id):
        wish = refund_asked(reference, charge_id, 2000)
        emulator.fail_and_save("POST /v1/refunds", does=does)
        if does:
            assert (await provider.refund(wish)).our_id == REFUND_ID
        else:
            with pytest.raises(ProviderUnsure):
                await provider.refund(wish)
        assert len(emulator.refunds) == does


@pytest.mark.parametrize(
    ("status", "more", "stage", "problem"),
    [
        (
            "pending",
            {"pending_reason": "insufficient_funds"},
            RefundStage.PENDING,
            "insufficient_funds",
        ),
        ("requires_action", {}, RefundStage.PENDING, None),
        ("succeeded", {}, RefundStage.SETTLED, None),
        (
            "failed",
            {"failure_reason": "expired_or_canceled_card"},
            RefundStage.FAILED,
            "expired_or_canceled_card",
        ),
        ("canceled", {}, RefundStage.FAILED, "canceled"),
        ("something_new", {}, RefundStage.PENDING, None),
    ],
)
async def test_stages_of_refunds(
    emulator: StripeEmulator,
    provider: StripeProvider,
    status: str,
    more: dict[str, str],
    stage: RefundStage,
    problem: str | None,
) -> None:
    async with paid(emulator, provider) as (reference, charge_id):
        emulator.next_refund = {"status": "pending"}
        refund = await provider.refund(refund_asked(reference, charge_id, 2000))
        assert refund.stage is RefundStage.PENDING
        emulator.turn_refund(refund.id, status, **more)
        seen = only_refund(await provider.read(reference))
        assert (seen.stage, seen.problem) == (stage, problem)


async def test_a_refund_in_the_dashboard(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    async with paid(emulator, provider) as (reference, charge_id):
        emulator.refund_in_dashboard(reference, 1000)
        sighting = await provider.read(reference)
        refund = only_refund(sighting)
        assert (refund.our_id, refund.amount) == (None, Money(1000, "EUR"))
        assert sighting.stage is Stage.PAID
        assert sighting.charges[0].is_refundable
        emulator.refund_in_dashboard(reference)
        assert not (await provider.read(reference)).charges[0].is_refundable
        with pytest.raises(ProviderRefused, match="charge_already_refunded"):
            await provider.refund(refund_asked(reference, charge_id))


async def test_a_dispute(emulator: StripeEmulator, provider: StripeProvider) -> None:
    async with paid(emulator, provider) as (reference, charge_id):
        dispute_id = emulator.dispute(reference)
        sighting = await provider.read(reference)
        dispute = only_dispute(sighting)
        assert (dispute.id, dispute.charge_id) == (dispute_id, charge_id)
        assert (dispute.stage, dispute.withdrawn) == (DisputeStage.OPEN, Money(5000, "EUR"))
        assert dispute.fee == Money(1500, "EUR")
        assert not sighting.charges[0].is_refundable
        with pytest.raises(ProviderRefused, match="charge_disputed"):
            await provider.refund(refund_asked(reference, charge_id))
        emulator.close_dispute(dispute_id, won=True)
        sighting = await provider.read(reference)
        dispute = only_dispute(sighting)
        assert (dispute.stage, dispute.withdrawn) == (DisputeStage.WON, Money(5000, "EUR"))
        assert (dispute.returned, dispute.is_away) == (5000, False)
        assert dispute.returned_at == emulator.clock.now().replace(microsecond=0)
        assert dispute.fee == Money(1500, "EUR")
        assert sighting.charges[0].is_refundable


async def test_a_dispute_that_is_lost(emulator: StripeEmulator, provider: StripeProvider) -> None:
    async with paid(emulator, provider) as (reference, _):
        emulator.close_dispute(emulator.dispute(reference), won=False)
        dispute = only_dispute(await provider.read(reference))
        assert (dispute.stage, dispute.withdrawn) == (DisputeStage.LOST, Money(5000, "EUR"))


@pytest.mark.parametrize(
    "status",
    ["warning_needs_response", "warning_under_review", "warning_closed", "prevented", "new"],
)
async def test_what_takes_no_money(
    emulator: StripeEmulator, provider: StripeProvider, status: str
) -> None:
    async with paid(emulator, provider) as (reference, _):
        dispute_id = emulator.dispute(reference, status="warning_needs_response")
        emulator.disputes[dispute_id]["status"] = status
        emulator.faults = []
        sighting = await provider.read(reference)
        assert only_dispute(sighting).stage is DisputeStage.INQUIRY
        assert only_dispute(sighting).withdrawn == Money(0, "EUR")
        assert sighting.charges[0].is_refundable
        emulator.faults = []


@pytest.mark.parametrize("status", ["under_review", "appeal_needs_response", "appeal_under_review"])
async def test_a_dispute_goes_on(
    emulator: StripeEmulator, provider: StripeProvider, status: str
) -> None:
    async with paid(emulator, provider) as (reference, _):
        emulator.dispute(reference, status=status)
        assert only_dispute(await provider.read(reference)).stage is DisputeStage.OPEN


async def test_a_dispute_in_the_accounts_own_currency(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    async with paid(emulator, provider) as (reference, _):
        dispute_id = emulator.dispute(reference, status="warning_needs_response")
        emulator.disputes[dispute_id]["status"] = "lost"
        emulator.move(dispute_id, -5600, fee=1700, currency="usd")
        dispute = only_dispute(await provider.read(reference))
        assert (dispute.withdrawn, dispute.fee) == (Money(5000, "EUR"), Money(1700, "USD"))
        # Rates have changed until half of it, and then more than all, came back.
        for moved, returned in ((2800, 2500), (3000, 5000)):
            emulator.move(dispute_id, moved, currency="usd")
            dispute = only_dispute(await provider.read(reference))
            assert (dispute.withdrawn, dispute.returned) == (Money(5000, "EUR"), returned)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "paused"},
        {"payment_status": "half"},
        {"status": "complete", "payment_status": "x"},
    ],
)
async def test_new_words_change_nothing(
    emulator: StripeEmulator,
    provider: StripeProvider,
    change: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    reference = await opened(provider)
    emulator.sessions[reference] |= change
    assert (await provider.read(reference)).stage is Stage.OPEN
    assert "provider_says_unknown_word" in capsys.readouterr().out
    assert emulator.faults
    emulator.faults = []


async def test_paid_is_believed_where_the_charge_is_seen(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    reference = await opened(provider)
    emulator.sessions[reference] |= {"status": "complete", "payment_status": "paid"}
    assert (await provider.read(reference)).stage is Stage.PROCESSING


async def test_a_charge_leads_to_its_session(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    async with paid(emulator, provider) as (reference, charge_id):
        assert await provider.locate(charge_id) == reference
        emulator.charges[charge_id]["payment_intent"] = None
        assert await provider.locate(charge_id) is None


async def test_whose_account_it_is() -> None:
    emulator = StripeEmulator(connected="acct_1", is_live=True)
    account = Account("stripe", "acct_1", is_live=True)
    async with stripe_at(emulator, account=account) as provider:
        sighting = await provider.read(await opened(provider))
        assert sighting.account == account
        assert emulator.calls[0].headers["stripe-account"] == "acct_1"
    emulator = StripeEmulator(is_live=True)
    async with stripe_at(emulator, account=Account("stripe", "own", is_live=False)) as provider:
        assert (await provider.read(await opened(provider))).account.is_live


async def test_the_wrong_key(emulator: StripeEmulator) -> None:
    async with stripe_at(emulator, secret_key=SecretStr("sk_test_wrong")) as provider:
        with pytest.raises(ProviderRefused) as told:
            await provider.create(asked())
    assert "sk_test" not in repr(told.value)
    assert "sk_test_emulator" not in repr(stripe_account(emulator))


async def test_no_redirect_is_followed(emulator: StripeEmulator, provider: StripeProvider) -> None:
    there = {"Location": f"{emulator.url}/elsewhere"}
    emulator.misbehave(Says(Answer(307, b"", there)), on=CREATES)
    with pytest.raises(ProviderUnsure):
        await provider.create(asked())
    assert not emulator.called("elsewhere")


async def test_no_call_while_a_transaction_is_open(
    emulator: StripeEmulator, provider: StripeProvider
) -> None:
    held = CONNECTIONS.set(1)
    try:
        with pytest.raises(HeldConnectionError):
            await provider.create(asked())
    finally:
        CONNECTIONS.reset(held)
    assert emulator.calls == []


def test_where_stripe_is() -> None:
    client = StripeWay().client(stripe_account(StripeEmulator()))
    assert client._requestor.base_addresses["api"] == "https://api.stripe.com"
    assert client._requestor._options.max_network_retries == 0
    assert not stripe.enable_telemetry
