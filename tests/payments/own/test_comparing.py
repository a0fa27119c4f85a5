"""`booking-system check` compares what providers tell with what we need to hear."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from booking_system.bootstrap import checks
from booking_system.bootstrap.secret_key import key_kept_in
from booking_system.bootstrap.settings import Settings
from booking_system.payments.adapters.own_accounts.comparing import Compared
from booking_system.payments.adapters.providers.events import PAYPAL_EVENTS, STRIPE_EVENTS
from tests.payments.emulators.loopback import Deaf
from tests.payments.own.house import HOOK, House

AT_STRIPE, AT_PAYPAL = f"http://test{HOOK}/stripe", f"http://test{HOOK}/paypal"


async def compared(house: House) -> Compared:
    return await house.api.container.payments.compare_endpoints()()


async def test_each_account_is_told_what_it_is_not_subscribed_to(house: House) -> None:
    own, whole = house.account("Own"), house.account("Whole")
    mine, theirs = await house.clinic(own), await house.clinic(whole)
    house.platform.listens(AT_STRIPE, *STRIPE_EVENTS)
    house.paypal.listens(f"{AT_PAYPAL}/", "*")
    without = [one for one in STRIPE_EVENTS if one not in {"refund.failed", "refund.updated"}]
    # What else is told there, or told elsewhere, is nobody's.
    own.listens(f"http://test{await mine.hook()}", *without, "charge.updated")
    own.listens("https://other.example.com/hook", *STRIPE_EVENTS)
    own.listens(f"http://test{await mine.hook()}", *STRIPE_EVENTS, status="disabled")
    whole.listens(f"http://test{await theirs.hook()}", "*")
    found = await compared(house)
    assert found.wrong == [
        (
            f"The webhook of the account of clinic {mine.id} at Stripe is not subscribed to"
            " refund.failed, refund.updated."
        )
    ]
    assert found.unsure == []
    own.listens(f"http://test{await mine.hook()}", "refund.failed", "refund.updated")
    assert await compared(house) == Compared()
    without = [one for one in PAYPAL_EVENTS if one != "PAYMENT.REFUND.FAILED"]
    house.paypal.listens(AT_PAYPAL, *without)
    assert (await compared(house)).wrong == [
        (
            "The webhook of the platform's account at PayPal is not subscribed to"
            " PAYMENT.REFUND.FAILED."
        )
    ]


async def test_what_is_missing_refused_or_silent_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = house.account("Own")
    clinic = await house.clinic(own)
    house.paypal.listens(AT_PAYPAL, *PAYPAL_EVENTS)
    (missing, its) = (await compared(house)).unsure
    assert missing == f"No webhook of the platform's account at Stripe calls {AT_STRIPE}."
    # The whole address of a clinic's account is for its provider alone.
    key = (await clinic.hook()).rpartition("/")[2]
    assert its.endswith(f"at Stripe calls {AT_STRIPE}/…{key[-4:]}.")
    house.platform.listens(AT_STRIPE, "*", status="disabled")
    (disabled,) = (await compared(house)).wrong
    assert disabled == "The webhook of the platform's account at Stripe is disabled."
    house.platform.listens(AT_STRIPE, "*")
    own.forbidden.add("GET /v1/webhook_endpoints")
    (forbidden,) = (await compared(house)).unsure
    assert "may not ask Stripe for its webhooks" in forbidden
    own.key = "sk_test_51RolledOnTheOtherSide"
    (refused,) = (await compared(house)).wrong
    assert refused.startswith(f"Stripe refuses the keys of the account of clinic {clinic.id}")
    house.paypal.webhooks.clear()
    house._at["stripe"].misbehave(Deaf(), times=9)
    found = await compared(house)
    assert sorted(found.unsure) == [
        f"No webhook of the platform's account at PayPal calls {AT_PAYPAL}.",
        f"Stripe did not answer about the account of clinic {clinic.id}.",
        "Stripe did not answer about the platform's account.",
    ]
    house._at["stripe"]._told.clear()
    await clinic.removes()
    # On a public address a webhook that is not there is a mistake.
    check = house.api.container.payments.compare_endpoints()
    public = type(check)(
        providers=check.providers,
        platform=check.platform,
        store=check.store,
        public_url="https://booking.example.com",
    )
    assert [one.partition(" calls ")[2] for one in (await public()).wrong] == [
        f"https://booking.example.com{HOOK}/stripe.",
        f"https://booking.example.com{HOOK}/paypal.",
    ]


async def test_the_command_finds_it_beside_the_database(house: House, tmp_path: Path) -> None:
    key_kept_in(tmp_path)
    house.platform.listens(AT_STRIPE, *[one for one in STRIPE_EVENTS if one != "refund.failed"])
    about: dict[str, Any] = {
        "database_url": house.api.container.settings().database_url,
        "public_url": "http://test",
        "data_dir": tmp_path,
        "stripe_secret_key": SecretStr(house.platform.key),
        "stripe_webhook_secret": SecretStr(house.platform.secrets[0]),
        "stripe_api_base": house._at["stripe"].url,
    }
    found = await checks.findings(Settings(**about))
    assert found.settings == (
        "The webhook of the platform's account at Stripe is not subscribed to refund.failed.",
    )
    assert found.database == ()
    silent = await checks.findings(Settings(**about | {"stripe_webhook_secret": None}))
    assert silent.settings == ()
    assert "Stripe tells nothing to the platform's account: no webhook is set for it." in (
        silent.advice
    )
