"""Writes messages from templates, in the reader's language."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader

from booking_system.notifications.adapters.words.calendar import calendar_part
from booking_system.notifications.adapters.words.languages import (
    BUILT_IN,
    CALENDAR,
    Language,
    Languages,
)
from booking_system.notifications.adapters.words.one_line import (
    as_sms,
    one_line,
    paragraphs,
    shortened,
)
from booking_system.notifications.adapters.words.sandbox import environment, within_limits
from booking_system.notifications.adapters.words.values import values_of
from booking_system.notifications.application.writing_ports import Written
from booking_system.notifications.domain.facts import AccountMessage, AppointmentMessage
from booking_system.notifications.domain.letter import CalendarPart

LONGEST_SUBJECT: Final = 150
"""Characters: programs show half of them."""
SHARED: Final = FileSystemLoader(BUILT_IN)
MAIL_AS_TEXT: Final = environment(SHARED, is_html=False).get_template("mail.txt")
MAIL_AS_HTML: Final = environment(SHARED, is_html=True).get_template("mail.html")


class TemplateWriter:
    """A `Writer` with templates from files, and a clinic's own where it has some."""

    def __init__(
        self,
        *,
        folders: Sequence[Path] = (),
        site_name: str = "Booking System",
        service_in_calendar: bool = False,
    ) -> None:
        """`folders` hold an operator's languages; `site_name` is what people have accounts with.

        With `service_in_calendar` the event is called after the service, which others may see on
        the patient's screens. Raises `LanguageError`.
        """
        self._languages = Languages(folders)
        self._site_name = site_name
        self._service_in_calendar = service_in_calendar

    def email(self, message: AppointmentMessage | AccountMessage) -> Written:
        """Write the mail."""
        language = self._language(message)
        values = values_of(message, language, self._site_name)
        told = self._told(message, language, values)
        return Written(
            subject=told["subject"],
            text=_tidy(within_limits(MAIL_AS_TEXT.generate(told))),
            html=within_limits(MAIL_AS_HTML.generate(told)),
            calendar=self._calendar(message, language, values),
        )

    def sms(self, message: AppointmentMessage | AccountMessage) -> str:
        """Write the SMS."""
        language = self._language(message)
        values = values_of(message, language, self._site_name)
        return as_sms(language.blocks(message.kind.value, values)["sms"])

    def _language(self, message: AppointmentMessage | AccountMessage) -> Language:
        if isinstance(message, AccountMessage):
            return self._languages.for_reader(message.recipient_locale)
        return self._languages.for_reader(message.recipient_locale, message.clinic.locale)

    def _told(
        self,
        message: AppointmentMessage | AccountMessage,
        language: Language,
        values: dict[str, Any],
    ) -> dict[str, Any]:
        """Return the values, and what the templates say with them."""
        blocks = language.blocks(message.kind.value, values)
        before = paragraphs(blocks["before"])
        return values | {
            "subject": shortened(one_line(blocks["subject"]), LONGEST_SUBJECT),
            "heading": one_line(blocks["heading"]),
            "before": before,
            "button": one_line(blocks["button"]),
            "after": paragraphs(blocks["after"]),
            "preview": values.get("when") or before[-1],
        }

    def _calendar(
        self,
        message: AppointmentMessage | AccountMessage,
        language: Language,
        values: dict[str, Any],
    ) -> CalendarPart | None:
        if isinstance(message, AccountMessage):
            return None
        service = values["service"] if self._service_in_calendar else None
        blocks = language.blocks(CALENDAR, values | {"service": service})
        told = {
            "summary": one_line(blocks["summary"]),
            "location": one_line(blocks["location"]),
            "description": "\n".join(paragraphs(blocks["description"])),
        }
        return calendar_part(message, told)


def _tidy(text: str) -> str:
    return f"{text.strip()}\n"
