"""What emulators do on command, beyond what the providers' own tests ask of them."""

import json

from booking_system.payments.application.provider_port import Hint
from booking_system.payments.domain.sighting import Stage
from tests.payments.emulators.loopback import Delivery
from tests.payments.emulators.paypal import PayPalEmulator
from tests.payments.emulators.sdk_types import misfits, unknown_members
from tests.payments.emulators.stripe import CLASSES, PARAMETERS, StripeEmulator
from tests.payments.providers.asking import OUR_ID, asked, paypal_at, stripe_at


async def test_stripe_tells_of_a_payment_before_it_answers() -> None:
    """And the answer shows the session as it was made, which is stale by then."""
    emulator = StripeEmulator()
    emulator.pays_at_once = True
    heard: list[tuple[int, Hint]] = []
    async with stripe_at(emulator) as provider:

        async def tell(delivery: Delivery) -> None:
            told = await provider.hint(delivery.body, delivery.headers, now=emulator.clock.now())
            heard.append((len(answered), told))

        emulator.tells = tell
        answered: list[str] = []
        answered.append((await provider.create(asked())).reference)
        assert [told.our_id for before, told in heard if before == 0] == [OUR_ID] * 3
        assert (await provider.read(answered[0])).stage is Stage.PAID
    assert [delivery.id for delivery in emulator.events()] == [told.event_id for _, told in heard]


async def test_paypal_tells_of_an_approval_before_it_answers() -> None:
    emulator = PayPalEmulator()
    emulator.approves_at_once = True
    heard: list[Hint] = []
    async with paypal_at(emulator) as provider:

        async def tell(delivery: Delivery) -> None:
            told = await provider.hint(delivery.body, delivery.headers, now=emulator.clock.now())
            heard.append(told)

        emulator.tells = tell
        reference = (await provider.create(asked())).reference
        assert [(told.reference, told.our_id) for told in heard] == [(reference, OUR_ID)]
        assert (await provider.capture(reference, key="k")).stage is Stage.PAID


async def test_nobody_else_is_answered() -> None:
    emulator = StripeEmulator(connected="acct_1")
    async with stripe_at(emulator) as provider:
        await provider.create(asked())
    (event,) = [json.loads(one.body) for one in [emulator.thin("x", None)]]
    assert event["object"] == "v2.core.event"


def test_requests_are_held_against_the_library() -> None:
    module, name = PARAMETERS["POST /v1/checkout/sessions"]
    kind = getattr(__import__(module, fromlist=[name]), name)
    good = {"mode": "payment", "expires_at": "1", "adaptive_pricing": {"enabled": "false"}}
    assert list(misfits(good, kind, module)) == []
    for bad in (
        {"payment_method_types": ["card"]},
        {"ui_mode": "embedded"},
        {"expires_at": "soon"},
        {"adaptive_pricing": {"enabled": "maybe"}},
        {"adaptive_pricing": {"on": "true"}},
        {"adaptive_pricing": "true"},
        {"line_items": [{"price_data": {"unit_amount": "5"}}]},
        {"metadata": ["x"]},
    ):
        assert list(misfits(bad, kind, module)), bad


def test_answers_are_held_against_the_library() -> None:
    kind = CLASSES["dispute"]
    assert list(unknown_members({"status": "won", "charge": "ch_1"}, kind)) == []
    assert list(unknown_members({"status": "wonn"}, kind))
    assert list(unknown_members({"state": "won"}, kind))
