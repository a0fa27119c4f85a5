"""Shows what a clinic's templates say before they are stored, on made-up examples."""

import asyncio

from booking_system.notifications.adapters.words.examples import examples
from booking_system.notifications.adapters.words.writer import TemplateWriter
from booking_system.notifications.application.template_ports import (
    OwnTemplates,
    Previewed,
    TemplateFault,
)
from booking_system.notifications.domain.facts import ClinicFacts
from booking_system.notifications.domain.message import Kind
from booking_system.platform.ticket import waiting_elsewhere
from booking_system.shared_kernel.errors import Invalid


class Previews:
    """A `TemplatePreview`: renders in a thread, since one may take as long as it is let."""

    def __init__(self) -> None:
        """The words of the program itself stand where a clinic has none."""
        self._writer = TemplateWriter()

    async def __call__(
        self, clinic: ClinicFacts, kind: Kind, language: str, templates: OwnTemplates
    ) -> Previewed:
        """Return what the first example says, and the faults on any."""
        if language not in self._writer.languages:
            wrong = {
                "pointer": "",
                "in": "path",
                "detail": f"language must be one of {', '.join(self._writer.languages)}",
                "code": "language_without_words",
            }
            raise Invalid(errors=[wrong])
        with waiting_elsewhere():
            return await asyncio.to_thread(self._previewed, clinic, kind, language, templates)

    def _previewed(
        self, clinic: ClinicFacts, kind: Kind, language: str, templates: OwnTemplates
    ) -> Previewed:
        tried = [
            (message, *self._writer.preview(message, templates))
            for message in examples(clinic, kind, language)
        ]
        message, made, _ = tried[0]
        mail = self._writer.email(message)
        return Previewed(
            subject=made.get("subject", mail.subject),
            text=made.get("text", mail.text),
            html=made.get("html", mail.html),
            sms=made.get("sms") or self._writer.sms(message),
            faults=_once([fault for _, _, faults in tried for fault in faults]),
        )


def _once(faults: list[TemplateFault]) -> list[TemplateFault]:
    """The first fault of each part: mended, the next one is told."""
    return list({fault.part: fault for fault in reversed(faults)}.values())[::-1]
