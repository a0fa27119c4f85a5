"""Amounts as people read them."""

from decimal import Decimal

from babel.core import UnknownLocaleError
from babel.numbers import format_currency

from booking_system.payments.domain.amounts import ISO_EXPONENTS
from booking_system.shared_kernel.money import Money


def in_words(money: Money, language: str) -> str:
    """Return an amount with its currency, as a language writes it; English where it is unknown."""
    units = Decimal(money.amount).scaleb(-ISO_EXPONENTS[money.currency])
    try:
        return format_currency(units, money.currency, locale=language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return format_currency(units, money.currency, locale="en")
