"""Events that nobody signed, or that do not fit: nothing changes, and nobody else is asked."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from httpx import ASGITransport, AsyncClient, Response
from prometheus_client import CollectorRegistry

from booking_system.payments.adapters.queue_look import LOOK
from booking_system.payments.application.take_event import AT_A_TIME
from booking_system.platform.observability.queue_metrics import QueueMetrics, QueueWatch
from tests.api import code_of
from tests.payments.emulators.certificates import NAME, Certified, by_itself, certified
from tests.payments.emulators.loopback import Delivery, as_json
from tests.payments.emulators.paypal import CERTIFICATE_URL, signature
from tests.payments.histories import DUE
from tests.payments.own.house import HOOK, Clinic, House
from tests.payments.test_payments_http import Made
from tests.payments.watched import Watched, connections_watched

TOLD = {"payment_events"}
"""What a signed event may leave: itself, and a look that was planned."""
SUMS = """SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public' ORDER BY 1"""
Fields = Mapping[str, str | bytes]


@dataclass
class Scene:
    """A booking that waits for money, its provider, and what is connected to meanwhile."""

    house: House
    clinic: Clinic
    watched: Watched
    provider: str
    booking: Made
    payment: Made
    reference: str
    _sums: str = ""

    async def told(self, body: bytes, fields: Fields) -> Response:
        headers = [
            (name.encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in fields.items()
        ]
        transport = ASGITransport(app=self.house.api.app)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(f"{HOOK}/{self.provider}", content=body, headers=headers)

    async def tables(self, *, without: set[str] = frozenset()) -> dict[str, str]:  # type: ignore[assignment]
        """One sum over each table."""
        if not self._sums:
            names = [row["relname"] for row in await self.house.sql(SUMS)]
            self._sums = " UNION ALL ".join(
                f"SELECT '{name}', count(*) || ' ' || sum(hash_record_extended(t, 1)) FROM {name} t"
                for name in names
            )
        sums = {row[0]: row[1] for row in await self.house.sql(self._sums)}
        return {name: total for name, total in sums.items() if name not in without}

    async def is_unpaid(self) -> bool:
        return await self.clinic.status(self.booking) == ("pending_payment", "unpaid")

    async def works(self) -> None:
        for _ in range(2):
            await self.house.api.container.payments.job().once()

    async def open_matters(self) -> float | None:
        """As `/metrics` counts them."""
        registry = CollectorRegistry()
        database = self.house.api.container.database()
        await QueueWatch(database=database, looks=[LOOK], metrics=QueueMetrics(registry)).once()
        return registry.get_sample_value("booking_queue_dead", {"queue": "payments"})

    async def looked(self) -> None:
        """A look that nobody caused, after which the next look changes nothing."""
        await self.house.sql(DUE, UUID(self.payment["id"]))
        await self.works()


@pytest.fixture
async def at_stripe(house: House) -> AsyncIterator[Scene]:
    async with a_scene(house, "stripe") as one:
        yield one


@pytest.fixture
async def at_paypal(house: House) -> AsyncIterator[Scene]:
    async with a_scene(house, "paypal") as one:
        yield one


@asynccontextmanager
async def a_scene(house: House, provider: str) -> AsyncIterator[Scene]:
    ports = [urlsplit(house.line(name).url).port for name in ("stripe", "paypal")]
    with connections_watched(*ports) as watched:
        clinic = await house.clinic()
        booking, payment = await clinic.begins(provider)
        payment_id = UUID(payment["id"])
        (row,) = await house.sql("SELECT reference FROM payments WHERE id = $1", payment_id)
        yield Scene(house, clinic, watched, provider, booking, payment, row["reference"])
        assert watched.elsewhere == []


def test_it_would_be_seen() -> None:
    """What watches connections sees the names that are looked up and the addresses."""
    watched = Watched({1})
    watched.see("127.0.0.1", 1)
    for host, port in (("127.0.0.1", 2), ("api.paypal.com", 1), ("10.0.0.1", 1)):
        with pytest.raises(ConnectionRefusedError):
            watched.see(host, port)
    assert (len(watched.there), len(watched.elsewhere)) == (1, 3)


# Of Stripe.


def by_stripe(body: bytes, secret: str, moment: float) -> dict[str, str]:
    text = f"{int(moment)}.".encode() + body
    made = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={int(moment)},v1={made}"}


def forged_of_stripe(genuine: Delivery, secret: str, now: float) -> dict[str, tuple[bytes, Fields]]:
    body, event = genuine.body, json.loads(genuine.body)

    def signed(raw: bytes, by: str = secret, late: int = 0) -> tuple[bytes, Fields]:
        return raw, by_stripe(raw, by, now + late)

    good = by_stripe(body, secret, now)["stripe-signature"]
    return {
        "by another secret": signed(body, "whsec_other"),
        "by no secret": signed(body, ""),
        "by the key of the API": signed(body, "sk_test_platform"),
        "a byte more": (body + b"\n", {"stripe-signature": good}),
        "another amount": (body.replace(b"5000", b"1   "), {"stripe-signature": good}),
        "written anew": (json.dumps(event).encode(), {"stripe-signature": good}),
        "an hour ago": signed(body, late=-3600),
        "five minutes and some ago": signed(body, late=-330),
        "in five minutes and some": signed(body, late=330),
        "of another moment": (body, {"stripe-signature": good.replace("t=1", "t=2")}),
        "without a moment": (body, {"stripe-signature": good.partition(",")[2]}),
        "by an old scheme": (body, {"stripe-signature": good.replace("v1=", "v0=")}),
        "without a signature": (body, {}),
        "no ASCII": (body, {"stripe-signature": good.encode() + b",v1=\xe9\xff"}),
        "a long header": (body, {"stripe-signature": good + ",v1=00" * 1000}),
        "signed: no UTF-8": signed(b'{"object":"event","id":"\xff\xfe"}'),
        "signed: a list": signed(b"[1]"),
        "signed: nothing": signed(b""),
        "signed: null": signed(b"null"),
        "signed: broken": signed(body[:-20]),
        "signed: deep": signed(b"[" * 50_000),
        "signed: no event": signed(as_json({**event, "object": "charge"})),
        "signed: without an id": signed(as_json({**event, "id": None})),
        "signed: without a mode": signed(as_json({**event, "livemode": "false"})),
        "a thin event by nobody": signed(as_json({**event, "object": "v2.core.event"}), "whsec_x"),
    }


async def test_what_stripe_did_not_sign_changes_no_table(at_stripe: Scene) -> None:
    scene, account = at_stripe, at_stripe.house.platform
    # The money is there: who is believed has the booking confirmed.
    account.pay(scene.reference)
    genuine, now = account.events()[-1], account.clock.now().timestamp()
    before, asked = await scene.tables(), len(account.calls)
    for what, (body, fields) in forged_of_stripe(genuine, account.secrets[0], now).items():
        answer = await scene.told(body, fields)
        assert code_of(answer) == (400, "invalid_signature"), what
        assert await scene.tables() == before, what
    await scene.works()
    assert await scene.tables() == before
    assert len(account.calls) == asked
    # The same event as Stripe signed it.
    assert (await scene.told(genuine.body, genuine.headers)).status_code == 200
    await scene.works()
    assert await scene.clinic.status(scene.booking) == ("confirmed", "paid")


def unfit_of_stripe(scene: Scene) -> dict[str, tuple[dict[str, Any], bool]]:
    """Signed events, and whether somebody looks because of them."""
    account = scene.house.platform
    session = dict(account.sessions[scene.reference]) | {"payment_status": "paid"}
    event = {
        "id": "evt_unfit",
        "object": "event",
        "type": "checkout.session.completed",
        "livemode": False,
        "data": {"object": session},
    }
    unknown = "01957b2e-7b7c-7000-8000-00000000abcd"

    def about(**other: Any) -> dict[str, Any]:
        return {**event, "data": {"object": {**session, **other}}}

    nobody = {"id": "cs_test_of_nobody", "client_reference_id": unknown, "metadata": {}}
    related = {"id": scene.reference, "type": "checkout.session"}
    thin = {**event, "object": "v2.core.event", "data": {}, "related_object": related}
    return {
        "another account": ({**event, "account": "acct_1Other"}, False),
        "another account, thin": ({**thin, "context": "acct_1Other"}, False),
        "another mode": ({**event, "livemode": True}, False),
        "another mode, thin": ({**thin, "livemode": True}, False),
        "another reference": (about(**nobody), False),
        "another reference with our id": (about(id="cs_test_of_nobody"), True),
        "our reference with an id of nobody": (about(client_reference_id=unknown), True),
        "another amount": (about(amount_total=1), True),
        "another currency": (about(currency="usd"), True),
        "a charge of nobody": (
            {**event, "data": {"object": {"object": "dispute", "charge": "ch_of_nobody"}}},
            False,
        ),
        "thin": (thin, True),
        "thin, about nothing": ({**thin, "related_object": None}, False),
        "about something else": ({**event, "data": {"object": {"object": "payout"}}}, False),
    }


async def test_what_stripe_signed_and_does_not_fit_changes_nothing(at_stripe: Scene) -> None:
    """Only what the session itself is counts, and that is not paid."""
    scene, account = at_stripe, at_stripe.house.platform
    await scene.looked()
    for number, (what, (event, is_looked_at)) in enumerate(unfit_of_stripe(scene).items()):
        before, asked = await scene.tables(without=TOLD | {"payment_work"}), len(account.calls)
        delivery = account.signed({**event, "id": f"evt_unfit_{number}"})
        for _ in range(2):
            answer = await scene.told(delivery.body, delivery.headers)
            assert answer.status_code == 200, what
        await scene.works()
        assert await scene.tables(without=TOLD | {"payment_work"}) == before, what
        assert (len(account.calls) > asked) is is_looked_at, what
    assert await scene.is_unpaid()
    assert await scene.open_matters() == 0
    stored = await scene.house.sql("SELECT count(*) FROM payment_events")
    assert stored[0][0] == number + 1
    # What nobody knows is given up after an hour; it is no reason to look for ever.
    await scene.house.sql("UPDATE payment_events SET received_at = now() - interval '2 hours'")
    await scene.works()
    assert await scene.house.sql("SELECT 1 FROM payment_events WHERE handled_at IS NULL") == []


async def test_what_is_about_others_holds_up_nothing_of_ours(at_stripe: Scene) -> None:
    """An account may sell other things, too: more of their events wait than are taken at a time."""
    scene, account = at_stripe, at_stripe.house.platform
    charge = {"object": "charge", "id": "ch_of_a_shop", "metadata": {}}
    event = {"object": "event", "type": "charge.refunded", "livemode": False}
    for number in range(AT_A_TIME + 1):
        told = {**event, "id": f"evt_{number}", "data": {"object": charge}}
        delivery = account.signed(told)
        assert (await scene.told(delivery.body, delivery.headers)).status_code == 200
    known = len(account.events())
    account.pay(scene.reference)
    for delivery in account.events()[known:]:
        assert (await scene.told(delivery.body, delivery.headers)).status_code == 200
    await scene.works()
    assert await scene.clinic.status(scene.booking) == ("confirmed", "paid")
    left = "SELECT charge_id FROM payment_events WHERE handled_at IS NULL"
    assert len(await scene.house.sql(left)) == AT_A_TIME + 1


# Of PayPal.


def forged_of_paypal(scene: Scene, genuine: Delivery) -> dict[str, tuple[bytes, Fields]]:
    account, body = scene.house.paypal, genuine.body
    event = json.loads(body)

    def signed(raw: bytes = body, **other: Any) -> tuple[bytes, Fields]:
        given: dict[str, Any] = {
            "by": account.certificate,
            "transmission_id": "t-1",
            "moment": account._time(),
            "webhook_id": account.webhook_id,
        }
        return raw, signature(raw, **given | other)

    _, good = signed()
    places = {
        "https://evil.test/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.test/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.test/v1/notifications/certs/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://127.0.0.1/v1/notifications/certs/CERT-1",
        "https://[::1]:5432/v1/notifications/certs/CERT-1",
        "https://169.254.169.254/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../../x",
        "file:///etc/passwd",
        f"{scene.house.line('stripe').url}/v1/notifications/certs/CERT-1",
    }
    return {
        **{f"a certificate at {one}": signed(url=one) for one in places},
        "by another key": signed(by=by_itself("Another Key")),
        "a byte more": (body + b"\n", good),
        "another amount": (body.replace(b"50.00", b"00.01"), good),
        "written anew": (json.dumps(event).encode(), good),
        "for another webhook": signed(webhook_id="8PT597110X687430LKGECATA"),
        "of another time": (body, good | {"paypal-transmission-time": "2027-03-01T09:00:00Z"}),
        "another transmission": (body, good | {"paypal-transmission-id": "t-2"}),
        "by another algorithm": (body, good | {"paypal-auth-algo": "SHA1withRSA"}),
        "no ASCII": (body, good | {"paypal-transmission-sig": b"\xe9\xff"}),
        "no ASCII in the address": (body, good | {"paypal-cert-url": b"https://\xe9\xff"}),
        "without a signature": (body, {}),
        "signed: no UTF-8": signed(b'{"id":"\xff\xfe","event_type":"X"}'),
        "signed: a list": signed(b"[1]"),
        "signed: nothing": signed(b""),
        "signed: without an id": signed(as_json({**event, "id": 1})),
        "signed: without a type": signed(as_json({**event, "event_type": None})),
    }


BAD_CERTIFICATES: dict[str, Callable[[Any], Certified]] = {
    "of another name": lambda now: certified("api.example.com", **near(now)),
    "of a name like it": lambda now: certified("paypal.com.evil.test", **near(now)),
    "over": lambda now: certified(NAME, **near(now, ends=-1)),
    "not yet": lambda now: certified(NAME, **near(now, begins=1)),
    "of another root": lambda now: Certified(
        certified(NAME, by=by_itself(), **near(now)).key,
        certified(NAME, by=by_itself(), **near(now)).certificate,
        (by_itself().certificate,),
    ),
    "of nobody": lambda _: by_itself(NAME),
}


def near(now: Any, *, begins: int = -24, ends: int = 24) -> dict[str, Any]:
    return {"begins": now + timedelta(hours=begins), "ends": now + timedelta(hours=ends)}


async def test_what_paypal_did_not_sign_changes_no_table(at_paypal: Scene) -> None:
    scene, account = at_paypal, at_paypal.house.paypal
    # The payer agreed: who is believed has the money captured.
    account.approve(scene.reference)
    genuine = account.events()[-1]
    _forgets_certificates(scene)
    before, asked = await scene.tables(), len(account.calls)
    for what, (body, fields) in forged_of_paypal(scene, genuine).items():
        answer = await scene.told(body, fields)
        assert code_of(answer) == (400, "invalid_signature"), what
        assert await scene.tables() == before, what
    # The certificate of PayPal's own place was asked for, once, and nothing else.
    assert [call.path for call in account.calls[asked:]] == [urlsplit(CERTIFICATE_URL).path]
    good = account.certificate
    for what, make in BAD_CERTIFICATES.items():
        _forgets_certificates(scene)
        account.certificate = make(account.clock.now())
        delivery = account.signed(json.loads(genuine.body))
        answer = await scene.told(delivery.body, delivery.headers)
        assert code_of(answer) == (400, "invalid_signature"), what
        assert await scene.tables() == before, what
    await scene.works()
    assert await scene.tables() == before
    assert account.called("capture$") == []
    account.certificate = good
    _forgets_certificates(scene)
    assert (await scene.told(genuine.body, genuine.headers)).status_code == 200
    await scene.works()
    assert await scene.clinic.status(scene.booking) == ("confirmed", "paid")


def _forgets_certificates(scene: Scene) -> None:
    """As a process that has just begun, and has not just failed to fetch one."""
    known = scene.house.api.container.payments.known_providers()._paypal
    assert known is not None
    known[1]._kept.clear()
    known[1]._rests_until = None


# What providers have, and we did not ask for.


def other_at_stripe(scene: Scene, what: str) -> None:
    account = scene.house.platform
    account.pay(scene.reference)
    session = account.sessions[scene.reference]
    (charge,) = account._paid(scene.reference)
    match what:
        case "amount":
            charge |= {"amount_captured": 4999, "amount": 4999}
        case "currency":
            session["currency"] = charge["currency"] = "usd"
        case "mode":
            session["livemode"] = True
        case "reference":
            other = "01957b2e-7b7c-7000-8000-00000000abcd"
            session |= {"client_reference_id": other, "metadata": {"booking_payment_id": other}}


def other_at_paypal(scene: Scene, what: str) -> None:
    account = scene.house.paypal
    account.approve(scene.reference)
    (unit,) = account.orders[scene.reference]["purchase_units"]
    match what:
        case "amount":
            unit["amount"]["value"] = "49.99"
        case "currency":
            unit["amount"]["currency_code"] = "USD"
        case "reference":
            unit["custom_id"] = "01957b2e-7b7c-7000-8000-00000000abcd"


@pytest.mark.parametrize(
    ("provider", "what"),
    [
        *(("stripe", what) for what in ("amount", "currency", "mode", "reference")),
        *(("paypal", what) for what in ("amount", "currency", "reference")),
    ],
)
async def test_what_does_not_fit_the_row_is_for_people(
    house: House, provider: str, what: str
) -> None:
    """Nothing is confirmed or captured; what came to our account under our id is written as such.

    What PayPal shows says nothing of a mode.
    """
    async with a_scene(house, provider) as scene:
        await _is_for_people(scene, what)


async def _is_for_people(scene: Scene, what: str) -> None:
    stripe = scene.provider == "stripe"
    account = scene.house.platform if stripe else scene.house.paypal
    await scene.looked()
    known = len(account.events())
    (other_at_stripe if stripe else other_at_paypal)(scene, what)
    payment = "SELECT state, captured, claimed, captures, is_refundable, problem FROM payments"
    kept = {"appointments", "receipts", "receipt_counters", "payment_refunds", "time_slots"}
    before, row = await scene.tables(), await scene.house.sql(payment)
    for _ in range(2):
        for delivery in account.events()[known:]:
            answer = await scene.told(delivery.body, delivery.headers)
            assert answer.status_code == 200
        await scene.works()
    after = await scene.tables()
    assert {name for name in kept if after[name] != before[name]} == set()
    assert await scene.house.sql(payment) == row
    assert await scene.is_unpaid()
    assert [kind for kind, *_ in await scene.house.matters()] == [what]
    assert await scene.open_matters() == 1
    told = await scene.house.sql("SELECT payload FROM outbox WHERE name LIKE 'payment.%'")
    assert [one["payload"]["matter"] for one in told] == [what]
    lines = await scene.house.sql("SELECT kind FROM payment_ledger")
    is_ours = stripe and what in {"amount", "currency"}
    assert [one["kind"] for one in lines] == ["unallocated"] * is_ours
    assert not account.called("capture$")
