"""Where patients see, move and cancel an appointment: a page of the operator's own."""

from collections.abc import Callable
from uuid import UUID

PLACE = "{booking_id}"


def to_manage(template: str) -> Callable[[UUID], str | None]:
    """Return what makes the address of an appointment's page; an empty template: there is none."""

    def address_of(appointment_id: UUID) -> str | None:
        return template.replace(PLACE, str(appointment_id)) or None

    return address_of
