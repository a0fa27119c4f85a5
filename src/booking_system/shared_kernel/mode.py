"""How patient and doctor meet."""

from enum import StrEnum


class Mode(StrEnum):
    """The way of an appointment, of a service, and of the slots that can hold it."""

    IN_PERSON = "in_person"
    ONLINE = "online"
    PHONE = "phone"
