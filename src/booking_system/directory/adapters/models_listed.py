"""Items of lists with what was asked for beside them: what the document says of such items.

The lists themselves add `expanded` where it is asked for, so it costs nothing where it is not.
"""

from pydantic import Field

from booking_system.directory.adapters.models_patients import ListedPatientOut
from booking_system.directory.records.doctor_models import DoctorOut
from booking_system.directory.records.references_shown import ExpandedItemOut
from booking_system.directory.records.service_shown import ServiceOut

ABOUT = "What was asked for by `expand`, for the clinic's staff alone; absent otherwise"


class ListedDoctorOut(DoctorOut):
    """A doctor in a list."""

    expanded: ExpandedItemOut | None = Field(default=None, description=ABOUT)


class ListedServiceOut(ServiceOut):
    """A service in a list."""

    expanded: ExpandedItemOut | None = Field(default=None, description=ABOUT)


class FoundPatientOut(ListedPatientOut):
    """A patient in a list. Of one whom the clinic does not know only the name is told."""

    expanded: ExpandedItemOut | None = Field(default=None, description=ABOUT)
