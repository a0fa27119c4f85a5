"""Previews, made when somebody wants the first: what they need takes a while to load."""

from typing import TYPE_CHECKING

from booking_system.notifications.application.template_ports import OwnTemplates, Previewed
from booking_system.notifications.domain.facts import ClinicFacts
from booking_system.notifications.domain.message import Kind

if TYPE_CHECKING:
    from booking_system.notifications.adapters.words.previewing import Previews


class PreviewsWhenNeeded:
    """A `TemplatePreview`."""

    def __init__(self) -> None:
        """Nothing is loaded yet."""
        self._previews: Previews | None = None

    async def __call__(
        self, clinic: ClinicFacts, kind: Kind, language: str, templates: OwnTemplates
    ) -> Previewed:
        """Return what they say. Raises `Invalid`."""
        if self._previews is None:
            from booking_system.notifications.adapters.words.previewing import Previews  # noqa: PLC0415

            self._previews = Previews()
        return await self._previews(clinic, kind, language, templates)
