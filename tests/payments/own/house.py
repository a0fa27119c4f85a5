"""Clinics with accounts of their own at emulators, and the platform's accounts beside them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from httpx import ASGITransport, AsyncClient, Response

from booking_system.payments.adapters.providers.paypal_calls import PayPalWay
from booking_system.payments.adapters.providers.paypal_certificates import (
    PayPalCertificates,
    fetched_by,
)
from tests.api import Api, Person
from tests.payments.emulators.certificates import NAME, certified
from tests.payments.emulators.loopback import Delivery, Hands
from tests.payments.emulators.paypal import PayPalEmulator
from tests.payments.emulators.several import Several
from tests.payments.emulators.stripe import StripeEmulator
from tests.payments.providers.asking import believed
from tests.payments.test_payments_http import Counter, Made
from tests.stage import Stage

HOOK = "/v1/payment-webhooks"
PLATFORM_KEY, PLATFORM_SECRET = "sk_test_platform", "whsec_platform"
PLATFORM_CLIENT = {"client_id": "client-platform", "client_secret": "secret-platform"}
PLATFORM_WEBHOOK = "0PLATFORM0WEBHOOK0"
SETTINGS = {
    "stripe_secret_key": PLATFORM_KEY,
    "stripe_webhook_secret": PLATFORM_SECRET,
    "paypal_client_id": PLATFORM_CLIENT["client_id"],
    "paypal_client_secret": PLATFORM_CLIENT["client_secret"],
    "paypal_webhook_id": PLATFORM_WEBHOOK,
}


@asynccontextmanager
async def a_house(
    stage: Stage, listening: tuple[Several, Several], **more: Any
) -> AsyncIterator["House"]:
    """New accounts at both providers; what was asked of them is looked at in the end."""
    at_stripe, at_paypal = listening
    bases = {"stripe_api_base": at_stripe.url, "paypal_api_base": at_paypal.url}
    async with stage.api(**SETTINGS, **bases, **more) as api:
        believes(api, at_paypal.url)
        yield House(api, at_stripe, at_paypal)
    for line in listening:
        line.found_no_faults()


class House:
    """The platform's accounts, and more of them by name; all at one address of each provider."""

    def __init__(self, api: Api, at_stripe: Several, at_paypal: Several) -> None:
        self.api = api
        self._at = {"stripe": at_stripe, "paypal": at_paypal}
        self.clock = Hands(datetime.now(UTC))
        self.platform = StripeEmulator(
            self.clock, key=PLATFORM_KEY, secret=PLATFORM_SECRET, name="acct_1Platform"
        )
        self.paypal = self._certified(
            PayPalEmulator(self.clock, **PLATFORM_CLIENT, webhook_id=PLATFORM_WEBHOOK)
        )
        at_stripe.has(self.platform)
        at_paypal.has(self.paypal)

    def line(self, provider: str) -> Several:
        """Where a provider listens."""
        return self._at[provider]

    def account(self, name: str) -> StripeEmulator:
        """Somebody's account at Stripe."""
        made = StripeEmulator(
            self.clock,
            key=f"sk_test_51KeyOf{name}Clinic",
            secret=f"whsec_secret_of_{name}",
            name=f"acct_1{name}",
        )
        self._at["stripe"].has(*self._at["stripe"].accounts, made)
        return made

    def paypal_account(self, name: str) -> PayPalEmulator:
        """Somebody's account at PayPal."""
        made = self._certified(
            PayPalEmulator(
                self.clock,
                client_id=f"client-{name}",
                client_secret=f"secret-of-the-client-{name}",
                webhook_id=f"0WEBHOOK0OF{name.upper()}",
            )
        )
        self._at["paypal"].has(*self._at["paypal"].accounts, made)
        return made

    def _certified(self, emulator: PayPalEmulator) -> PayPalEmulator:
        now = self.clock.now()
        emulator.certificate = certified(
            NAME, begins=now - timedelta(days=1), ends=now + timedelta(days=1)
        )
        return emulator

    async def clinic(self, account: StripeEmulator | None = None) -> "Clinic":
        """A clinic, with this account of its own."""
        counter = await Counter.open(self.api)
        clinic = Clinic(self, counter, await self.api.clinic_admin(counter.clinic["id"]))
        if account is not None:
            await clinic.sets(account)
        return clinic

    async def told(self, path: str, delivery: Delivery) -> Response:
        """Hooks are in no document, so no answer of theirs is held against it."""
        transport = ASGITransport(app=self.api.app)
        async with AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(path, content=delivery.body, headers=dict(delivery.headers))

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with self.api.container.database().driver_transaction() as connection:
            return list(await connection.fetch(statement, *values))

    async def matters(self) -> list[tuple[str, UUID, str]]:
        rows = await self.sql(
            "SELECT kind, payment_id, about FROM payment_quarantine WHERE resolved_at IS NULL"
        )
        return [(row["kind"], row["payment_id"], row["about"]) for row in rows]


