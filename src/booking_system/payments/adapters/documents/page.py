"""A document as a page that is read on any screen, and printed."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from booking_system.payments.adapters.documents.sheet import Sheet

HERE: Final = Path(__file__).parent
STYLE: Final = (HERE / "page.css").read_text(encoding="utf-8").removesuffix("\n")
STYLE_SOURCE: Final = f"'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
"""For the page's policy: no style but its own."""


def page_of(sheet: Sheet) -> str:
    """Return the page. All that people have typed is escaped."""
    return _template().render(sheet=sheet)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        auto_reload=False,
    )
    return environment.get_template("page.html")
