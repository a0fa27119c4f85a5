"""Money as providers count it, which is not everywhere as ISO 4217 does.

`Money` is in the minor units of ISO 4217. Each provider has a table of its own: which currencies
it takes at all, how many decimals an amount has there, and what has to stand at its end.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from booking_system.shared_kernel.money import CURRENCIES, Money

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
ISO_EXPONENTS: Mapping[str, int] = {
    code: 0 if code in _NONE.split() else 3 if code in _THREE.split() else 2 for code in CURRENCIES
}
"""Decimals of each currency, by ISO 4217."""
NUMBER = re.compile(r"-?(?:[0-9]+|[0-9]*\.[0-9]+)", re.ASCII)
LONGEST = 16
"""Characters of an amount in a text: with any decimals added, PostgreSQL's bigint holds it."""


class InexpressibleAmount(Exception):
    """The provider does not take this currency, or has no number for this amount.

    `reason` is `currency_not_supported` or `amount_not_supported`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How one provider counts: decimals by currency; `tens` must be multiples of ten."""

    exponents: Mapping[str, int]
    tens: frozenset[str] = field(default_factory=frozenset)

    def counted(self, money: Money) -> int:
        """Return the provider's number. Raises `InexpressibleAmount`, and never rounds."""
        exponent = self.exponents.get(money.currency)
        if exponent is None:
            raise InexpressibleAmount("currency_not_supported")
        number, left = _scaled(money.amount, exponent - ISO_EXPONENTS[money.currency])
        if left or (money.currency in self.tens and number % 10):
            raise InexpressibleAmount("amount_not_supported")
        return number

    def money(self, number: int, currency: str) -> Money:
        """Return what a number of the provider's is. Raises `InexpressibleAmount`."""
        exponent = self.exponents.get(currency)
        if exponent is None:
            raise InexpressibleAmount("currency_not_supported")
        amount, left = _scaled(number, ISO_EXPONENTS[currency] - exponent)
        if left:
            raise InexpressibleAmount("amount_not_supported")
        return Money(amount, currency)

    def written(self, money: Money) -> str:
        """Return the provider's number as a decimal text: `12.50`, and `4990` without decimals.

        Raises `InexpressibleAmount`.
        """
        number, exponent = self.counted(money), self.exponents[money.currency]
        if exponent == 0:
            return str(number)
        sign, digits = "-" * (number < 0), str(abs(number)).rjust(exponent + 1, "0")
        return f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"

    def read(self, text: str, currency: str) -> Money:
        """Return what a decimal text is; `12.5` and `12.500` are the same.

        Raises `InexpressibleAmount`.
        """
        exponent = self.exponents.get(currency)
        if exponent is None:
            raise InexpressibleAmount("currency_not_supported")
        if not NUMBER.fullmatch(text) or len(text) > LONGEST:
            raise InexpressibleAmount("amount_not_supported")
        whole, _, decimals = text.removeprefix("-").partition(".")
        digits, beyond = decimals[:exponent].ljust(exponent, "0"), decimals[exponent:]
        if beyond.strip("0"):
            raise InexpressibleAmount("amount_not_supported")
        number = int(f"{whole}{digits}")
        return self.money(-number if text.startswith("-") else number, currency)


def _scaled(amount: int, by: int) -> tuple[int, int]:
    """Move the point; also what is left over, where there are fewer decimals."""
    if by >= 0:
        return int(amount * 10**by), 0
    number, left = divmod(abs(amount), int(10**-by))
    return (number if amount >= 0 else -number), left


_STRIPE_NONE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_STRIPE_THREE = "BHD JOD KWD OMR TND"
_STRIPE_TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF"
    " CNY COP CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF"
    " IDR ILS INR ISK JMD KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR"
    " MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR"
    " SEK SGD SHP SLE SOS SRD SZL THB TJS TOP TRY TTD TWD TZS UAH UGX USD UYU UZS WST XCD YER ZAR"
    " ZMW"
)

STRIPE = Counting(
    exponents={
        **dict.fromkeys(_STRIPE_TWO.split(), 2),
        **dict.fromkeys(_STRIPE_NONE.split(), 0),
        **dict.fromkeys(_STRIPE_THREE.split(), 3),
    },
    tens=frozenset(_STRIPE_THREE.split()),
)
"""Stripe: ariary without decimals, krónur and Ugandan shillings with two that are noughts."""

_PAYPAL_TWO = "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD ILS MXN MYR NOK NZD PHP PLN SEK SGD THB USD"
PAYPAL = Counting(
    exponents={**dict.fromkeys(_PAYPAL_TWO.split(), 2), **dict.fromkeys(["HUF", "JPY", "TWD"], 0)}
)
"""PayPal: few currencies; forints and Taiwan dollars without the decimals that ISO gives them."""
