"""Webhooks of Stripe: signed by the real algorithm, verified by the real library, or refused."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from stripe.params import WebhookEndpointCreateParams

from booking_system.payments.adapters.providers.accounts import StripeAccount
from booking_system.payments.adapters.providers.events import STRIPE_EVENTS
from booking_system.payments.adapters.providers.stripe_hints import hint_of
from booking_system.payments.application.provider_port import Hint, InvalidEvent
from booking_system.payments.domain.sighting import Account
from tests.payments.emulators.loopback import BEGINNING, Delivery
from tests.payments.emulators.stripe import StripeEmulator
from tests.payments.providers.asking import OUR_ID, asked, stripe_account, stripe_at

SECRET = "whsec_emulator"
ACCOUNT = stripe_account(StripeEmulator())
NOW = BEGINNING
MOMENT = int(NOW.timestamp())


def an_event(**other: Any) -> bytes:
    event = {"id": "evt_1", "object": "event", "type": "charge.refunded", "livemode": False}
    return json.dumps({**event, **other}).encode()


def signature(body: bytes, moment: object = MOMENT, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def header(body: bytes, moment: object = MOMENT, secret: str = SECRET) -> str:
    return f"t={moment},v1={signature(body, moment, secret)}"


def read(body: bytes, field: str | None, account: StripeAccount = ACCOUNT) -> Hint:
    headers = {} if field is None else {"stripe-signature": field}
    return hint_of(body, headers, account=account, now=NOW)


def signed(body: bytes, account: StripeAccount = ACCOUNT) -> Hint:
    return read(body, header(body), account)


def hint(delivery: Delivery, account: StripeAccount = ACCOUNT) -> Hint:
    return hint_of(delivery.body, delivery.headers, account=account, now=NOW)


async def test_every_event_finds_its_payment() -> None:
    """Also those that are about no session, and all but disputes and refunds by our own id."""
    emulator = StripeEmulator()
    async with stripe_at(emulator) as provider:
        reference = (await provider.create(asked())).reference
        charge_id = emulator.pay(reference)
        emulator.refund_in_dashboard(reference, 1000)
        emulator.close_dispute(emulator.dispute(reference), won=True)
        for delivery in emulator.events():
            told = await provider.hint(delivery.body, delivery.headers, now=NOW)
            assert (told.event_id, told.kind) == (delivery.id, delivery.kind)
            assert (told.is_live, told.account_key) == (False, "platform")
            if delivery.kind.startswith("checkout."):
                assert (told.reference, told.our_id) == (reference, OUR_ID)
                continue
            assert told.charge_id == charge_id
            is_known = delivery.kind.startswith(("refund.", "charge.dispute."))
            assert told.our_id == (None if is_known else OUR_ID)
        assert await provider.locate(str(charge_id)) == reference
    happened = {one.kind for one in emulator.events()}
    assert {"charge.dispute.funds_withdrawn", "charge.dispute.closed"} < happened
    assert happened - set(STRIPE_EVENTS) == {"charge.succeeded"}


def test_the_events_are_words_of_the_library() -> None:
    written = str(WebhookEndpointCreateParams.__annotations__["enabled_events"])
    assert set(STRIPE_EVENTS) <= set(re.findall(r"'([^']+)'", written))


@pytest.mark.parametrize(
    ("seconds", "is_taken"),
    [(0, True), (299, True), (-299, True), (301, False), (-301, False), (365 * 86400, False)],
)
def test_old_and_future_moments(seconds: int, is_taken: bool) -> None:
    """The library alone refuses only what is old."""
    body = an_event()
    field = header(body, MOMENT + seconds)
    if is_taken:
        assert read(body, field).event_id == "evt_1"
    else:
        with pytest.raises(InvalidEvent):
            read(body, field)


def test_two_secrets_while_one_takes_the_others_place() -> None:
    body = an_event()
    both = f"t={MOMENT},v1={signature(body, secret='old')},v1={signature(body, secret='new')}"

    def account(*secrets: str) -> StripeAccount:
        return StripeAccount(
            account=ACCOUNT.account,
            secret_key=SecretStr("sk"),
            webhook_secrets=tuple(map(SecretStr, secrets)),
        )

    for secrets in (("old",), ("new",), ("old", "new"), ("new", "old"), ("other", "new")):
        assert read(body, both, account(*secrets)).event_id == "evt_1"
    for secrets in ((), ("",), ("other",)):
        with pytest.raises(InvalidEvent):
            read(body, both, account(*secrets))
    with pytest.raises(InvalidEvent):
        read(body, header(body, secret="old"), account("new"))


def test_the_emulator_rotates() -> None:
    emulator = StripeEmulator()
    emulator.rotate("whsec_new")
    delivery = emulator.signed(json.loads(an_event()))
    new = StripeAccount(
        account=ACCOUNT.account,
        secret_key=SecretStr("sk"),
        webhook_secrets=(SecretStr("whsec_new"),),
    )
    assert hint(delivery) == hint(delivery, new)
    emulator.retire()
    with pytest.raises(InvalidEvent):
        hint(emulator.signed(json.loads(an_event())))


def test_only_v1_counts() -> None:
    body = an_event()
    for field in (
        f"t={MOMENT},v0={signature(body)}",
        f"t={MOMENT},v2={signature(body)}",
        f"v1={signature(body)}",
        f"t={MOMENT},t={MOMENT},v1={signature(body)}",
        f"t={MOMENT}",
    ):
        with pytest.raises(InvalidEvent):
            read(body, field)
    assert read(body, f"t={MOMENT}, v1=00 , v1={signature(body)},v0=1").event_id == "evt_1"


def test_the_raw_body_counts() -> None:
    for body in (
        an_event(data={"object": {"breakdown": {}, "rate": 1.0, "name": "é"}}),
        b'  {"id" :"evt_1", "object":"event","type":"x","livemode":false,"r":1.0,"e":"\xc3\xa9"}\n',
    ):
        assert signed(body).event_id == "evt_1"
        with pytest.raises(InvalidEvent):
            read(body + b" ", header(body))
        with pytest.raises(InvalidEvent):
            read(json.dumps(json.loads(body), separators=(",", ":")).encode(), header(body))


GARBAGE = [
    b"",
    b"null",
    b"[1]",
    b"{",
    b'"text"',
    b"\xff\xfe{}",
    b"{}",
    b'{"object":"event"}',
    b'{"object":"event","id":1,"type":"x","livemode":false}',
    b'{"object":"event","id":"e","type":[],"livemode":false}',
    b'{"object":"event","id":"e","type":"x"}',
    b'{"object":"event","id":"e","type":"x","livemode":"no"}',
    b'{"object":"charge","id":"e","type":"x","livemode":false}',
    b"[" * 100_000,
    an_event(id="e" * 300),
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_signed_garbage(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        signed(body)


@pytest.mark.parametrize(
    "field",
    [
        None,
        "",
        ",",
        "t=",
        "t=x,v1=x",
        "t=1,v1",
        "v1=é,t=1",
        f"t={MOMENT},v1=é",
        f"t={MOMENT},v1=\ud800",
        f"t={MOMENT},v1=",
        f"t={'9' * 5000},v1=00",
        "t=٣,v1=00",
        f"t={MOMENT},v1=" + "0" * 64,
        f"t={MOMENT},v1=" + "0," * 5000,
    ],
)
def test_headers_that_are_no_signature(field: str | None) -> None:
    with pytest.raises(InvalidEvent):
        read(an_event(), field)


@given(st.binary(max_size=300), st.text(max_size=120))
def test_any_unsigned_bytes_are_refused(body: bytes, field: str) -> None:
    with pytest.raises(InvalidEvent):
        read(body, field)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = (
    "id object type livemode account context data metadata charge payment_intent latest_charge"
    " client_reference_id related_object booking_payment_id"
)
MEMBERS = st.sampled_from(NAMES.split())
OBJECTS = st.sampled_from(
    ["event", "v2.core.event", "checkout.session", "charge", "refund", "dispute", "payment_intent"]
)
EVENT_LIKE = st.dictionaries(MEMBERS, ANYTHING | OBJECTS, max_size=6)


@given(
    EVENT_LIKE,
    st.dictionaries(st.sampled_from(["object", "metadata"]), EVENT_LIKE | OBJECTS, max_size=2),
    st.booleans(),
)
def test_any_signed_json_is_a_hint_or_refused(
    event: Mapping[str, Any], about: Mapping[str, Any], is_event: bool
) -> None:
    told = {**event, "data": {"object": about}}
    if is_event:
        told = {"id": "evt_1", "type": "x", "livemode": True, "object": "event", **told}
    body = json.dumps(told).encode()
    try:
        found = signed(body)
    except InvalidEvent:
        return
    assert isinstance(found, Hint)
    for value in (found.event_id, found.kind):
        assert isinstance(value, str)
    for value in (found.reference, found.our_id, found.charge_id, found.account_key):
        assert value is None or 0 < len(value) <= 255


def test_events_of_an_older_version_are_read() -> None:
    """Only ids count: in 2020 the session had its payment intent at once, and no `ui_mode`."""
    session = {
        "id": "cs_1",
        "object": "checkout.session",
        "client_reference_id": OUR_ID,
        "payment_intent": "pi_1",
        "display_items": [{"amount": 5000}],
    }
    told = signed(an_event(api_version="2020-08-27", data={"object": session}))
    assert (told.reference, told.our_id) == ("cs_1", OUR_ID)


def test_thin_events() -> None:
    emulator = StripeEmulator()
    related = {"id": "cs_1", "type": "checkout.session", "url": "/v1/checkout/sessions/cs_1"}
    told = hint(emulator.thin("v1.checkout.session.completed", related))
    assert (told.kind, told.reference) == ("v1.checkout.session.completed", "cs_1")
    assert hint(emulator.thin("v1.billing.meter.no_meter_found", None)).reference is None
    delivery = emulator.thin("v1.charge.refunded", {"id": "ch_1", "type": "charge"})
    assert hint(delivery).charge_id == "ch_1"


def test_mode_and_account_are_told() -> None:
    assert signed(an_event(livemode=True)).is_live
    assert not signed(an_event()).is_live
    assert signed(an_event(account="acct_2")).account_key == "acct_2"
    connected = StripeAccount(
        account=Account("stripe", "acct_1", is_live=False),
        secret_key=SecretStr("sk"),
        webhook_secrets=(SecretStr(SECRET),),
        connected="acct_1",
    )
    assert signed(an_event(account="acct_1"), connected).account_key == "acct_1"
    assert signed(an_event(), connected).account_key is None


def test_what_is_about_nothing_of_ours() -> None:
    told = signed(an_event(type="payout.paid", data={"object": {"id": "po_1", "object": "payout"}}))
    assert (told.reference, told.our_id, told.charge_id) == (None, None, None)


def test_events_twice_and_late() -> None:
    """The emulator's webhooks are kept, to be sent in any order and number."""
    emulator = StripeEmulator()
    delivery = emulator.signed(json.loads(an_event()))
    assert hint(delivery) == hint(delivery)
    late = NOW + timedelta(seconds=301)
    with pytest.raises(InvalidEvent):
        hint_of(delivery.body, delivery.headers, account=ACCOUNT, now=late)
