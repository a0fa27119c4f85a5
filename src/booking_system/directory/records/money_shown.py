"""An amount of money as every answer shows it, for contexts above as well."""

from pydantic import BaseModel, Field

from booking_system.shared_kernel.money import Money


class MoneyOut(BaseModel):
    """An amount in minor units of an ISO 4217 currency."""

    amount: int = Field(examples=[4500])
    currency: str = Field(examples=["EUR"])

    @classmethod
    def of(cls, money: Money) -> "MoneyOut":
        """Show it."""
        return cls(amount=money.amount, currency=money.currency)
