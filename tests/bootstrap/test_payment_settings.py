"""Settings of payments: a sentence for each that is wrong, and no secret in sight."""

from pathlib import Path

import pytest

from booking_system.bootstrap.checks import described, warnings_about
from booking_system.bootstrap.secret_key import key_kept_in
from booking_system.bootstrap.settings import Settings, SettingsProblem
from booking_system.payments.domain.sighting import Account

HIDDEN = "correcthorse"
STRIPE = {"STRIPE_SECRET_KEY": f"sk_test_{HIDDEN}"}
PAYPAL = {"PAYPAL_CLIENT_ID": "client-1", "PAYPAL_CLIENT_SECRET": HIDDEN}


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"BOOKING_{name}", value)
    return Settings()


def refused(monkeypatch: pytest.MonkeyPatch, **values: str) -> str:
    with pytest.raises(SettingsProblem) as told:
        given(monkeypatch, **values)
    assert HIDDEN not in str(told.value)
    return str(told.value)


def test_by_default_nobody_pays() -> None:
    settings = Settings()
    assert settings.offered_providers == ["sandbox"]
    assert {"stripe", "paypal"} <= set(settings.own_providers), "clinics may have their own"
    assert (settings.stripe_platform, settings.paypal_platform) == (None, None)
    assert (settings.payment_api_bases.stripe, settings.payment_api_bases.paypal) == (None, None)


def test_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(
        monkeypatch,
        **STRIPE,
        **PAYPAL,
        STRIPE_PUBLISHABLE_KEY="pk_test_shown",
        STRIPE_WEBHOOK_SECRET=f"whsec_{HIDDEN}, whsec_{HIDDEN}2",
        STRIPE_PAYMENT_METHODS="card, sepa_debit",
        STRIPE_API_BASE="http://localhost:8027/",
        PAYPAL_WEBHOOK_ID="8PT597110X687430LKGECATA",
        PAYPAL_MODE="LIVE",
    )
    stripe, paypal = settings.stripe_platform, settings.paypal_platform
    assert stripe is not None
    assert stripe.account == Account("stripe", "platform", is_live=False)
    assert [one.get_secret_value() for one in stripe.webhook_secrets] == [
        f"whsec_{HIDDEN}",
        f"whsec_{HIDDEN}2",
    ]
    assert stripe.methods == ("card", "sepa_debit")
    assert stripe.publishable_key == "pk_test_shown"
    assert paypal is not None
    assert paypal.account == Account("paypal", "platform", is_live=True)
    assert paypal.webhook_ids == ("8PT597110X687430LKGECATA",)
    assert settings.payment_api_bases.stripe == "http://localhost:8027"
    assert settings.offered_providers == ["sandbox", "stripe", "paypal"]
    for shown in (repr(settings), str(settings), "\n".join(described(settings)), repr(stripe)):
        assert HIDDEN not in shown


def test_ways_to_pay_by_stripes_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    stripe = given(monkeypatch, **STRIPE, STRIPE_PAYMENT_METHODS="dashboard").stripe_platform
    assert stripe is not None
    assert stripe.methods == ()


@pytest.mark.parametrize("key", ["sk_live_x", "rk_live_x"])
def test_the_mode_is_that_of_the_key(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    stripe = given(monkeypatch, STRIPE_SECRET_KEY=key).stripe_platform
    assert stripe is not None
    assert stripe.account.is_live


@pytest.mark.parametrize(
    ("name", "value", "begins"),
    [
        ("PAYMENT_PROVIDERS", f"stripe,{HIDDEN}", "BOOKING_PAYMENT_PROVIDERS must be of sandbox, "),
        ("STRIPE_SECRET_KEY", HIDDEN, "BOOKING_STRIPE_SECRET_KEY must be a secret or restricted "),
        ("STRIPE_SECRET_KEY", f"pk_test_{HIDDEN}", "BOOKING_STRIPE_SECRET_KEY must be a secret "),
        ("STRIPE_PUBLISHABLE_KEY", f"sk_test_{HIDDEN}", "BOOKING_STRIPE_PUBLISHABLE_KEY must "),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_x", "BOOKING_STRIPE_PUBLISHABLE_KEY needs BOOKING_STR"),
        ("STRIPE_WEBHOOK_SECRET", f"whsec_x,{HIDDEN}", "BOOKING_STRIPE_WEBHOOK_SECRET must be "),
        ("STRIPE_PAYMENT_METHODS", f"{HIDDEN}!", "BOOKING_STRIPE_PAYMENT_METHODS must be words "),
        ("STRIPE_PAYMENT_METHODS", ",", "BOOKING_STRIPE_PAYMENT_METHODS must be words "),
        ("STRIPE_API_BASE", f"x?{HIDDEN}", "BOOKING_STRIPE_API_BASE must be an address "),
        ("PAYPAL_API_BASE", f"http://u:{HIDDEN}@x", "BOOKING_PAYPAL_API_BASE must be an address "),
        ("PAYPAL_MODE", HIDDEN, "BOOKING_PAYPAL_MODE must be live or sandbox."),
        ("PAYPAL_CLIENT_SECRET", HIDDEN, "BOOKING_PAYPAL_CLIENT_ID and BOOKING_PAYPAL_CLIENT_SEC"),
        ("PAYPAL_CLIENT_ID", HIDDEN, "BOOKING_PAYPAL_CLIENT_ID and BOOKING_PAYPAL_CLIENT_SECRET "),
    ],
)
def test_what_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, begins: str
) -> None:
    assert refused(monkeypatch, **{name: value}).startswith(begins)


def test_keys_of_two_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(monkeypatch, **STRIPE, STRIPE_PUBLISHABLE_KEY="pk_live_x")
    assert told == "The two keys of Stripe must be both for tests, or both live."


def test_nobody_plays_in_production(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    safe = {
        "ENV": "production",
        "SECRET_KEY": key_kept_in(tmp_path / "key"),
        "DATABASE_URL": "postgresql://booking_api@/booking",
        "PUBLIC_URL": "https://booking.example.com",
    }
    assert given(monkeypatch, **safe).offered_providers == []
    assert given(monkeypatch, **STRIPE).offered_providers == ["stripe"]
    settings = given(monkeypatch, **PAYPAL, PAYPAL_MODE="sandbox")
    assert settings.offered_providers == ["stripe", "paypal"]
    told = list(warnings_about(settings))
    assert len([one for one in told if "nobody pays by it" in one]) == 2


def test_where_providers_are_named_clinics_have_accounts_there_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert given(monkeypatch, PAYMENT_PROVIDERS="paypal").own_providers == ["paypal"]
    assert given(monkeypatch, PAYMENT_PROVIDERS="sandbox").own_providers == ["sandbox"]


def test_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = given(monkeypatch, **STRIPE, **PAYPAL)
    told = [one for one in warnings_about(settings) if "minutes later" in one]
    assert len(told) == 2
    quiet = given(monkeypatch, STRIPE_WEBHOOK_SECRET="whsec_x", PAYPAL_WEBHOOK_ID="8PT")
    assert not [one for one in warnings_about(quiet) if "minutes later" in one]