class Clinic:
    """A clinic with its administrator, and a patient who books there."""

    def __init__(self, house: House, counter: Counter, admin: Person) -> None:
        self.house, self.counter, self.admin = house, counter, admin
        self.api = house.api
        self.id = counter.clinic["id"]
        self.booked = 0

    def at(self, provider: str = "stripe") -> str:
        return f"/v1/clinics/{self.id}/payment-accounts/{provider}"

    async def puts(self, body: Made, provider: str = "stripe", **about: Any) -> Response:
        return await self.api.send("PUT", self.at(provider), self.admin, json=body, **about)

    async def sets(self, account: StripeEmulator, **more: Any) -> Made:
        answer = await self.puts(as_body(account) | more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def shows(self, provider: str = "stripe") -> Made:
        answer = await self.api.get(self.at(provider), self.admin)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def removes(self, provider: str = "stripe", **about: Any) -> Response:
        return await self.api.send("DELETE", self.at(provider), self.admin, **about)

    async def hook(self, provider: str = "stripe") -> str:
        """The path that the provider calls."""
        shown = await self.shows(provider)
        path: str = shown["webhook_url"].removeprefix("http://test")
        return path

    async def begins(self, provider: str = "stripe") -> tuple[Made, Made]:
        """Another booking, and a payment of it."""
        patient = await self.api.patient()
        booking = await self.counter.book(patient, self.booked)
        self.booked += 1
        path = f"/v1/bookings/{booking['id']}/payments"
        payment = await self.api.made(path, {"provider": provider}, patient)
        return booking | {"by": patient}, payment

    async def status(self, booking: Made) -> tuple[str, str]:
        return await self.counter.booked(booking, booking["by"])

    async def cancels(self, booking: Made) -> None:
        """The clinic does, so that all goes back."""
        desk = await self.api.receptionist(self.id)
        path = f"/v1/bookings/{booking['id']}/cancel"
        answer = await self.api.post(path, {"reason": "Ill"}, desk)
        assert answer.status_code == 200, answer.text
        await self.counter.work()


def as_body(account: StripeEmulator) -> Made:
    """What a clinic sets of its account at Stripe."""
    return {
        "account_id": account.name,
        "secret_key": account.key,
        "webhook_secrets": list(account.secrets),
    }


def events_since(account: StripeEmulator, known: Sequence[Delivery]) -> list[Delivery]:
    return account.events()[len(known) :]


@asynccontextmanager
async def lines() -> AsyncIterator[tuple[Several, Several]]:
    """Where both providers listen, for all tests of a worker: an application keeps its settings."""
    nobody: tuple[Several, Several] = (
        Several(StripeEmulator(key="sk_test_nobody")),
        Several(PayPalEmulator()),
    )
    async with nobody[0].serving(), nobody[1].serving():
        yield nobody


def believes(api: Api, at_paypal: str) -> None:
    """The authority of tests, which no machine believes by itself."""
    known = api.container.payments.known_providers()
    if known._paypal is None:
        way = PayPalWay(clock=api.container.clock(), base=at_paypal)
        known._paypal = (way, PayPalCertificates(fetched_by(way), roots=believed))
