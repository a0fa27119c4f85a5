"""Money as each provider counts it: never a hundredfold, never a tenth, never rounded."""

from contextlib import suppress

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from booking_system.payments.domain.amounts import (
    ISO_EXPONENTS,
    PAYPAL,
    STRIPE,
    Counting,
    InexpressibleAmount,
)
from booking_system.shared_kernel.money import CURRENCIES, Money

NOT_AS_UNICODE = "AFN ALL COP HUF IDR IQD IRR KPW LAK LBP MGA MMK SOS SYP YER"
"""Currencies whose small coins are not used any more, so that the Unicode tables leave them out."""


@pytest.mark.parametrize(
    ("money", "number"),
    [
        (Money(8000, "JPY"), 8000),
        (Money(12340, "KWD"), 12340),
        (Money(5000, "UGX"), 500000),
        (Money(5000, "ISK"), 500000),
        (Money(499000, "HUF"), 499000),
        (Money(499050, "HUF"), 499050),
        (Money(1661, "EUR"), 1661),
        (Money(10000, "MGA"), 100),
        (Money(8000, "TWD"), 8000),
        (Money(0, "EUR"), 0),
    ],
)
def test_as_stripe_counts(money: Money, number: int) -> None:
    assert STRIPE.counted(money) == number
    assert STRIPE.money(number, money.currency) == money


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(499000, "HUF"), "4990"),
        (Money(8000, "JPY"), "8000"),
        (Money(80000, "TWD"), "800"),
        (Money(1661, "EUR"), "16.61"),
        (Money(5, "USD"), "0.05"),
        (Money(50, "GBP"), "0.50"),
        (Money(-1661, "EUR"), "-16.61"),
        (Money(0, "EUR"), "0.00"),
    ],
)
def test_as_paypal_writes(money: Money, text: str) -> None:
    assert PAYPAL.written(money) == text
    assert PAYPAL.read(text, money.currency) == money


@pytest.mark.parametrize(
    ("counting", "money", "reason"),
    [
        (PAYPAL, Money(499050, "HUF"), "amount_not_supported"),
        (PAYPAL, Money(12340, "KWD"), "currency_not_supported"),
        (PAYPAL, Money(5000, "UGX"), "currency_not_supported"),
        (STRIPE, Money(12345, "KWD"), "amount_not_supported"),
        (STRIPE, Money(10050, "MGA"), "amount_not_supported"),
        (STRIPE, Money(5000, "KPW"), "currency_not_supported"),
        (STRIPE, Money(5000, "eur"), "currency_not_supported"),
    ],
)
def test_what_a_provider_cannot_say(counting: Counting, money: Money, reason: str) -> None:
    with pytest.raises(InexpressibleAmount) as told:
        counting.counted(money)
    assert told.value.reason == reason


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.5", "EUR", 1250),
        ("12", "EUR", 1200),
        ("12.500", "EUR", 1250),
        ("4990.00", "HUF", 499000),
    ],
)
def test_texts_that_paypal_may_send(text: str, currency: str, amount: int) -> None:
    assert PAYPAL.read(text, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12.505", "EUR"),
        ("4990.50", "HUF"),
        ("", "EUR"),
        (".", "EUR"),
        ("1e3", "EUR"),
        ("12,50", "EUR"),
        ("١٢", "EUR"),
        ("--1", "EUR"),
        ("1.-1", "EUR"),
        ("9" * 5000, "EUR"),
        ("12.50", "KWD"),
        ("12.50", "QQQ"),
    ],
)
def test_texts_that_are_no_money(text: str, currency: str) -> None:
    with pytest.raises(InexpressibleAmount):
        PAYPAL.read(text, currency)


@given(
    st.sampled_from([STRIPE, PAYPAL]),
    st.sampled_from(sorted(CURRENCIES)),
    st.integers(min_value=-(10**11), max_value=10**11),
)
def test_what_can_be_said_comes_back(counting: Counting, currency: str, amount: int) -> None:
    money = Money(amount, currency)
    try:
        number = counting.counted(money)
    except InexpressibleAmount:
        return
    assert counting.money(number, currency) == money
    assert counting.read(counting.written(money), currency) == money


@given(st.text(max_size=30), st.sampled_from(["EUR", "HUF", "QQQ"]))
def test_any_text_is_money_or_refused(text: str, currency: str) -> None:
    with suppress(InexpressibleAmount):
        assert PAYPAL.read(text, currency).currency == currency


def test_the_tables_are_about_currencies() -> None:
    for counting in (STRIPE, PAYPAL):
        assert counting.exponents.keys() <= CURRENCIES
        assert counting.tens <= counting.exponents.keys()
    assert ISO_EXPONENTS.keys() == CURRENCIES


def test_exponents_are_those_of_others() -> None:
    """Against the Unicode tables, which differ where small coins are not used any more."""
    fractions = get_global("currency_fractions")
    usual = fractions["DEFAULT"][0]
    differ = {
        code
        for code, exponent in ISO_EXPONENTS.items()
        if fractions.get(code, (usual,))[0] != exponent
    }
    assert differ == set(NOT_AS_UNICODE.split())
