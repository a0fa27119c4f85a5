"""Webhooks of PayPal: signed by the real algorithm with a certificate of tests, or refused."""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from hypothesis import given
from hypothesis import strategies as st

from booking_system.payments.adapters.providers.events import PAYPAL_EVENTS
from booking_system.payments.adapters.providers.paypal_calls import PayPalWay
from booking_system.payments.adapters.providers.paypal_certificates import (
    HOSTS,
    LARGEST,
    FetchError,
    PayPalCertificates,
    fetched_by,
    system_roots,
)
from booking_system.payments.adapters.providers.paypal_hints import PayPalEvents
from booking_system.payments.application.provider_port import Hint, InvalidEvent, ProviderUnsure
from booking_system.payments.domain.sighting import Account
from tests.payments.emulators.certificates import NAME, Certified, between, by_itself, certified
from tests.payments.emulators.loopback import BEGINNING, Answer, Deaf, Hands, Says
from tests.payments.emulators.paypal import CERTIFICATE_URL, PayPalEmulator, signature
from tests.payments.providers.asking import OUR_ID, asked, believed, paypal_account, paypal_at

NOW, MOMENT = BEGINNING, "2027-03-01T09:00:00Z"
WEBHOOK = "8PT597110X687430LKGECATA"


class Place:
    """What is at any address; `asked` are those that were asked for."""

    def __init__(self, raw: bytes | None = None) -> None:
        self.raw = certified(NAME).pem if raw is None else raw
        self.is_there = True
        self.asked: list[str] = []
        self.confirms = False
        self.confirmed: list[str] = []

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if not self.is_there:
            raise FetchError
        return self.raw

    async def confirm(self, body: bytes, headers: Mapping[str, str], webhook_id: str) -> bool:
        self.confirmed.append(webhook_id)
        return self.confirms

    def certificates(self) -> PayPalCertificates:
        return PayPalCertificates(self.fetch, roots=believed)

    def events(
        self, certificates: PayPalCertificates | None = None, **account: Any
    ) -> PayPalEvents:
        return PayPalEvents(
            account=paypal_account(PayPalEmulator(), **account),
            certificates=certificates or self.certificates(),
            confirm=self.confirm,
        )


