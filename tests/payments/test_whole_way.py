"""Stripe and PayPal from the booking to the money and back, by their protocols and signatures."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from booking_system.payments.adapters.providers.paypal_calls import PayPalWay
from booking_system.payments.adapters.providers.paypal_certificates import (
    PayPalCertificates,
    fetched_by,
)
from booking_system.payments.application.reconcile import Reconcile
from booking_system.payments.domain.attempt import PaymentId
from booking_system.payments.domain.sighting import Sighting
from tests.api import Api, code_of, running_api
from tests.payments.emulators.certificates import NAME, certified
from tests.payments.emulators.loopback import Deaf, Delivery, Hands
from tests.payments.emulators.paypal import PayPalEmulator
from tests.payments.emulators.stripe import StripeEmulator
from tests.payments.providers.asking import believed
from tests.payments.test_payments_http import Counter, Made

HOOK = "/v1/payment-webhooks"


@asynccontextmanager
async def stripe(database_url: str, place: Path) -> AsyncIterator[tuple[Api, StripeEmulator]]:
    emulator = StripeEmulator(Hands(datetime.now(UTC)))
    async with emulator.serving() as base:
        settings: dict[str, Any] = {
            "stripe_secret_key": emulator.key,
            "stripe_webhook_secret": emulator.secrets[0],
            "stripe_api_base": base,
        }
        async with running_api(database_url, place, **settings) as api:
            yield api, emulator


async def begun(counter: Counter, provider: str) -> tuple[Made, Made]:
    patient = await counter.api.patient()
    booking = await counter.book(patient)
    path = f"/v1/bookings/{booking['id']}/payments"
    payment = await counter.api.made(path, {"provider": provider}, patient)
    return booking | {"by": patient}, payment


async def told(api: Api, provider: str, delivery: Delivery) -> Response:
    """Hooks are in no document, so no answer of theirs is held against it."""
    async with AsyncClient(transport=ASGITransport(app=api.app), base_url="http://test") as client:
        return await client.post(
            f"{HOOK}/{provider}", content=delivery.body, headers=dict(delivery.headers)
        )


async def test_stripe_is_paid_by_in_any_order_of_what_it_tells(
    database_url: str, tmp_path: Path
) -> None:
    async with stripe(database_url, tmp_path) as (api, emulator):
        counter = await Counter.open(api)
        booking, payment = await begun(counter, "stripe")
        (session,) = emulator.sessions.values()
        assert payment["checkout_url"] == session["url"]
        assert (session["amount_total"], session["currency"]) == (5000, "eur")
        assert session["client_reference_id"] == payment["id"]

        emulator.pay(session["id"])
        deliveries = emulator.events()
        order = random.Random(3).choice(list(permutations(deliveries)))
        for delivery in (*order, *order):
            assert (await told(api, "stripe", delivery)).status_code == 200
        await counter.work()

        assert await counter.booked(booking, booking["by"]) == ("confirmed", "paid")
        receipts = await api.get(f"/v1/payments/{payment['id']}/receipts", booking["by"])
        assert len(receipts.json()["items"]) == 1

        desk = await api.receptionist(counter.clinic["id"])
        await api.post(f"/v1/bookings/{booking['id']}/cancel", {"reason": "Ill"}, desk)
        await counter.work()
        (refund,) = emulator.refunds.values()
        assert refund["amount"] == 5000
        for delivery in emulator.events():
            assert (await told(api, "stripe", delivery)).status_code == 200
        await counter.work()
        assert await counter.booked(booking, booking["by"]) == ("cancelled", "refunded")


async def test_what_stripe_did_not_sign_changes_nothing(database_url: str, tmp_path: Path) -> None:
    async with stripe(database_url, tmp_path) as (api, emulator):
        counter = await Counter.open(api)
        booking, _ = await begun(counter, "stripe")
        (session,) = emulator.sessions.values()
        emulator.pay(session["id"])
        genuine = emulator.events()[-1]

        forged = Delivery(genuine.id, genuine.kind, genuine.body + b" ", genuine.headers)

        assert code_of(await told(api, "stripe", forged)) == (400, "invalid_signature")
        await counter.work()
        assert await counter.booked(booking, booking["by"]) == ("pending_payment", "unpaid")
        # No webhook at all: the provider is asked when the time to pay is over.
        await counter.time_goes_by(booking)
        async with api.container.database().driver_transaction() as connection:
            await connection.execute("UPDATE payment_work SET due_at = now()")
        await counter.work()
        assert await counter.booked(booking, booking["by"]) == ("confirmed", "paid")


async def test_what_missed_its_webhook_is_repaired_and_drift_is_told(
    database_url: str, tmp_path: Path
) -> None:
    async with stripe(database_url, tmp_path) as (api, emulator):
        counter = await Counter.open(api)
        booking, payment = await begun(counter, "stripe")
        (session,) = emulator.sessions
        emulator.pay(session)
        now, week = timedelta(0), timedelta(days=7)
        reconcile = api.container.payments.reconcile()

        done = await reconcile(since=now)
        assert [str(one) for one in done.repaired] == [payment["id"]]
        await counter.work()
        assert await counter.booked(booking, booking["by"]) == ("confirmed", "paid")
        assert (await reconcile(since=now)).looked_at == 0
        again = await reconcile(since=week)
        assert (again.looked_at, again.repaired, again.drifting) == (1, [], [])

        emulator.refund_in_dashboard(session, 1000)
        refunded = await reconcile(since=week)
        assert (len(refunded.repaired), refunded.drifting) == (1, [])
        await counter.work()
        assert await counter.booked(booking, booking["by"]) == ("confirmed", "partially_paid")

        emulator.misbehave(Deaf(), on="GET", times=20)
        deaf = await reconcile(since=week)
        assert (len(deaf.unanswered), deaf.repaired, deaf.drifting) == (1, [], [])


async def test_money_that_our_ledger_does_not_know_is_drift(
    database_url: str, tmp_path: Path
) -> None:
    async with stripe(database_url, tmp_path) as (api, emulator):
        counter = await Counter.open(api)
        _, payment = await begun(counter, "stripe")
        (session,) = emulator.sessions
        emulator.pay(session)
        payments = api.container.payments

        async def forgetful(payment_id: PaymentId, seen: Sighting) -> None:
            pass

        forgets = Reconcile(
            reader=payments.reader(),
            providers=payments.accounts(),
            take=forgetful,  # type: ignore[arg-type]  # It loses what it is told.
            clock=api.container.clock(),
        )
        done = await forgets(since=timedelta(days=7))
        assert [(str(of), theirs, ours) for of, theirs, ours in done.drifting] == [
            (payment["id"], 5000, 0)
        ]
        assert done.repaired == []

        await payments.reconcile()(since=timedelta(days=7))
        emulator.dispute(session)
        done = await forgets(since=timedelta(days=7))
        assert [(str(of), theirs, ours) for of, theirs, ours in done.drifting] == [
            (payment["id"], 0, 5000)
        ]
        taken = await payments.reconcile()(since=timedelta(days=7))
        assert (len(taken.repaired), taken.drifting) == (1, [])


@pytest.mark.parametrize("declines", [False, True])
async def test_paypal_is_captured_once_and_only_by_us(
    database_url: str, tmp_path: Path, declines: bool
) -> None:
    now = datetime.now(UTC)
    emulator = PayPalEmulator(Hands(now))
    emulator.certificate = certified(
        NAME, begins=now - timedelta(days=1), ends=now + timedelta(days=1)
    )
    async with emulator.serving() as base:
        settings: dict[str, Any] = {
            "paypal_client_id": emulator.client_id,
            "paypal_client_secret": emulator.client_secret,
            "paypal_webhook_id": emulator.webhook_id,
            "paypal_api_base": base,
        }
        async with running_api(database_url, tmp_path, **settings) as api:
            known = api.container.payments.known_providers()
            way = PayPalWay(clock=api.container.clock(), base=base)
            # The authority of tests, which no machine believes by itself.
            known._paypal = (way, PayPalCertificates(fetched_by(way), roots=believed))
            counter = await Counter.open(api)
            booking, _ = await begun(counter, "paypal")
            (order,) = emulator.orders
            if declines:
                emulator.decline()
            emulator.approve(order)
            for delivery in emulator.events() * 2:
                assert (await told(api, "paypal", delivery)).status_code == 200
            await counter.work()
            await counter.work()
            if declines:
                assert await counter.booked(booking, booking["by"]) == (
                    "pending_payment",
                    "unpaid",
                )
                emulator.approve(order)
                for delivery in emulator.events():
                    assert (await told(api, "paypal", delivery)).status_code == 200
                await counter.work()
                await counter.work()

            assert await counter.booked(booking, booking["by"]) == ("confirmed", "paid")
            captures = emulator.called(r"POST /v2/checkout/orders/\w+/capture")
            assert len(captures) == 1 + declines
