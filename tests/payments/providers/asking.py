"""What tests ask of providers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from cryptography import x509
from pydantic import SecretStr

from booking_system.payments.adapters.providers.accounts import PayPalAccount, StripeAccount
from booking_system.payments.adapters.providers.paypal import PayPalProvider
from booking_system.payments.adapters.providers.paypal_calls import PayPalWay
from booking_system.payments.adapters.providers.paypal_certificates import (
    PayPalCertificates,
    fetched_by,
)
from booking_system.payments.adapters.providers.stripe import StripeProvider
from booking_system.payments.adapters.providers.stripe_calls import StripeWay
from booking_system.payments.application.provider_port import CheckoutAsked, RefundAsked
from booking_system.payments.domain.sighting import Account
from booking_system.shared_kernel.money import Money
from tests.payments.emulators.certificates import authority
from tests.payments.emulators.loopback import BEGINNING
from tests.payments.emulators.paypal import PayPalEmulator
from tests.payments.emulators.stripe import StripeEmulator

OUR_ID = "01957b2e-7b7c-7000-8000-00000000abcd"
REFUND_ID = "01957b2e-7b7c-7000-8000-00000000ef01"


def asked(**other: Any) -> CheckoutAsked:
    given: dict[str, Any] = {
        "our_id": OUR_ID,
        "key": f"{OUR_ID}-create",
        "amount": Money(5000, "EUR"),
        "title": "Vorsorgeuntersuchung, Anzahlung",
        "language": "de",
        "return_url": f"https://booking.example.com/paid/{OUR_ID}",
        "cancel_url": f"https://booking.example.com/not-paid/{OUR_ID}",
        "asked_at": BEGINNING,
        "ends_at": BEGINNING + timedelta(minutes=35),
    }
    return CheckoutAsked(**{**given, **other})


def refund_asked(
    reference: str, charge_id: str, amount: int | Money = 5000, **other: Any
) -> RefundAsked:
    given: dict[str, Any] = {
        "our_id": REFUND_ID,
        "key": f"{REFUND_ID}-refund",
        "reference": reference,
        "charge_id": charge_id,
        "amount": Money(amount, "EUR") if isinstance(amount, int) else amount,
    }
    return RefundAsked(**{**given, **other})


def stripe_account(emulator: StripeEmulator, **other: Any) -> StripeAccount:
    given: dict[str, Any] = {
        "account": Account("stripe", "platform", is_live=emulator.is_live),
        "secret_key": SecretStr(emulator.key),
        "webhook_secrets": tuple(map(SecretStr, emulator.secrets)),
        "publishable_key": "pk_test_emulator",
        "connected": emulator.connected,
    }
    return StripeAccount(**{**given, **other})


@asynccontextmanager
async def stripe_at(
    emulator: StripeEmulator, *, answer_seconds: float = 15.0, **other: Any
) -> AsyncIterator[StripeProvider]:
    """A provider that asks the emulator, which listens meanwhile."""
    async with emulator.serving() as url:
        way = StripeWay(base=url, answer_seconds=answer_seconds)
        try:
            yield StripeProvider(stripe_account(emulator, **other), way=way)
        finally:
            await way.close()


def paypal_account(emulator: PayPalEmulator, **other: Any) -> PayPalAccount:
    given: dict[str, Any] = {
        "account": Account("paypal", "platform", is_live=False),
        "client_id": emulator.client_id,
        "client_secret": SecretStr(emulator.client_secret),
        "webhook_ids": (emulator.webhook_id,),
    }
    return PayPalAccount(**{**given, **other})


def believed() -> list[x509.Certificate]:
    """The authority of tests."""
    return [authority().certificate]


@asynccontextmanager
async def paypal_at(
    emulator: PayPalEmulator, *, answer_seconds: float = 15.0, **other: Any
) -> AsyncIterator[PayPalProvider]:
    """A provider that asks the emulator, which listens meanwhile."""
    async with emulator.serving() as url:
        way = PayPalWay(clock=emulator.clock, base=url, answer_seconds=answer_seconds)
        certificates = PayPalCertificates(fetched_by(way), roots=believed)
        try:
            yield PayPalProvider(
                paypal_account(emulator, **other), way=way, certificates=certificates
            )
        finally:
            await way.close()
