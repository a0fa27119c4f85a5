"""What the API gives of matters that people have to see to."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.directory.records.money_shown import MoneyOut
from booking_system.payments.application.ports import OpenMatter
from booking_system.payments.domain.matters import MatterKind


class MatterOut(BaseModel):
    """Something that people have to see to: no program can decide it."""

    id: UUID
    kind: MatterKind = Field(description="What has to be seen to")
    payment_id: UUID
    booking_id: UUID
    about: str = Field(
        description="The provider's id of what it is about, or the id of another account of a"
        " clinic's that told of the payment",
        examples=["re_1"],
    )
    amount: MoneyOut = Field(
        description="How much money it is about, in minor units, and its currency"
    )
    found_at: datetime

    @classmethod
    def of(cls, open_one: OpenMatter) -> "MatterOut":
        """Show it."""
        matter = open_one.matter
        return cls(
            id=open_one.id,
            kind=matter.kind,
            payment_id=matter.payment_id,
            booking_id=matter.appointment_id,
            about=matter.about,
            amount=MoneyOut.of(matter.money),
            found_at=matter.found_at,
        )


class MattersOut(BaseModel):
    """All that is open, the oldest first."""

    items: list[MatterOut]
