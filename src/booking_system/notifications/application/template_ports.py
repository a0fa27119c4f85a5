"""A clinic's own templates: where they come from, and who hears that one does not work."""

from dataclasses import dataclass
from typing import Protocol

from booking_system.notifications.domain.message import Kind
from booking_system.shared_kernel.identifiers import ClinicId


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTemplates:
    """What a clinic says in its own words, for one kind and language; None: as the program does."""

    subject: str | None = None
    text: str | None = None
    html: str | None = None
    sms: str | None = None


class OwnTemplatesSource(Protocol):
    """Knows the templates of clinics, without waiting: they were read before."""

    def of(self, clinic_id: ClinicId, kind: Kind, language: str) -> OwnTemplates | None:
        """Return a clinic's templates; `language` is a tag, such as `de`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenTemplate:
    """A template that could not be used: the message was written with the program's own instead.

    `part` is a field of `OwnTemplates`; `reason` quotes nothing of the message.
    """

    clinic_id: ClinicId
    kind: Kind
    language: str
    part: str
    reason: str


class BrokenTemplateSink(Protocol):
    """Hears of templates that do not work."""

    def __call__(self, broken: BrokenTemplate) -> None:
        """Tell people who can mend it; must not raise."""
        ...
