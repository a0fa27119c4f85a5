"""Money: an integer number of minor units and the currency they are of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents, pence, yen) of an ISO 4217 currency."""

    amount: int
    currency: str
