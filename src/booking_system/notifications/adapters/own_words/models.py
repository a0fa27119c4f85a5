"""What the API takes and gives of templates of clinics."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field, model_validator

from booking_system.notifications.application.own_templates import error_of
from booking_system.notifications.application.template_ports import (
    OwnTemplates,
    Previewed,
    StoredTemplates,
)
from booking_system.notifications.domain.message import Kind
from booking_system.notifications.domain.segments import Alphabet, counted
from booking_system.platform.http.documentation import FieldProblem, Problem
from booking_system.platform.http.input import Input

EXAMPLE_ID = "01912d2b-0000-7000-8000-000000000001"
PARTS = ("subject", "text", "html", "sms")
TemplateKind = Annotated[
    Literal[
        "confirmation",
        "change",
        "cancellation",
        "reminder",
        "staff_notice",
        "payment_request",
        "payment_reminder",
        "payment_expired",
        "payment_late",
        "payment_receipt",
        "refund",
        "refund_failed",
        "dispute_notice",
        "matter_notice",
    ],
    Path(description="Which message it is about, by what it tells", examples=["reminder"]),
]
TemplateLanguage = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$",
        max_length=35,
        description="A language that there are words for, as a tag",
        examples=["en"],
    ),
]


class MessageTemplateIn(Input):
    """What a clinic says in its own words; what is left out, the program says."""

    subject: str | None = Field(
        default=None, min_length=1, max_length=500, examples=["See you on {{ date }}"]
    )
    text: str | None = Field(default=None, min_length=1, max_length=20_000)
    html: str | None = Field(
        default=None,
        min_length=1,
        max_length=60_000,
        description='May begin with `{% extends "mail.html" %}` and fill its block `content`',
    )
    sms: str | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        examples=["{{ clinic_short }}: see you on {{ short_when }}."],
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(getattr(self, part) is None for part in PARTS):
            message = "must have one part at least"
            raise ValueError(message)
        return self

    def templates(self) -> OwnTemplates:
        """Return what it says."""
        return OwnTemplates(subject=self.subject, text=self.text, html=self.html, sms=self.sms)


class MessageTemplateSummaryOut(BaseModel):
    """That a clinic has words of its own for one kind and language, and how they do. UTC."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    kind: Kind = Field(
        examples=["reminder"], description="Which message it is about, by what it tells"
    )
    language: str = Field(examples=["en"])
    parts: list[str] = Field(
        description="Which of `subject`, `text`, `html` and `sms` are the clinic's",
        examples=[["subject", "sms"]],
    )
    version: int
    changed_at: datetime
    changed_by: UUID
    last_failure_at: datetime | None = Field(
        description="When it could not be used: that message went out with the program's words"
    )
    last_failure_part: str | None = Field(
        examples=["sms"],
        description="Which part it was: `subject`, `text`, `html` or `sms`; null: none",
    )
    last_failure: str | None = Field(
        description="Why the clinic's words could not be used then, in a sentence;"
        " null: they always could",
        examples=["it takes more than 4 segments"],
    )

    @classmethod
    def of(cls, stored: StoredTemplates) -> Self:
        """Show it."""
        return cls.model_validate(_about(stored))


class MessageTemplateOut(MessageTemplateSummaryOut):
    """The same with the templates themselves."""

    subject: str | None
    text: str | None
    html: str | None
    sms: str | None

    @classmethod
    def of(cls, stored: StoredTemplates) -> Self:
        """Show it."""
        parts = {part: getattr(stored.templates, part) for part in PARTS}
        return cls.model_validate({**_about(stored), **parts})


def _about(stored: StoredTemplates) -> dict[str, Any]:
    names = MessageTemplateSummaryOut.model_fields.keys() - {"parts"}
    given = [part for part in PARTS if getattr(stored.templates, part) is not None]
    return {**{name: getattr(stored, name) for name in names}, "parts": given}


class SmsSizeOut(BaseModel):
    """What an SMS takes."""

    alphabet: Alphabet = Field(examples=["gsm_7"], description="In which its characters are sent")
    characters: int = Field(description="How many characters it has")
    segments: int = Field(description="How many SMS it takes: each is paid for", examples=[1])


class TemplateErrorOut(BaseModel):
    """What is wrong with a part."""

    pointer: str = Field(examples=["/sms"], description="JSON pointer (RFC 6901) to the part")
    detail: str = Field(
        examples=["it uses unknown names: surname"],
        description="What is wrong, in a sentence for people",
    )
    code: str = Field(
        examples=["template_fault"], description="What is wrong, in a word that stays the same"
    )
    line: int | None = Field(description="Of the template, from 1, where it is known")


class TemplateFieldProblem(FieldProblem):
    """One thing that is wrong with the input, or with a template in it."""

    line: int | None = Field(
        default=None, description="Line of the template, counted from 1; null: it is of no one line"
    )


class TemplateProblem(Problem):
    """Why templates were refused (RFC 9457)."""

    errors: list[TemplateFieldProblem] = Field(default=[])  # type: ignore[assignment]


class TemplatePreviewOut(BaseModel):
    """A message to nobody, as it would be written; parts with a fault as the program has them."""

    subject: str = Field(examples=["See you on 1 March"], description="The mail's subject")
    text: str = Field(
        examples=["Hello Alex, see you on 1 March at 9:00."], description="The mail as plain text"
    )
    html: str = Field(examples=["<!doctype html>"], description="The mail as HTML")
    sms: str = Field(examples=["See you on 1 March at 9:00."], description="The text as SMS")
    sms_size: SmsSizeOut = Field(description="How many SMS the text would take")
    errors: list[TemplateErrorOut] = Field(
        description="What is wrong on any of the examples; the first of each part"
    )

    @classmethod
    def of(cls, previewed: Previewed) -> Self:
        """Show it."""
        size = counted(previewed.sms)
        return cls.model_validate(
            {
                **{part: getattr(previewed, part) for part in PARTS},
                "sms_size": {
                    "alphabet": size.alphabet,
                    "characters": len(previewed.sms),
                    "segments": size.segments,
                },
                "errors": [{"line": None, **error_of(one)} for one in previewed.faults],
            }
        )
