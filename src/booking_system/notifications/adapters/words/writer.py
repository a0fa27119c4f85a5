"""Writes messages from templates, in the reader's language."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from booking_system.notifications.adapters.words.calendar import calendar_part
from booking_system.notifications.adapters.words.languages import CALENDAR, Language, Languages
from booking_system.notifications.adapters.words.one_line import (
    as_sms,
    one_line,
    paragraphs,
    shortened,
)
from booking_system.notifications.adapters.words.own_templates import (
    ESCAPED,
    LONGEST_SUBJECT,
    PLAIN,
    rendered,
)
from booking_system.notifications.adapters.words.sandbox import within_limits
from booking_system.notifications.adapters.words.template_check import (
    LAYOUT,
    TemplateRefusedError,
)
from booking_system.notifications.adapters.words.values import values_of
from booking_system.notifications.application.template_ports import (
    BrokenTemplate,
    BrokenTemplateSink,
    OwnTemplates,
    OwnTemplatesSource,
    TemplateFault,
)
from booking_system.notifications.application.writing_ports import Written
from booking_system.notifications.domain.facts import AccountMessage, AppointmentMessage
from booking_system.notifications.domain.letter import CalendarPart

MAIL_AS_TEXT: Final = PLAIN.get_template("mail.txt")
MAIL_AS_HTML: Final = ESCAPED.get_template(LAYOUT)
MAIL: Final = ("subject", "text", "html")

log = structlog.get_logger("booking_system.messages")


def log_broken(broken: BrokenTemplate) -> None:
    """Tell the operator of a clinic's template that does not work."""
    log.warning(
        "own_template_broken",
        clinic_id=str(broken.clinic_id),
        kind=broken.kind.value,
        language=broken.language,
        part=broken.part,
        reason=broken.reason,
    )


class TemplateWriter:
    """A `Writer` with templates from files, and a clinic's own where it has some."""

    def __init__(
        self,
        *,
        folders: Sequence[Path] = (),
        site_name: str = "Booking System",
        service_in_calendar: bool = False,
        own_templates: OwnTemplatesSource | None = None,
        tell_broken: BrokenTemplateSink = log_broken,
    ) -> None:
        """`folders` hold an operator's languages; `site_name` is what people have accounts with.

        With `service_in_calendar` the event is called after the service, which others may see on
        the patient's screens. `own_templates` are the clinics'; where one does not work, the
        message says what the program says, and `tell_broken` hears of it. Raises `LanguageError`.
        """
        self._languages = Languages(folders)
        self._site_name = site_name
        self._service_in_calendar = service_in_calendar
        self._own = own_templates
        self._tell_broken = tell_broken

    @property
    def languages(self) -> Sequence[str]:
        """Tags of the languages that there are words for."""
        return self._languages.tags

    def email(self, message: AppointmentMessage | AccountMessage) -> Written:
        """Write the mail."""
        language = self._language(message)
        values = values_of(message, language, self._site_name)
        told = self._told(message, language, values)
        own = self._in_own_words(message, language, MAIL, told)
        return Written(
            subject=own.get("subject") or told["subject"],
            text=own.get("text") or _tidy(within_limits(MAIL_AS_TEXT.generate(told))),
            html=own.get("html") or within_limits(MAIL_AS_HTML.generate(_on_one_line(told))),
            calendar=self._calendar(message, language, values),
        )

    def sms(self, message: AppointmentMessage | AccountMessage) -> str:
        """Write the SMS."""
        language = self._language(message)
        values = values_of(message, language, self._site_name, is_for_sms=True)
        if own := self._in_own_words(message, language, ("sms",), values):
            return own["sms"]
        return as_sms(language.blocks(message.kind.value, values)["sms"])

    def preview(
        self, message: AppointmentMessage, own: OwnTemplates
    ) -> tuple[Mapping[str, str], Sequence[TemplateFault]]:
        """Try a clinic's templates out on a message.

        Return what each of the parts that are given says, by part, and what is wrong with those
        that are refused.
        """
        language = self._language(message)
        values = values_of(message, language, self._site_name)
        told = self._told(message, language, values)
        by_sms = values_of(message, language, self._site_name, is_for_sms=True)
        made, refused = dict[str, str](), list[TemplateFault]()
        for part in (*MAIL, "sms"):
            if (source := getattr(own, part)) is not None:
                try:
                    made[part] = rendered(part, source, by_sms if part == "sms" else told)
                except TemplateRefusedError as error:
                    refused.append(TemplateFault(part=part, reason=error.reason, line=error.line))
        return made, refused

    def _in_own_words(
        self,
        message: AppointmentMessage | AccountMessage,
        language: Language,
        parts: Sequence[str],
        values: Mapping[str, Any],
    ) -> Mapping[str, str]:
        """Return the parts that the clinic has words of its own for.

        None if one of them does not work: what its text says, its HTML says, too.
        """
        if self._own is None or isinstance(message, AccountMessage):
            return {}
        own = self._own.of(message.clinic.id, message.kind, language.tag)
        made = {}
        for part in parts if own is not None else ():
            if (source := getattr(own, part)) is None:
                continue
            try:
                made[part] = rendered(part, source, values)
            except TemplateRefusedError as error:
                self._tell_broken(
                    BrokenTemplate(
                        clinic_id=message.clinic.id,
                        kind=message.kind,
                        language=language.tag,
                        part=part,
                        reason=error.reason,
                    )
                )
                return {}
        return made

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


def _on_one_line(told: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a telephone number together where HTML would break the line in it."""
    phone = told.get("clinic_phone")
    if not phone:
        return dict(told)
    joined = phone.replace(" ", "\N{NO-BREAK SPACE}")
    parts = {
        part: [one.replace(phone, joined) for one in told[part]] for part in ("before", "after")
    }
    return {**told, **parts}


def _tidy(text: str) -> str:
    return f"{text.strip()}\n"
