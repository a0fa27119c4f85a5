"""Providers by their accounts: one each, loaded when needed, closed together."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from booking_system.payments.adapters.providers import choosing
from booking_system.payments.adapters.providers.choosing import PaymentApiBases, Providers
from tests.payments.emulators.paypal import PayPalEmulator
from tests.payments.emulators.stripe import StripeEmulator
from tests.payments.providers.asking import asked, paypal_account, stripe_account


async def test_each_account_has_its_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    stripe, paypal = StripeEmulator(), PayPalEmulator()
    async with stripe.serving() as at_stripe, paypal.serving() as at_paypal:
        bases = PaymentApiBases(stripe=at_stripe, paypal=at_paypal)
        providers = Providers(clock=paypal.clock, bases=bases)
        for account in (stripe_account(stripe), paypal_account(paypal)):
            provider = await providers.of(account)
            assert provider.account == account.account
            assert (await provider.create(asked())).reference
            assert await providers.of(account) is provider
            other = replace(account, account=replace(account.account, key="another"))
            assert await providers.of(other) is not provider
        await (await providers.of(paypal_account(paypal))).create(asked(our_id="b", key="b"))
        assert len(paypal.called("POST /v1/oauth2/token")) == 1
        # A key that was changed is another account's.
        changed = await providers.of(stripe_account(stripe, secret_key=SecretStr("sk_test_new")))
        assert changed is not await providers.of(stripe_account(stripe))
        monkeypatch.setattr(choosing, "MOST_KEPT", 2)
        await providers.of(stripe_account(stripe))
        for n in range(4):
            await providers.of(stripe_account(stripe, publishable_key=f"{n}"))
        assert len(providers._kept) == 2
        await providers.close()
        await providers.close()


async def test_closed_is_closed() -> None:
    emulator = StripeEmulator()
    async with emulator.serving() as url:
        providers = Providers(clock=emulator.clock, bases=PaymentApiBases(stripe=url))
        provider = await providers.of(stripe_account(emulator))
        await providers.close()
        with pytest.raises(RuntimeError):
            await provider.create(asked())
