"""A clinic's own templates: where they come from, and who hears that one does not work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from booking_system.notifications.domain.facts import ClinicFacts
from booking_system.notifications.domain.message import Kind
from booking_system.shared_kernel.identifiers import ClinicId, UserId


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplates:
    """A clinic's templates for one kind and language, as they are stored; times in UTC.

    `last_failure` says why they could not be used for a message, `last_failure_part` which of them.
    """

    id: UUID
    clinic_id: ClinicId
    kind: Kind
    language: str
    templates: OwnTemplates
    version: int
    changed_at: datetime
    changed_by: UserId
    last_failure_at: datetime | None = None
    last_failure_part: str | None = None
    last_failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFault:
    """Why one part cannot be used; `line` of the template where that is known, from 1."""

    part: str
    reason: str
    line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What a message says with some templates; refused parts say what the program says."""

    subject: str
    text: str
    html: str
    sms: str
    faults: Sequence[TemplateFault]


class TemplatePreview(Protocol):
    """Tries templates on examples; no patient's data is read."""

    async def __call__(
        self, clinic: ClinicFacts, kind: Kind, language: str, templates: OwnTemplates
    ) -> Previewed:
        """Return what they say, and what is wrong with them on any of the examples.

        Raises `Invalid` for a language that there are no words for.
        """
        ...


class TemplateStore(Protocol):
    """Where templates of clinics are kept."""

    async def clinic(self, clinic_id: ClinicId) -> ClinicFacts | None:
        """Return the clinic."""
        ...

    async def page(
        self, clinic_id: ClinicId, *, after: UUID | None, limit: int
    ) -> Sequence[StoredTemplates]:
        """Return them by age, one more than `limit` where there are more."""
        ...

    async def of(self, clinic_id: ClinicId, kind: Kind, language: str) -> StoredTemplates | None:
        """Return those of one kind and language."""
        ...

    async def put(self, wanted: StoredTemplates, *, version: int | None) -> StoredTemplates | None:
        """Store them; None: they were changed since `version` (0: there were none)."""
        ...

    async def delete(
        self, clinic_id: ClinicId, kind: Kind, language: str, *, version: int | None
    ) -> int:
        """Take them away, if they have this version, or any (None).

        Return the version that was there; 0: there are none.
        """
        ...


class OwnWords(Protocol):
    """Has a clinic's templates at hand when a message is written."""

    async def ready(self, clinic_id: ClinicId, kind: Kind, marks: Sequence[str]) -> None:
        """Read them unless those at hand are these; `marks` name the present versions."""
        ...

    async def tell(self) -> None:
        """Store what the writer said of templates that do not work; never raises."""
        ...
