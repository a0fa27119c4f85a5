"""Renders what a clinic says in its own words, or finds out why that cannot be done."""

from collections.abc import Mapping
from functools import lru_cache
from traceback import walk_tb
from typing import Any, Final, NamedTuple

from jinja2 import FileSystemLoader, Template

from booking_system.notifications.adapters.words.languages import BUILT_IN
from booking_system.notifications.adapters.words.one_line import as_sms, one_line, shortened
from booking_system.notifications.adapters.words.sandbox import (
    RenderLimitError,
    environment,
    within_limits,
)
from booking_system.notifications.adapters.words.template_check import (
    TemplateRefusedError,
    checked,
    clean_html,
)
from booking_system.notifications.domain.segments import counted

LONGEST_SUBJECT: Final = 150
"""Characters: programs show half of them."""
MOST_SEGMENTS: Final = 4
SHARED: Final = FileSystemLoader(BUILT_IN)
PLAIN: Final = environment(SHARED, is_html=False)
ESCAPED: Final = environment(SHARED, is_html=True)


class Refused(NamedTuple):
    """Why a template is refused."""

    reason: str
    line: int | None


def rendered(part: str, source: str, values: Mapping[str, Any]) -> str:
    """Return a part of a message, made of a clinic's template.

    `part` is a field of `OwnTemplates`; `values` are all names that it may use. Raises
    `TemplateRefusedError` and nothing else, for any template.
    """
    try:
        template = _compiled(part, source, frozenset(values))
        if isinstance(template, Refused):
            raise TemplateRefusedError(template.reason, line=template.line)  # noqa: TRY301
        made = within_limits(template.generate(values))
    except TemplateRefusedError:
        raise
    except RenderLimitError as error:
        raise TemplateRefusedError(str(error)) from None
    except Exception as error:  # noqa: BLE001  (a template can make any expression fail)
        line = _line_of(error)
        raise TemplateRefusedError(f"it fails: {type(error).__name__}", line=line) from None
    return _in_form(part, made)


@lru_cache(maxsize=256)
def _compiled(part: str, source: str, names: frozenset[str]) -> "Template | Refused":
    """Return the template, or why it is refused: of both, once is enough."""
    place = ESCAPED if part == "html" else PLAIN
    try:
        checked(source, part, names, place)
    except TemplateRefusedError as error:
        return Refused(error.reason, error.line)
    return place.from_string(source)


def _line_of(error: Exception) -> int | None:
    """Return where in the template it failed: jinja2 puts its lines into the traceback."""
    frames = walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == "<template>"]
    return lines[-1] if lines else None


def _in_form(part: str, made: str) -> str:
    if not made.strip():
        raise TemplateRefusedError("it says nothing")
    if part == "subject":
        return shortened(one_line(made), LONGEST_SUBJECT)
    if part == "sms":
        text = as_sms(made)
        if counted(text).segments > MOST_SEGMENTS:
            raise TemplateRefusedError(f"it takes more than {MOST_SEGMENTS} segments")
        return text
    if part == "html":
        clean_html(made)
        return made
    return f"{made.strip()}\n"