def an_event(**other: Any) -> bytes:
    event = {"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {}}
    return json.dumps({**event, **other}).encode()


def signed(body: bytes, by: Certified | None = None, **other: Any) -> dict[str, str]:
    given: dict[str, Any] = {"transmission_id": "t-1", "moment": MOMENT, "webhook_id": WEBHOOK}
    return signature(body, by or certified(NAME), **{**given, **other})


async def read(
    body: bytes,
    headers: Mapping[str, str],
    place: Place | None = None,
    *,
    now: Any = NOW,
    **account: Any,
) -> Hint:
    place = place or Place()
    return await place.events(**account).hint(body, headers, now=now)


async def test_every_event_finds_its_payment() -> None:
    emulator = PayPalEmulator()
    async with paypal_at(emulator) as provider:
        reference = (await provider.create(asked())).reference
        emulator.approve(reference)
        (charge,) = (await provider.capture(reference, key="k")).charges
        emulator.refund_in_dashboard(reference, "10.00")
        emulator.resolve_dispute(emulator.dispute(reference))
        for delivery in emulator.events():
            told = await provider.hint(delivery.body, delivery.headers, now=NOW)
            assert (told.event_id, told.kind) == (delivery.id, delivery.kind)
            assert (told.is_live, told.account_key) == (False, "platform")
            assert told.kind in PAYPAL_EVENTS
            if told.kind.startswith("CUSTOMER.DISPUTE.") or told.kind.endswith("REFUNDED"):
                assert (told.our_id, told.charge_id) == (None, charge.id)
            else:
                assert (told.our_id, told.reference) == (OUR_ID, reference)
        certificates = [call for call in emulator.calls if "/certs/" in call.path]
        assert len(certificates) == 1


@pytest.mark.parametrize(
    "body",
    [
        an_event(resource={"seller_receivable_breakdown": {}, "rate": 1.0, "name": "é"}),
        b'{"id":"WH-1", "event_type":"X","resource":{"breakdown":{},"rate":1.0,"n":"\xc3\xa9"}}\n',
    ],
)
async def test_the_raw_body_counts(body: bytes) -> None:
    assert (await read(body, signed(body))).event_id == "WH-1"
    for other in (body + b" ", json.dumps(json.loads(body), separators=(",", ":")).encode()):
        with pytest.raises(InvalidEvent):
            await read(other, signed(body))


async def test_the_algorithm_by_hand() -> None:
    """Reckoned here once more, from what PayPal's archived library does."""
    body = an_event()
    headers = signed(body)
    text = f"t-1|{MOMENT}|{WEBHOOK}|{zlib.crc32(body) & 0xFFFFFFFF}".encode()
    given = base64.b64decode(headers["paypal-transmission-sig"])
    certified(NAME).certificate.public_key().verify(given, text, PKCS1v15(), SHA256())  # type: ignore[union-attr, call-arg, arg-type]


BAD_PLACES = [
    "https://api.paypal.com.evil.test/v1/notifications/certs/CERT-1",
    "https://api.paypal.com@evil.test/v1/notifications/certs/CERT-1",
    "https://evil.test/v1/notifications/certs/CERT-1",
    "https://user:pw@api.paypal.com/v1/notifications/certs/CERT-1",
    "http://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
    "https://127.0.0.1/v1/notifications/certs/CERT-1",
    "https://[::1]/v1/notifications/certs/CERT-1",
    "https://www.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/CERT-1?x=https://evil.test",
    "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
    "https://api.paypal.com/v1/notifications/certs/../../oauth2/token",
    "https://api.paypal.com/v1/notifications/certs/%2e%2e",
    "https://api.paypal.com/v1/notifications/certs/",
    "https://api.paypal.com/v1/notifications/certs/CERT-1\n",
    "https://api.paypal.com\\@evil.test/v1/notifications/certs/CERT-1",
    "https://apixpaypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com./v1/notifications/certs/CERT-1",
    "HTTPS://API.PAYPAL.COM/v1/notifications/certs/CERT-1",
    "//api.paypal.com/v1/notifications/certs/CERT-1",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("url", BAD_PLACES)
async def test_certificates_are_fetched_from_paypal_only(url: str) -> None:
    place, body = Place(), an_event()
    with pytest.raises(InvalidEvent):
        await read(body, signed(body, url=url), place)
    with pytest.raises(InvalidEvent):
        await place.certificates().key(url, now=NOW)
    assert place.asked == []


@pytest.mark.parametrize("host", HOSTS)
async def test_where_certificates_are(host: str) -> None:
    place, body = Place(), an_event()
    url = f"https://{host}/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
    assert (await read(body, signed(body, url=url), place)).event_id == "WH-1"
    assert place.asked == [url]


async def test_a_certificate_is_fetched_once() -> None:
    place, body = Place(), an_event()
    certificates = place.certificates()
    for _ in range(3):
        await place.events(certificates).hint(body, signed(body), now=NOW)
    assert place.asked == [CERTIFICATE_URL]
    with pytest.raises(InvalidEvent):
        await place.events(certificates).hint(body, signed(body), now=NOW + timedelta(days=366))
    for n in range(20):
        await certificates.key(f"{CERTIFICATE_URL}{n}", now=NOW)
    assert len(certificates._kept) == 16


def with_above(one: Certified, above: Certified) -> Certified:
    return Certified(one.key, one.certificate, (above.certificate,))


def alone(one: Certified) -> Certified:
    return Certified(one.key, one.certificate)


BAD_CERTIFICATES: dict[str, Callable[[], Certified]] = {
    "of another root": lambda: with_above(certified(NAME, by=by_itself()), by_itself()),
    "by itself": lambda: by_itself(NAME),
    "over": lambda: certified(NAME, ends=NOW - timedelta(seconds=1)),
    "not yet": lambda: certified(NAME, begins=NOW + timedelta(seconds=1)),
    "of somebody else": lambda: certified("api.example.com"),
    "of somebody like it": lambda: certified("api.notpaypal.com"),
    "of somebody below it": lambda: certified("paypal.com.evil.test"),
    "bare": lambda: certified("paypal.com"),
    "for everything": lambda: certified("*.com"),
    "without a name": certified,
}


@pytest.mark.parametrize("what", BAD_CERTIFICATES)
async def test_certificates_that_are_not_good(what: str) -> None:
    bad = BAD_CERTIFICATES[what]()
    place, body = Place(bad.pem), an_event()
    with pytest.raises(InvalidEvent):
        await read(body, signed(body, bad), place)
    assert place.asked == [CERTIFICATE_URL]
    assert place.confirmed == []


async def test_a_certificate_that_stands_alone() -> None:
    """Whether PayPal sent it, PayPal then says; and is not asked of what it did not sign."""
    for one in (alone(certified(NAME, by=between())), alone(certified(NAME, by=by_itself()))):
        place, body = Place(one.pem), an_event()
        with pytest.raises(InvalidEvent):
            await read(body, signed(body, one), place, webhook_ids=("another", WEBHOOK))
        assert place.confirmed == [WEBHOOK]
        place.confirms = True
        assert (await read(body, signed(body, one), place)).event_id == "WH-1"
        with pytest.raises(InvalidEvent):
            await read(body + b" ", signed(body, one), place)
        assert len(place.confirmed) == 2
    place = Place()
    await read(body, signed(body), place)
    assert place.confirmed == []


async def test_paypal_says_whether_it_sent_it() -> None:
    emulator = PayPalEmulator()
    emulator.certificate = alone(certified(NAME, by=between()))
    async with paypal_at(emulator) as provider:
        reference = (await provider.create(asked())).reference
        emulator.approve(reference)
        (delivery,) = emulator.events()
        told = await provider.hint(delivery.body, delivery.headers, now=NOW)
        assert told.reference == reference
        for how in (Says(Answer(500, b"")), Says(Answer(400, b"{}")), Deaf()):
            emulator.misbehave(how, on="verify-webhook-signature")
            with pytest.raises(ProviderUnsure):
                await provider.hint(delivery.body, delivery.headers, now=NOW)
        emulator.denies = True
        with pytest.raises(InvalidEvent):
            await provider.hint(delivery.body, delivery.headers, now=NOW)


@pytest.mark.parametrize(
    "good",
    [
        lambda: certified(NAME, by=between()),
        lambda: certified("messageverificationcerts.sandbox.paypal.com"),
        lambda: certified("example.com", NAME),
    ],
)
async def test_certificates_that_are_good(good: Callable[[], Certified]) -> None:
    body = an_event()
    assert (await read(body, signed(body, good()), Place(good().pem))).event_id == "WH-1"


@pytest.mark.parametrize("raw", [b"", b"{}", b"<html>", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
async def test_what_is_no_certificate(raw: bytes) -> None:
    body = an_event()
    with pytest.raises(InvalidEvent):
        await read(body, signed(body), Place(raw))


async def test_a_key_that_is_not_rsa() -> None:
    odd = certified(NAME, key=ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(InvalidEvent):
        await Place(odd.pem).certificates().key(CERTIFICATE_URL, now=NOW)


async def test_a_certificate_that_cannot_be_had_now() -> None:
    place, body = Place(), an_event()
    certificates = place.certificates()
    place.is_there = False
    clock = Hands()

    async def one() -> Hint:
        return await place.events(certificates).hint(body, signed(body), now=clock.now())

    for _ in range(3):
        with pytest.raises(ProviderUnsure):
            await one()
    assert len(place.asked) == 1
    place.is_there = True
    clock.pass_by(seconds=5)
    assert (await one()).event_id == "WH-1"


async def test_what_is_kept_is_used_while_others_cannot_be_had() -> None:
    place, body = Place(), an_event()
    certificates = place.certificates()
    await certificates.key(CERTIFICATE_URL, now=NOW)
    place.is_there = False
    with pytest.raises(ProviderUnsure):
        await certificates.key(f"{CERTIFICATE_URL}0", now=NOW)
    told = await place.events(certificates).hint(body, signed(body), now=NOW)
    assert told.event_id == "WH-1"


@pytest.mark.parametrize(
    "how",
    [
        Says(Answer(302, b"", {"Location": "/v1/notifications/certs/CERT-2"})),
        Says(Answer(404, b"")),
        Says(Answer(200, b"x" * (LARGEST + 1))),
        Deaf(),
    ],
)
async def test_fetching(how: Any) -> None:
    emulator = PayPalEmulator()
    async with emulator.serving() as url:
        way = PayPalWay(clock=emulator.clock, base=url)
        fetch = fetched_by(way)
        assert await fetch(CERTIFICATE_URL) == emulator.certificate.pem
        emulator.misbehave(how, on="certs")
        with pytest.raises(FetchError):
            await fetch(CERTIFICATE_URL)
        await way.close()
    assert len(emulator.calls) == 2


async def test_where_it_is_fetched() -> None:
    """Without another address of the API, at PayPal itself."""
    asked_for: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked_for.append(str(request.url))
        return httpx.Response(200, content=b"pem")

    way = PayPalWay(clock=Hands())
    await way.close()
    way.client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    assert await fetched_by(way)(CERTIFICATE_URL) == b"pem"
    assert asked_for == [CERTIFICATE_URL]
    await way.close()


def test_the_roots_of_the_system() -> None:
    assert len(system_roots()) > 50


async def test_the_roots_of_the_system_do_not_know_tests() -> None:
    certificates = PayPalCertificates(Place().fetch)
    assert not (await certificates.key(CERTIFICATE_URL, now=NOW)).has_chain
    whole = Place(with_above(certified(NAME, by=between()), between()).pem)
    with pytest.raises(InvalidEvent):
        await PayPalCertificates(whole.fetch).key(CERTIFICATE_URL, now=NOW)


async def test_whose_webhook_it_is() -> None:
    """Test events have another webhook's id in the text that is signed."""
    body = an_event()
    live = Account("paypal", "platform", is_live=True)
    assert (await read(body, signed(body), account=live)).is_live
    for ids in (("another",), ()):
        with pytest.raises(InvalidEvent):
            await read(body, signed(body), webhook_ids=ids)
    both = ("another", WEBHOOK)
    assert (await read(body, signed(body), webhook_ids=both)).event_id == "WH-1"


@pytest.mark.parametrize(
    "change",
    [
        {"paypal-transmission-id": "t-2"},
        {"paypal-transmission-id": ""},
        {"paypal-transmission-id": f"t-1|{MOMENT}"},
        {"paypal-transmission-id": "\ud800"},
        {"paypal-transmission-time": "2027-03-01T09:00:01Z"},
        {"paypal-transmission-time": "yesterday"},
        {"paypal-transmission-sig": "AAAA"},
        {"paypal-transmission-sig": "é"},
        {"paypal-transmission-sig": "A" * 5000},
        {"paypal-auth-algo": "SHA1withRSA"},
        {"paypal-auth-algo": ""},
    ],
)
async def test_other_headers(change: dict[str, str]) -> None:
    body = an_event()
    with pytest.raises(InvalidEvent):
        await read(body, {**signed(body), **change})
    (name,) = change
    without = {one: value for one, value in signed(body).items() if one != name}
    with pytest.raises(InvalidEvent):
        await read(body, without)


async def test_another_hash() -> None:
    body = an_event()
    text = f"t-1|{MOMENT}|{WEBHOOK}|{zlib.crc32(body)}".encode()
    key = certified(NAME).key
    assert isinstance(key, RSAPrivateKey)
    other = base64.b64encode(key.sign(text, PKCS1v15(), SHA1())).decode()
    with pytest.raises(InvalidEvent):
        await read(body, {**signed(body), "paypal-transmission-sig": other})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[1]",
        b"{",
        b"\xff\xfe{}",
        b"{}",
        b'{"id": 1, "event_type": "X"}',
        b'{"id": "WH-1"}',
        b'{"id": "WH-1", "event_type": []}',
        b"[" * 100_000,
    ],
    ids=range(10),
)
async def test_signed_garbage(body: bytes) -> None:
    place = Place()
    with pytest.raises(InvalidEvent):
        await read(body, signed(body), place)
    assert place.asked == []


HEADERS = st.dictionaries(
    st.sampled_from([*signed(an_event()), "other"]), st.text(max_size=60), max_size=6
)


@given(st.binary(max_size=200), HEADERS)
async def test_any_unsigned_bytes_are_refused(body: bytes, headers: dict[str, str]) -> None:
    place = Place()
    with pytest.raises(InvalidEvent):
        await read(body, headers, place)
    assert place.asked == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = (
    "id event_type resource custom_id links href rel order_id purchase_units supplementary_data"
    " related_ids disputed_transactions seller_transaction_id"
)
RESOURCES = st.recursive(
    ANYTHING,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.sampled_from([*PAYPAL_EVENTS, "X"]), RESOURCES)
async def test_any_signed_resource_is_a_hint(kind: str, resource: Any) -> None:
    body = an_event(event_type=kind, resource=resource)
    found = await read(body, signed(body))
    for value in (found.reference, found.our_id, found.charge_id):
        assert value is None or 0 < len(value) <= 255
