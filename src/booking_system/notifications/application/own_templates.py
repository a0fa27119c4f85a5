"""Use cases: a clinic says things in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from booking_system.identity.domain.actor import Actor
from booking_system.notifications.application.template_ports import (
    OwnTemplates,
    Previewed,
    StoredTemplates,
    TemplateFault,
    TemplatePreview,
    TemplateStore,
)
from booking_system.notifications.domain.facts import ClinicFacts
from booking_system.notifications.domain.message import Kind
from booking_system.shared_kernel.clock import Clock
from booking_system.shared_kernel.errors import Invalid, NotFound, NotPermitted, Stale, check_seen
from booking_system.shared_kernel.identifiers import ClinicId, Identities


async def _clinic(
    store: TemplateStore, clinic_id: ClinicId, actor: Actor, *, changes: bool
) -> ClinicFacts:
    clinic = await store.clinic(clinic_id)
    if clinic is None:
        raise NotFound
    if not (actor.manages(clinic_id) or (actor.works_at(clinic_id) and not changes)):
        raise NotPermitted
    return clinic


def error_of(fault: TemplateFault) -> dict[str, object]:
    """Return a fault as one of a problem's `errors`."""
    line = {} if fault.line is None else {"line": fault.line}
    return {
        "pointer": f"/{fault.part}",
        "detail": fault.reason,
        "code": "template_fault",
        **line,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTemplates:
    """Staff see what their clinic says itself, and what of it did not work."""

    store: TemplateStore

    async def __call__(
        self, *, clinic_id: ClinicId, after: UUID | None, limit: int, actor: Actor
    ) -> Sequence[StoredTemplates]:
        """Return a page, one more than `limit` where there are more.

        Raises `NotFound`, `NotPermitted`.
        """
        await _clinic(self.store, clinic_id, actor, changes=False)
        return await self.store.page(clinic_id, after=after, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowTemplates:
    """Staff read the templates of one kind and language."""

    store: TemplateStore

    async def __call__(
        self, *, clinic_id: ClinicId, kind: Kind, language: str, actor: Actor
    ) -> StoredTemplates:
        """Raises `NotFound`, `NotPermitted`."""
        await _clinic(self.store, clinic_id, actor, changes=False)
        found = await self.store.of(clinic_id, kind, language)
        if found is None:
            raise NotFound
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewTemplates:
    """Staff see what templates say that nobody has stored yet."""

    store: TemplateStore
    preview: TemplatePreview

    async def __call__(
        self,
        *,
        clinic_id: ClinicId,
        kind: Kind,
        language: str,
        templates: OwnTemplates,
        actor: Actor,
    ) -> Previewed:
        """Raises `NotFound`, `NotPermitted`, `Invalid` for a language without words."""
        clinic = await _clinic(self.store, clinic_id, actor, changes=False)
        return await self.preview(clinic, kind, language, templates)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTemplates:
    """Administrators set them; those that would not work are refused here, and not found later."""

    store: TemplateStore
    preview: TemplatePreview
    clock: Clock
    identities: Identities

    async def __call__(  # noqa: PLR0913
        self,
        *,
        clinic_id: ClinicId,
        kind: Kind,
        language: str,
        templates: OwnTemplates,
        version: int | None,
        actor: Actor,
    ) -> StoredTemplates:
        """Raises `NotFound`, `NotPermitted`, `Invalid` with each fault, `Stale`."""
        clinic = await _clinic(self.store, clinic_id, actor, changes=True)
        present = await self.store.of(clinic_id, kind, language)
        check_seen(version, present.version if present else 0)
        tried = await self.preview(clinic, kind, language, templates)
        if tried.faults:
            raise Invalid(errors=[error_of(fault) for fault in tried.faults])
        wanted = StoredTemplates(
            id=self.identities.new(),
            clinic_id=clinic_id,
            kind=kind,
            language=language,
            templates=templates,
            version=1,
            changed_at=self.clock.now(),
            changed_by=actor.user_id,
        )
        if present is not None:
            wanted = replace(wanted, id=present.id, version=present.version + 1)
        done = await self.store.put(wanted, version=version)
        if done is None:
            raise Stale
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTemplates:
    """The clinic's messages say again what the program says."""

    store: TemplateStore

    async def __call__(
        self,
        *,
        clinic_id: ClinicId,
        kind: Kind,
        language: str,
        version: int | None,
        actor: Actor,
    ) -> None:
        """Raises `NotFound`, `NotPermitted`, `Stale`."""
        await _clinic(self.store, clinic_id, actor, changes=True)
        present = await self.store.delete(clinic_id, kind, language, version=version)
        check_seen(version, present)
        if not present:
            raise NotFound
