"""Amounts as the reader of a message writes them."""

from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency

from booking_system.payments.domain.amounts import ISO_EXPONENTS
from booking_system.shared_kernel.money import Money


def amount_in(locale: Locale, money: Money | None) -> str | None:
    """Such as `€50.00`, or `50,00 €`; None stays None."""
    if money is None:
        return None
    units = Decimal(money.amount).scaleb(-ISO_EXPONENTS[money.currency])
    told: str = format_currency(units, money.currency, locale=locale)
    return " ".join(told.split())
