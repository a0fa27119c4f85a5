"""What refusals tell of appointments, and of others, that stand in the way."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from booking_system.platform.http.documentation import Problem


class BookingInTheWay(BaseModel):
    """Which appointment it is; `GET /v1/bookings/{id}` shows it all to callers who may see it."""

    id: UUID
    reference: str = Field(examples=["K7QM-3F9D"], description="To be read out over the telephone")
    doctor_id: UUID
    starts_at: datetime = Field(
        description="When the booking in the way starts. UTC", examples=["2027-03-01T08:00:00Z"]
    )


class BookingsProblem(Problem):
    """Why it cannot be done yet: appointments stand in its way."""

    bookings: list[BookingInTheWay] = Field(
        default=[], description="The first hundred of them. Absent where no booking is in the way"
    )
    count: int = Field(
        default=0, description="How many there are. Absent with `bookings`", examples=[1]
    )


class RestoreProblem(Problem):
    """Why it cannot come back."""

    occupied_by: UUID = Field(
        default=UUID(int=0),
        description="The clinic that has its slug by now. Absent where that is not the reason",
    )
