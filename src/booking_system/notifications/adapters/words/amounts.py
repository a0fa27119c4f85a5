"""Amounts as the reader of a message writes them."""

from decimal import Decimal
from typing import Final

from babel import Locale
from babel.numbers import format_currency

from booking_system.notifications.domain.segments import outside_gsm_7
from booking_system.payments.domain.amounts import ISO_EXPONENTS
from booking_system.shared_kernel.money import Money

CODE_FIRST: Final = "\N{CURRENCY SIGN}\N{CURRENCY SIGN} #,##0.00"


def amount_in(locale: Locale, money: Money | None, *, is_for_sms: bool = False) -> str | None:
    """Such as `€50.00`, or `50,00 €`; None stays None.

    In an SMS a sign outside of its alphabet, which would double the price, is the currency's code.
    """
    if money is None:
        return None
    units = Decimal(money.amount).scaleb(-ISO_EXPONENTS[money.currency])
    told = " ".join(format_currency(units, money.currency, locale=locale).split())
    if is_for_sms and outside_gsm_7(told):
        named = format_currency(units, money.currency, format=CODE_FIRST, locale=locale)
        return " ".join(named.split())
    return told
