"""Makes booking references."""

from secrets import randbits

from booking_system.booking.domain.reference import reference_from


class RandomReferences:
    """The real maker of booking references."""

    def new(self) -> str:
        """Return one of 6.5 × 10¹¹; a rare collision makes the booking fail and be retried."""
        return reference_from(randbits(64))
