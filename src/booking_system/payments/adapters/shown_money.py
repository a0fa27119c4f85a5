"""Amounts as people read them."""

from copy import copy
from decimal import Decimal

from babel import Locale
from babel.core import UnknownLocaleError

from booking_system.payments.domain.amounts import ISO_EXPONENTS
from booking_system.shared_kernel.money import Money

ENGLISH = Locale("en")


def in_words(money: Money, language: str) -> str:
    """Return an amount with its currency, as a language writes it; English where it is unknown."""
    try:
        return spelled(money, Locale.parse(language, sep="-"))
    except (UnknownLocaleError, ValueError):
        return spelled(money, ENGLISH)


def spelled(money: Money, locale: Locale) -> str:
    """Return an amount with its currency and all its decimals, as a locale writes it.

    Decimals are those that the ledger counts in (ISO 4217): where people leave them out in daily
    life, as of dinars, they are money all the same.
    """
    exponent = ISO_EXPONENTS[money.currency]
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent, exponent)
    units = Decimal(money.amount).scaleb(-exponent)
    text: str = pattern.apply(units, locale, currency=money.currency, currency_digits=False)
    return text
