"""How much is loaded, and how it is spread."""

import math
from dataclasses import dataclass

DOCTORS_PER_CLINIC = 20
"""The same at every size: a clinic does not grow because there are more clinics."""
SLOTS_A_DAY = 16
DAYS_OF_A_MONTH = 30.5
BOOKED_DAYS = 28
BOOKED_SHARE = 0.3
PATIENTS_PER_DOCTOR = 40
BYTES_A_SLOT = 750
"""With all indexes, measured."""
MICROSECONDS_A_SLOT = 55
"""On two cores, indexes and constraints included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """So many doctors, with calendars of so many months from today."""

    doctors: int = 1000
    months: int = 12

    @property
    def days(self) -> int:
        """How far ahead the clinics take bookings; twelve months are 366 days."""
        return round(self.months * DAYS_OF_A_MONTH)

    @property
    def clinics(self) -> int:
        """The last of them may have fewer doctors than the others."""
        return math.ceil(self.doctors / DOCTORS_PER_CLINIC)

    @property
    def slots(self) -> int:
        """About so many: those of today that have begun are not made."""
        return self.doctors * self.days * SLOTS_A_DAY

    def forecast(self) -> str:
        """Say what loading it will take."""
        minutes = max(1, round(self.slots * MICROSECONDS_A_SLOT / 60e6))
        gigabytes = self.slots * BYTES_A_SLOT / 1e9
        return (
            f"{self.doctors:,} doctors x {self.months} months: {self.slots:,} slots, "
            f"about {minutes} min and {gigabytes:.1f} GB on two quiet cores."
        )
